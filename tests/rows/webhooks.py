"""Endpoints, the outbox, its attempts, and what endpoints have failed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Scope
from estafette.core.ids import new_id
from tests.rows import tables
from tests.rows.tables import Database

# A message may be settled only under the claim that holds it: the attempt with that very number,
# of that very worker, must be there by the end of the same transaction.
_WATCH = """
create table violations (message_id uuid, attempt integer, worker text);
create function watch() returns trigger language plpgsql as $$
begin
    if not exists (select from attempts where account_id = old.account_id
        and message_id = old.id and attempt = old.attempt and worker = old.leased_by)
    then insert into violations values (old.id, old.attempt, old.leased_by);
    end if;
    return null;
end $$;
create constraint trigger watch after update on messages deferrable initially deferred
    for each row when (old.leased_by is not null and new.leased_by is null
        and new.attempt = old.attempt)
    execute function watch();
"""
_CROWD = """
with clones as (
    select number, case when $3 then gen_random_uuid() else $1::uuid end as account_id,
        gen_random_uuid() as endpoint_id
    from generate_series(1, $2::integer) number
),
accounts_too as (
    insert into accounts select (jsonb_populate_record(accounts, jsonb_build_object(
        'id', clones.account_id, 'name', clones.account_id::text))).*
    from accounts cross join clones where $3 and accounts.id = $1
),
endpoints_too as (
    insert into endpoints (account_id, mode, id, name, url, secret)
    select account_id, 'live', endpoint_id, endpoint_id::text, $4::text, '' from clones
)
insert into messages (account_id, id, endpoint_id, test_type, due_at)
select account_id, gen_random_uuid(), endpoint_id, 'created', now() - interval '1 minute'
from clones cross join generate_series(1, $5::integer)
"""


async def watch_claims(database: Database) -> None:
    """From now on note each message that is settled by somebody who does not hold it."""
    await database.execute(_WATCH)


async def broken_claims(database: Database) -> list[asyncpg.Record]:
    """Return what was noted since `watch_claims`."""
    return await tables.read(database, "violations")


async def add_endpoint(
    database: Database, scope: Scope, id: UUID | None = None, secret: bytes = b""
) -> UUID:
    """Give an account an endpoint at which nobody listens; return its id."""
    id = id or new_id()
    told = {"name": "default", "url": "http://127.0.0.1:9/", "secret": secret}
    await tables.add(database, "endpoints", **scope._asdict(), id=id, **told)
    return id


async def messages_of(database: Database, account_id: UUID) -> list[dict[str, Any]]:
    """An account's messages, oldest event first, with the seconds until and in which each is due.

    `due_in` counts from now, `due_after_start` from the beginning of its round.
    """
    query = (
        "select *, extract(epoch from due_at - now())::float8 as due_in,"
        " extract(epoch from due_at - round_started_at)::float8 as due_after_start"
        " from messages where account_id = $1 order by delivery_id, seq, ordinal"
    )
    return [dict(row) for row in await database.fetch(query, account_id)]


async def attempts_of(database: Database, account_id: UUID) -> list[dict[str, Any]]:
    """An account's attempts, oldest first."""
    where = {"account_id": account_id}
    found = await tables.read(database, "attempts", where, order="started_at, attempt")
    return [dict(row) for row in found]


async def announcements(
    database: Database, account_id: UUID, delivery_id: UUID
) -> list[asyncpg.Record]:
    """The outbox of a delivery by seq and ordinal: type, event id, seconds from event to due.

    The delay is rounded to five seconds: a busy machine takes its time for a transaction.
    """
    return await database.fetch(
        "select events.announced[messages.ordinal + 1] as type, events.id as event_id,"
        " (round(extract(epoch from messages.due_at - events.occurred_at) / 5) * 5)::float8"
        " as delay, messages.due_at"
        " from messages join events using (account_id, delivery_id, seq)"
        " where account_id = $1 and delivery_id = $2 order by seq, ordinal",
        account_id,
        delivery_id,
    )


async def count_settled(database: Database, account_id: UUID) -> int:
    """How many messages of an account carry no lease after an attempt of this round."""
    return await database.fetchval(
        "select count(*) from messages"
        " where account_id = $1 and attempt > round_start and leased_by is null",
        account_id,
    )


async def repeat_messages(
    database: Database, where: Mapping[str, object], count: int, *, due_at: timedelta
) -> None:
    """Put `count` copies of the only message that fulfils a condition into the outbox."""
    (message,) = await tables.read(database, "messages", where)
    await database.execute(
        "insert into messages (account_id, id, endpoint_id, delivery_id, seq, ordinal, due_at)"
        " select account_id, gen_random_uuid(), endpoint_id, delivery_id, seq, ordinal,"
        " now() + $3::interval from messages cross join generate_series(1, $2) where id = $1",
        message["id"],
        count,
        due_at,
    )


async def announce(database: Database, delivery_id: UUID, seq: int, *types: str) -> None:
    """Let an event be announced by these types, a message for each, beside the one it has."""
    event = {"delivery_id": delivery_id, "seq": seq}
    await tables.change(database, "events", event, announced=list(types))
    (message,) = await tables.read(database, "messages", event)
    for ordinal in range(1, len(types)):
        copied = ("account_id", "endpoint_id", "delivery_id", "seq", "due_at")
        fields = {name: message[name] for name in copied}
        await tables.add(database, "messages", **fields, id=new_id(), ordinal=ordinal)


async def add_crowd(
    database: Database, account_id: UUID, url: str, count: int, messages: int, *, each_its_own: bool
) -> None:
    """Give an account, or as many copies of it, so many endpoints at `url`, with messages due."""
    await database.execute(_CROWD, account_id, count, each_its_own, url, messages)


async def let_overdue(database: Database) -> None:
    """Let three days pass, but what was tried is due in an hour, or later than it was."""
    await database.execute(
        "update messages set round_started_at = round_started_at - interval '3 days',"
        " due_at = due_at + case when attempt > 0 then 1 else -72 end * interval '1 hour'"
    )


async def fail_endpoints(database: Database, times: int) -> None:
    """Let every endpoint that has messages have failed so many times in a row."""
    await database.execute(
        "insert into endpoint_failures (endpoint_id, account_id, failures, rest_seconds)"
        " select distinct endpoint_id, account_id, $1::integer, 5 from messages",
        times,
    )
