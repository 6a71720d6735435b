"""Personal data in the database: which deliveries name a phone, how far its erasing has come.

An account's deliveries are taken in the order of their ids, which is that of time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import FINAL, Delivery
from estafette.core.ids import to_base32
from estafette.store.deliveries import rows
from estafette.store.deliveries.terms import terms_json
from estafette.store.pool import Connection


class Progress(NamedTuple):
    """Up to which of an account's deliveries phones are indexed and personal data is erased."""

    indexed_to: UUID
    erased_to: UUID


_BEGIN = """
insert into personal_data_progress (account_id, indexed_to, erased_to)
values ($1, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000')
on conflict do nothing
"""


async def lock_progress(connection: Connection, account_id: UUID) -> Progress | None:
    """How far the work has come, locked for this transaction; None while another is at it."""
    await connection.execute(_BEGIN, account_id)
    row = await connection.fetchrow(
        "select indexed_to, erased_to from personal_data_progress where account_id = $1"
        " for update skip locked",
        account_id,
    )
    return Progress(*row) if row else None


async def set_progress(connection: Connection, account_id: UUID, progress: Progress) -> None:
    """Keeps how far the work has come."""
    await connection.execute(
        "update personal_data_progress set indexed_to = $2, erased_to = $3 where account_id = $1",
        account_id,
        *progress,
    )


class Phones(NamedTuple):
    """A delivery and the phones that it names, in E.164."""

    delivery_id: UUID
    phones: frozenset[str]


_PHONES = """
select id, pickup ->> 'phone_e164' as pickup, dropoff ->> 'phone_e164' as dropoff from deliveries
where account_id = $1 and id > $2 and id < $3 order by id limit $4
"""


async def phones_after(
    connection: Connection, account_id: UUID, after: UUID, before: UUID, limit: int
) -> list[Phones]:
    """The phones of the deliveries between two ids, at most `limit`."""
    found = await connection.fetch(_PHONES, account_id, after, before, limit)
    return [
        Phones(row["id"], frozenset(phone for phone in (row["pickup"], row["dropoff"]) if phone))
        for row in found
    ]


class Indexed(NamedTuple):
    """That a delivery names the phone of that hash."""

    hash: int
    account_id: UUID
    delivery_id: UUID


async def index(connection: Connection, entries: Sequence[Indexed]) -> None:
    """Adds to the index of phones."""
    await connection.execute(
        "insert into phone_index (hash, account_id, delivery_id)"
        " select * from unnest($1::bigint[], $2::uuid[], $3::uuid[]) on conflict do nothing",
        *_columns(entries),
    )


def _columns(entries: Sequence[Indexed]) -> tuple[list[int], list[UUID], list[UUID]]:
    return (
        [entry.hash for entry in entries],
        [entry.account_id for entry in entries],
        [entry.delivery_id for entry in entries],
    )


_NAMING = """
select account_id, delivery_id from phone_index
where hash = $1 and ($2::uuid is null or account_id = $2) and (account_id, delivery_id) > ($3, $4)
order by account_id, delivery_id limit $5
"""


async def naming(
    connection: Connection,
    hash: int,
    account_id: UUID | None,
    after: tuple[UUID, UUID],
    limit: int,
) -> list[tuple[UUID, UUID]]:
    """The accounts and ids of deliveries that are indexed under a hash, after one of them."""
    found = await connection.fetch(_NAMING, hash, account_id, *after, limit)
    return [(row["account_id"], row["delivery_id"]) for row in found]


_YOUNG = """
select id from deliveries
where account_id = $1 and id > coalesce(
        (select indexed_to from personal_data_progress where account_id = $1),
        '00000000-0000-0000-0000-000000000000'
    )
    and (pickup ->> 'phone_e164' = $2 or dropoff ->> 'phone_e164' = $2)
order by id
"""


async def not_indexed(
    connection: Connection, account_id: UUID, phone: str, *, seconds: float
) -> list[UUID]:
    """An account's deliveries naming a phone that the index has not come to yet.

    Looks through all that are that young; at most for `seconds`.
    """
    async with connection.transaction():
        await connection.execute(f"set local statement_timeout = '{seconds:.0f}s'")
        found = await connection.fetch(_YOUNG, account_id, phone, timeout=seconds + 5)
    return [row["id"] for row in found]


_READ = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
join unnest($1::uuid[], $2::uuid[]) as wanted (wanted_account, wanted_id)
    on account_id = wanted_account and id = wanted_id
"""  # noqa: S608 - the columns are a constant
_ENDED = "status = any($3) and erased_at is null and updated_at < $4"


async def read(connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> list[Delivery]:
    """The deliveries of these accounts with these ids."""
    found = await connection.fetch(_READ, *map(list, zip(*wanted, strict=True)))
    return [rows.delivery(row) for row in found]


async def lock_ended(
    connection: Connection, wanted: Sequence[tuple[UUID, UUID]], ended_before: datetime
) -> list[Delivery]:
    """Those of the deliveries that ended before a time and are not erased, their rows locked.

    What another transaction holds is left out.
    """
    found = await connection.fetch(
        f"{_READ} where {_ENDED} order by account_id, id for update of deliveries skip locked",
        *map(list, zip(*wanted, strict=True)),
        list(FINAL),
        ended_before,
    )
    return [rows.delivery(row) for row in found]


async def ids_after(
    connection: Connection, account_id: UUID, after: UUID, before: UUID, limit: int
) -> list[UUID]:
    """The ids of an account's deliveries between two ids, oldest first, at most `limit`."""
    found = await connection.fetch(
        "select id from deliveries where account_id = $1 and id > $2 and id < $3"
        " order by id limit $4",
        account_id,
        after,
        before,
        limit,
    )
    return [row["id"] for row in found]


async def put_off(
    connection: Connection, wanted: Sequence[tuple[UUID, UUID]], *, on_request: bool
) -> None:
    """Lets deliveries be erased later: when they have ended, or ended for long enough."""
    await connection.execute(
        "insert into erasures_due as due (account_id, delivery_id, wanted_at)"
        " select account_id, id, case when $3 then now() end"
        " from unnest($1::uuid[], $2::uuid[]) as input (account_id, id)"
        " join deliveries using (account_id, id) where erased_at is null"
        " on conflict (account_id, delivery_id)"
        " do update set wanted_at = coalesce(due.wanted_at, excluded.wanted_at)",
        *map(list, zip(*wanted, strict=True)),
        on_request,
    )


_DUE = """
select delivery_id from erasures_due
join deliveries on deliveries.account_id = erasures_due.account_id and id = delivery_id
where erasures_due.account_id = $1 and delivery_id > $2 and deliveries.status = any($3)
    and (wanted_at is not null or deliveries.updated_at < $4)
order by delivery_id limit $5
"""


async def due(
    connection: Connection, account_id: UUID, after: UUID, ended_before: datetime, limit: int
) -> list[UUID]:
    """An account's deliveries after an id that were put off and can be erased now."""
    found = await connection.fetch(_DUE, account_id, after, list(FINAL), ended_before, limit)
    return [row["delivery_id"] for row in found]


_ERASE = """
update deliveries set pickup = input.pickup::jsonb, dropoff = input.dropoff::jsonb,
    parcel = input.parcel::jsonb, terms = input.terms::json, erased_at = now()
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    as input (account_id, id, pickup, dropoff, parcel, terms)
where deliveries.account_id = input.account_id and deliveries.id = input.id
"""
_THESE = "unnest($1::uuid[], $2::uuid[]) as gone (of_account, of_delivery)"
_BESIDES = (
    f"update events set note = null from {_THESE}"  # noqa: S608 - a constant
    " where account_id = of_account and delivery_id = of_delivery and note is not null",
    f"update dispatches set offer = '{{}}', last_error = null from {_THESE}"  # noqa: S608 - a constant
    " where account_id = of_account and delivery_id = of_delivery",
    # the others that were offered with it go a day after they have expired, and hold digests
    "update quotes set payload = '{}', digests = '{}',"  # noqa: S608 - a constant
    " terms = (quotes.terms::jsonb - 'upstream')::json"
    f" from deliveries join {_THESE} on deliveries.account_id = of_account"
    " and deliveries.id = of_delivery"
    " where quotes.account_id = of_account and quotes.id = deliveries.quote_id",
    f"delete from search_grams using {_THESE}"  # noqa: S608 - a constant
    " where account_id = of_account and delivery_id = of_delivery",
    f"delete from erasures_due using {_THESE}"  # noqa: S608 - a constant
    " where account_id = of_account and delivery_id = of_delivery",
)
_TEXTS = """
delete from search_texts
using unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[])
    as gone (of_account, of_mode, at, of_delivery)
where account_id = of_account and mode = of_mode and created_at = at and delivery_id = of_delivery
"""
# who gives texts their grams has read the texts already
_NO_GRAMS_MEANWHILE = """
select from search_progress where account_id = any($1::uuid[]) order by account_id, mode for update
"""


async def erase(
    connection: Connection, deliveries: Sequence[Delivery], entries: Sequence[Indexed]
) -> None:
    """Writes erased deliveries, whose rows are locked, and removes what was made of their data.

    `entries` are theirs in the index of phones.
    """
    accounts = [delivery.scope.account_id for delivery in deliveries]
    ids = [delivery.id for delivery in deliveries]
    await connection.execute(_NO_GRAMS_MEANWHILE, accounts)
    await connection.execute(
        _ERASE,
        accounts,
        ids,
        [rows.stop_json(delivery.pickup) for delivery in deliveries],
        [rows.stop_json(delivery.dropoff) for delivery in deliveries],
        [rows.parcel_json(delivery.parcel) for delivery in deliveries],
        [terms_json(delivery) for delivery in deliveries],
    )
    await connection.execute(
        _TEXTS,
        accounts,
        [delivery.scope.mode for delivery in deliveries],
        [delivery.created_at for delivery in deliveries],
        ids,
    )
    for statement in _BESIDES:
        await connection.execute(statement, accounts, ids)
    await connection.execute(
        "delete from phone_index"
        " using unnest($1::bigint[], $2::uuid[], $3::uuid[]) as gone (of, of_account, of_delivery)"
        " where hash = of and account_id = of_account and delivery_id = of_delivery",
        *_columns(entries),
    )


class KeptAnswer(NamedTuple):
    """An answer that is kept for repetitions, and where; `dialect` is its account's."""

    partition: str
    row: Any
    dialect: str
    body: bytes


_ANSWERS = """
select idempotency.tableoid::regclass::text as partition, idempotency.ctid, dialect, body
from idempotency join accounts on accounts.id = account_id
where account_id = $1 and mode = $2 and status < 400
    and idempotency.created_at >= $3::timestamptz - interval '1 hour'
    and exists (
        select from unnest($4::text[]) as wanted (id)
        where position(convert_to(wanted.id, 'UTF8') in body) > 0
    )
"""


async def answers_about(
    connection: Connection, scope: Scope, deliveries: Sequence[Delivery]
) -> list[KeptAnswer]:
    """The kept answers that name some deliveries of an account and mode, refusals left out.

    Looks through all of theirs since the first of the deliveries was created.
    """
    found = await connection.fetch(
        _ANSWERS,
        *scope,
        min(delivery.created_at for delivery in deliveries),
        [text for one in deliveries for text in (str(one.id), to_base32(one.id))],
    )
    return [KeptAnswer(*row) for row in found]


async def rewrite_answer(connection: Connection, answer: KeptAnswer, body: bytes) -> None:
    """Writes a kept answer anew, in the transaction that has read it.

    It stays: without it a repeated request would be done again.
    """
    await connection.execute(
        f"update {answer.partition} set body = $2 where ctid = $1",  # noqa: S608 - a table's name
        answer.row,
        body,
    )


_DISPATCH = """
select state, upstream_id, offer, last_error, created_at from dispatches
where account_id = $1 and delivery_id = $2
"""


async def dispatch_of(
    connection: Connection, account_id: UUID, delivery_id: UUID
) -> Mapping[str, Any] | None:
    """What is stored of a delivery's way to another platform; None when it has none."""
    row = await connection.fetchrow(_DISPATCH, account_id, delivery_id)
    return None if row is None else {**row, "offer": orjson.loads(row["offer"])}


_INDEX_KEY = "phone_index"


async def index_key(connection: Connection) -> bytes | None:
    """The encrypted key of the index of phones; None: there is none yet.

    In a transaction it stays the same until the end of that.
    """
    return await connection.fetchval(
        "select key from data_keys where name = $1 for share", _INDEX_KEY
    )


async def begin_index(connection: Connection, key: bytes) -> bytes:
    """Begins the index of phones under an encrypted key, unless it has one.

    Returns the key that stands then: that of another process, which was faster.
    """
    await connection.execute(
        "insert into data_keys (name, key) values ($1, $2) on conflict do nothing", _INDEX_KEY, key
    )
    return await index_key(connection) or key


async def forget_index(connection: Connection) -> None:
    """Forgets the index of phones with its key: it is made anew, of all deliveries."""
    await connection.execute("delete from data_keys where name = $1", _INDEX_KEY)
    await connection.execute("truncate phone_index")
    await connection.execute(
        "update personal_data_progress set indexed_to = '00000000-0000-0000-0000-000000000000'"
    )
