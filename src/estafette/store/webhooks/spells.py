"""The spells in which endpoints fail: of which people were told what."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode, Scope
from estafette.core.webhooks.spell import Spell
from estafette.store.pool import Connection


class Suspect(NamedTuple):
    """An endpoint that fails now, or of which somebody was told that it fails.

    `failures` and `failing_since` are of now, 0 and None where it does not fail. `spell` is what
    was told of it; `is_gone`: it was disabled for its 410s. `answered` is whether the newest
    attempt since then was delivered, `given_up` whether a webhook was given up that was tried
    since. `http_status` and `outcome` are those of the last failure, `waiting` counts what waits.
    """

    scope: Scope
    endpoint_id: UUID
    name: str
    url: str | None
    is_enabled: bool
    is_gone: bool
    now: datetime
    failures: int
    failing_since: datetime | None
    spell: Spell | None
    answered: bool
    given_up: bool
    outcome: str | None
    http_status: int | None
    error: str | None
    waiting: int


_MOST_WAITING: Final = 10_000
_MOST_LOOKED_AT: Final = 100

# Of an endpoint of which nobody was told, only the row of its failures is read, unless these are
# as many as to tell of them.
_SUSPECTS = """
with suspect as (
    select coalesce(endpoint_failures.account_id, endpoint_spells.account_id) as account_id,
        coalesce(endpoint_failures.endpoint_id, endpoint_spells.endpoint_id) as endpoint_id,
        coalesce(failures, 0) as failures, endpoint_failures.failing_since,
        endpoint_spells.failing_since as spell_since, told_at, given_up_told_at, recovered_at
    from endpoint_failures full join endpoint_spells using (account_id, endpoint_id)
    where told_at is not null
        or failures >= $1 and endpoint_failures.failing_since <= now() - $2::interval
    order by told_at nulls first limit $3
)
select suspect.*, endpoints.mode, endpoints.name, endpoints.url, now() as now,
    endpoints.disabled_at is null and endpoints.removed_at is null as is_enabled,
    endpoints.disabled_why is not null and endpoints.removed_at is null as is_gone,
    coalesce(newest.outcome = 'delivered', false) as answered,
    exists (
        select from (
            select account_id, message_id from attempts
            where attempts.endpoint_id = suspect.endpoint_id and outcome <> 'delivered'
                and started_at >= coalesce(spell_since, suspect.failing_since)
            order by started_at desc limit $4
        ) failed join messages on messages.account_id = failed.account_id
            and messages.id = failed.message_id
        where messages.state = 'dead' and messages.delivery_id is not null
    ) as given_up,
    last.outcome, last.http_status, last.error,
    (
        select count(*) from (
            select from messages where state = 'pending'
                and messages.endpoint_id = suspect.endpoint_id limit $5
        ) counted
    ) as waiting
from suspect
join endpoints on endpoints.account_id = suspect.account_id and endpoints.id = suspect.endpoint_id
left join lateral (
    select outcome from attempts
    where attempts.endpoint_id = suspect.endpoint_id and started_at >= told_at
    order by started_at desc limit 1
) newest on true
left join lateral (
    select outcome, http_status, error from attempts
    where attempts.endpoint_id = suspect.endpoint_id and outcome <> 'delivered'
        and started_at >= coalesce(spell_since, suspect.failing_since) - interval '1 minute'
    order by started_at desc limit 1
) last on true
"""


async def suspects(
    connection: Connection, failures: int, lasting: timedelta, limit: int
) -> list[Suspect]:
    """Returns endpoints that failed so often and for so long, and those with a spell.

    At most `limit`, those first of which nobody was told.
    """
    found = await connection.fetch(
        _SUSPECTS, failures, lasting, limit, _MOST_LOOKED_AT, _MOST_WAITING
    )
    return [_suspect(row) for row in found]


def _suspect(row: asyncpg.Record) -> Suspect:
    spell = None
    if row["told_at"] is not None:
        spell = Spell(
            row["spell_since"], row["told_at"], row["given_up_told_at"], row["recovered_at"]
        )
    return Suspect(
        scope=Scope(row["account_id"], Mode(row["mode"])),
        endpoint_id=row["endpoint_id"],
        name=row["name"],
        url=row["url"],
        is_enabled=row["is_enabled"],
        is_gone=row["is_gone"],
        now=row["now"],
        failures=row["failures"],
        failing_since=row["failing_since"],
        spell=spell,
        answered=row["answered"],
        given_up=row["given_up"],
        outcome=row["outcome"],
        http_status=row["http_status"],
        error=row["error"],
        waiting=row["waiting"],
    )


_KEEP = """
insert into endpoint_spells
    (account_id, endpoint_id, failing_since, told_at, given_up_told_at, recovered_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (account_id, endpoint_id) do update set failing_since = excluded.failing_since,
    told_at = excluded.told_at, given_up_told_at = excluded.given_up_told_at,
    recovered_at = excluded.recovered_at
"""


async def lock(connection: Connection, suspect: Suspect) -> bool:
    """Returns whether the spell still is as it was read; nobody else tells of it meanwhile."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1::text, 0))", str(suspect.endpoint_id)
    )
    row = await connection.fetchrow(
        "select failing_since, told_at, given_up_told_at, recovered_at from endpoint_spells"
        " where account_id = $1 and endpoint_id = $2",
        suspect.scope.account_id,
        suspect.endpoint_id,
    )
    return (Spell(*row) if row else None) == suspect.spell


async def keep(connection: Connection, suspect: Suspect, spell: Spell | None) -> None:
    """Writes what was told of an endpoint; None: nothing any more."""
    if spell is None:
        await connection.execute(
            "delete from endpoint_spells where account_id = $1 and endpoint_id = $2",
            suspect.scope.account_id,
            suspect.endpoint_id,
        )
        return
    await connection.execute(_KEEP, suspect.scope.account_id, suspect.endpoint_id, *spell)
