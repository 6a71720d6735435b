"""Deliveries: how they are written, and read and locked by their ids."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import FINAL, Delivery
from estafette.store.columns import Columns, change, insertion
from estafette.store.columns import rows as given
from estafette.store.deliveries import rows
from estafette.store.deliveries.terms import read_terms, terms_json, with_pin
from estafette.store.pool import Connection

PLACE: Final = Columns[Delivery](
    {
        "account_id": ("uuid", lambda delivery: delivery.scope.account_id),
        "id": ("uuid", lambda delivery: delivery.id),
        "mode": ("text", lambda delivery: delivery.scope.mode),
    }
)
"""Which deliveries are written."""

NEW: Final = Columns[Delivery](
    {
        "external_ref": ("text", lambda delivery: delivery.external_ref),
        "pickup": ("jsonb", lambda delivery: rows.stop_json(delivery.pickup)),
        "dropoff": ("jsonb", lambda delivery: rows.stop_json(delivery.dropoff)),
        "parcel": ("jsonb", lambda delivery: rows.parcel_json(delivery.parcel)),
        "fee": ("bigint", lambda delivery: delivery.fee),
        "quote_id": ("uuid", lambda delivery: delivery.quote_id),
        "scenario": ("text", lambda delivery: delivery.scenario),
        "pickup_by": ("timestamptz", lambda delivery: delivery.pickup_by),
        "deliver_by": ("timestamptz", lambda delivery: delivery.deliver_by),
        "key_id": ("uuid", lambda delivery: delivery.key_id),
    }
)
"""What is written of every new delivery."""

TERMS: Final = Columns[Delivery](
    {
        "reference": ("text", lambda delivery: delivery.reference),
        "company_id": ("uuid", lambda delivery: delivery.company_id),
        "terms": ("json", terms_json),
    }
)
"""What is written besides of new deliveries that have more than the plain ones."""

WATCH: Final = Columns[datetime | None]({"watch_at": ("timestamptz", lambda at: at)})
"""When something may become due of deliveries."""

MOVED: Final = Columns[Delivery](
    {"before_stall": ("text", lambda delivery: delivery.progress.before_stall)}
)
"""What is written besides of moved deliveries."""

ENDED_BEFORE: Final = """exists (
    select from deliveries where deliveries.account_id = {table}.account_id
        and deliveries.id = {table}.delivery_id
        and deliveries.status in ('delivered', 'cancelled', 'failed')
        and deliveries.updated_at < least($4::timestamptz, $5)
)"""
"""Whether the delivery of a row of {table} ended before the times that an `Ending` has."""

_OF_EVENT = ("status", "milestone", "seq")


def _creation(*columns: str) -> str:
    """Writes the new deliveries of `input`, created when their event occurred."""
    at = "occurred_at"
    given = (*PLACE.types, *_OF_EVENT, *NEW.types, *columns)
    return insertion("deliveries", given, created_at=at, updated_at=at)


CREATION_OF_PLAIN: Final = _creation()
"""Writes the new deliveries of `input`, none of which has terms, a reference or is watched."""

CREATION: Final = _creation(*TERMS.types, *WATCH.types)
"""Writes the new deliveries of `input`, created when their event occurred."""

MOVE: Final = change(
    "deliveries", (*_OF_EVENT, *MOVED.types, *WATCH.types), updated_at="input.occurred_at"
)
"""Writes what a move changes of the deliveries of `input`."""

# The mode is compared so that no index serves it: each look-up is by the primary key, whatever the
# planner believes of tables that it has no statistics of.
_FIND = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
where account_id = $1 and id = $2 and mode is not distinct from $3
"""  # noqa: S608 - the columns are a constant


async def find(connection: Connection, scope: Scope, delivery_id: UUID) -> Delivery | None:
    """One delivery of this account and mode."""
    row = await connection.fetchrow(_FIND, scope.account_id, delivery_id, scope.mode)
    return rows.delivery(row) if row else None


_FIND_MANY = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
join unnest($1::uuid[], $2::uuid[], $3::text[]) as wanted (wanted_account, wanted_id, wanted_mode)
    on account_id = wanted_account and id = wanted_id and mode is not distinct from wanted_mode
"""  # noqa: S608 - the columns are a constant


async def find_many(
    connection: Connection, wanted: Sequence[tuple[Scope, UUID]]
) -> dict[tuple[Scope, UUID], Delivery]:
    """Those of the deliveries that are there, each only for the account and mode that asks."""
    found = await connection.fetch(
        _FIND_MANY,
        [scope.account_id for scope, _ in wanted],
        [id for _, id in wanted],
        [scope.mode for scope, _ in wanted],
    )
    deliveries = map(rows.delivery, found)
    return {(delivery.scope, delivery.id): delivery for delivery in deliveries}


async def find_anywhere(connection: Connection, delivery_id: UUID) -> Delivery | None:
    """A delivery by its id alone: for the tracking page, which shows nothing of the account."""
    row = await connection.fetchrow(
        f"select {rows.DELIVERY_COLUMNS} from deliveries where id = $1",  # noqa: S608 - a constant
        delivery_id,
    )
    return rows.delivery(row) if row else None


async def scope_at(connection: Connection, company_id: UUID, delivery_id: UUID) -> Scope | None:
    """Returns whose delivery it is, and in which mode, of one that a company carries."""
    row = await connection.fetchrow(
        "select account_id, mode from deliveries where id = $1 and company_id = $2",
        delivery_id,
        company_id,
    )
    return None if row is None else Scope(row["account_id"], Mode(row["mode"]))


async def versions(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """Returns the number of the last event of each delivery that exists."""
    found = await connection.fetch(
        "select id, seq from deliveries where id = any($1::uuid[])", list(ids)
    )
    return {row["id"]: row["seq"] for row in found}


_LOCK = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
join unnest($1::uuid[], $2::uuid[]) as wanted (wanted_account, wanted_id)
    on account_id = wanted_account and id = wanted_id
order by account_id, id for update of deliveries
"""  # noqa: S608 - the columns are a constant


async def lock(
    connection: Connection, wanted: Sequence[tuple[Scope, UUID]]
) -> dict[tuple[Scope, UUID], Delivery]:
    """The deliveries of each scope with those ids, their rows locked for this transaction."""
    found = await connection.fetch(
        _LOCK, [scope.account_id for scope, _ in wanted], [id for _, id in wanted]
    )
    deliveries = map(rows.delivery, found)
    return {(delivery.scope, delivery.id): delivery for delivery in deliveries}


async def set_pin_failures(
    connection: Connection, account_id: UUID, delivery_id: UUID, failures: int
) -> None:
    """Keeps how many wrong PINs were tried on a delivery, whose row the caller has locked."""
    await connection.execute(
        "update deliveries set pin_failures = $3 where account_id = $1 and id = $2",
        account_id,
        delivery_id,
        failures,
    )


_AWAITING = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
where status = 'awaiting_payment' and mode = $1 and ($2::uuid is null or account_id = $2)
    and terms ->> 'method' = 'bank_transfer' -- the others are held until they are confirmed
    and (created_at, id) > ($4, $5)
order by created_at, id limit $3
"""  # noqa: S608 - the columns are a constant


async def awaiting_transfer(
    connection: Connection,
    mode: str,
    account_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID],
) -> list[Delivery]:
    """At most `limit` deliveries whose payment is awaited, of one account or all, oldest first.

    Those after a time of creation and an id.
    """
    found = await connection.fetch(_AWAITING, mode, account_id, limit, *after)
    return [rows.delivery(row) for row in found]


_COUNT_AWAITING = """
select count(*) from (
    select from deliveries where status = 'awaiting_payment' and mode = $1
        and terms ->> 'method' = 'bank_transfer' limit $2
) awaited
"""


async def count_awaiting_transfer(connection: Connection, mode: str, most: int) -> int:
    """Counts the deliveries of all accounts whose transfer is awaited, as far as `most`."""
    return await connection.fetchval(_COUNT_AWAITING, mode, most)


async def find_by_reference(
    connection: Connection, scope: Scope, reference: str
) -> Delivery | None:
    """Returns the delivery of that reference."""
    row = await connection.fetchrow(
        f"select {rows.DELIVERY_COLUMNS} from deliveries"  # noqa: S608 - a constant
        " where account_id = $1 and mode = $2 and reference = $3",
        scope.account_id,
        scope.mode,
        reference,
    )
    return rows.delivery(row) if row else None


_READ = f"""
select {rows.DELIVERY_COLUMNS} from deliveries
join unnest($1::uuid[], $2::uuid[]) as wanted (wanted_account, wanted_id)
    on account_id = wanted_account and id = wanted_id
"""  # noqa: S608 - the columns are a constant
_ENDED = "status = any($3) and erased_at is null and updated_at < $4"


async def read(connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> list[Delivery]:
    """Returns the deliveries of these accounts with these ids."""
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
    """Returns the ids of an account's deliveries between two ids, oldest first, at most `limit`."""
    found = await connection.fetch(
        "select id from deliveries where account_id = $1 and id > $2 and id < $3"
        " order by id limit $4",
        account_id,
        after,
        before,
        limit,
    )
    return [row["id"] for row in found]


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
    """Returns the phones of the deliveries between two ids, at most `limit`."""
    found = await connection.fetch(_PHONES, account_id, after, before, limit)
    return [
        Phones(row["id"], frozenset(phone for phone in (row["pickup"], row["dropoff"]) if phone))
        for row in found
    ]


_NAMING = """
select id from deliveries
where account_id = $1 and id > $2
    and (pickup ->> 'phone_e164' = $3 or dropoff ->> 'phone_e164' = $3)
order by id
"""


async def naming_after(
    connection: Connection, account_id: UUID, after: UUID, phone: str, *, seconds: float
) -> list[UUID]:
    """Returns an account's deliveries after an id that name a phone.

    Looks through all that there are; at most for `seconds`.
    """
    async with connection.transaction():
        await connection.execute(f"set local statement_timeout = '{seconds:.0f}s'")
        found = await connection.fetch(_NAMING, account_id, after, phone, timeout=seconds + 5)
    return [row["id"] for row in found]


_KEY = PLACE.only("account_id", "id")
_ERASED = NEW.only("pickup", "dropoff", "parcel") + TERMS.only("terms")
_ERASE = change("deliveries", _ERASED.types, given(_KEY + _ERASED), erased_at="now()")


async def erase(connection: Connection, erased: Sequence[Delivery]) -> None:
    """Writes erased deliveries, whose rows the caller has locked."""
    await connection.execute(_ERASE, *(_KEY + _ERASED).of(erased))


_TERMS = _KEY + TERMS.only("terms")
_SET_TERMS = change("deliveries", ["terms"], given(_TERMS))


async def set_terms(connection: Connection, delivery: Delivery) -> None:
    """Writes the terms of a delivery, whose row the caller has locked."""
    await connection.execute(_SET_TERMS, *_TERMS.of([delivery]))


_PROMISE = _KEY + NEW.only("pickup_by", "deliver_by") + TERMS.only("terms")
_SET_PROMISE = change("deliveries", ["pickup_by", "deliver_by", "terms"], given(_PROMISE))


async def set_promise(connection: Connection, delivery: Delivery) -> None:
    """Writes the terms and the promised times of a delivery, whose row the caller has locked."""
    await connection.execute(_SET_PROMISE, *_PROMISE.of([delivery]))


_COMPANY = _KEY + TERMS.only("company_id", "terms")
_SET_COMPANY = change("deliveries", ["company_id", "terms"], given(_COMPANY))


async def set_company(connection: Connection, delivery: Delivery) -> None:
    """Writes who carries a delivery, whose row the caller has locked."""
    await connection.execute(_SET_COMPANY, *_COMPANY.of([delivery]))


class StoredPin(NamedTuple):
    """A delivery's PIN as it is stored, and the terms that hold it."""

    account_id: UUID
    id: UUID
    pin: str
    terms: str


_PAGE_END = """
select account_id, id from (
    select account_id, id from deliveries where (account_id, id) > ($1, $2)
    order by account_id, id limit $3
) page order by account_id desc, id desc limit 1
"""

_PINS = """
select account_id, id, terms::text from deliveries
where (account_id, id) > ($1, $2) and (account_id, id) <= ($3, $4)
    and terms is not null and (terms ->> 'pin' is not null or terms ->> 'sealed_pin' is not null)
order by account_id, id for update
"""


async def pins(
    connection: Connection, after: tuple[UUID, UUID], count: int
) -> tuple[list[StoredPin], tuple[UUID, UUID] | None]:
    """The PINs among the next so many deliveries, and where the page ends; None: there are none.

    The rows of those that have a PIN are locked for this transaction.
    """
    end = await connection.fetchrow(_PAGE_END, *after, count)
    if end is None:
        return [], None
    found = await connection.fetch(_PINS, *after, *end)
    stored = [
        StoredPin(row["account_id"], row["id"], read_terms(row["terms"])["pin"], row["terms"])
        for row in found
    ]
    return stored, (end["account_id"], end["id"])


async def write_pins(connection: Connection, changed: Sequence[StoredPin]) -> None:
    """Writes the PINs of deliveries into their terms."""
    await connection.execute(
        "update deliveries set terms = input.terms::json"
        " from unnest($1::uuid[], $2::uuid[], $3::text[]) as input (account_id, id, terms)"
        " where deliveries.account_id = input.account_id and deliveries.id = input.id",
        [each.account_id for each in changed],
        [each.id for each in changed],
        [with_pin(each.terms, each.pin) for each in changed],
    )
