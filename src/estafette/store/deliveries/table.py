"""Deliveries: how they are written, and read and locked by their ids."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.store.columns import Columns, change, insertion
from estafette.store.deliveries import rows
from estafette.store.deliveries.terms import terms_json
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


async def versions(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of the last event of each delivery that exists."""
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
