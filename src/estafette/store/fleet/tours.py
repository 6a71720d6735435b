"""The stops of drivers in the order of work."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from estafette.core.fleet.tour import GAP, WANTED_AHEAD, StopKind, TourStop
from estafette.store.columns import Columns, insertion, rows
from estafette.store.pool import Connection

STOP: Final = Columns[TourStop](
    {
        "company_id": ("uuid", lambda stop: stop.company_id),
        "driver_id": ("uuid", lambda stop: stop.driver_id),
        "account_id": ("uuid", lambda stop: stop.account_id),
        "delivery_id": ("uuid", lambda stop: stop.delivery_id),
        "kind": ("text", lambda stop: stop.kind),
        "place": ("integer", lambda stop: stop.place),
        "planned_at": ("timestamptz", lambda stop: stop.planned_at),
    }
)
_INSERT = insertion("tour_stops", STOP.types, rows(STOP)) + " on conflict do nothing"

_WINDOW: Final = "(of_stop.terms -> 'window' ->> 0)::timestamptz"
PUT_OFF_UNTIL: Final = f"""(
    case when of_stop.milestone in ('in_transit', 'out_for_delivery')
        and of_stop.status <> 'out_for_delivery'
        and {_WINDOW} > now() + interval '{WANTED_AHEAD.total_seconds():.0f} seconds'
    then {_WINDOW} end
)"""
"""Until when a stop is put off, whose delivery is the row `of_stop`: see `WANTED_AHEAD`."""

_OF_DRIVERS = f"""
select {", ".join(f"tour.{name}" for name in STOP.types)}, {PUT_OFF_UNTIL} as put_off_until
from tour_stops tour left join deliveries of_stop
    on of_stop.account_id = tour.account_id and of_stop.id = tour.delivery_id
where tour.company_id = $1 and tour.driver_id = any($2::uuid[])
order by tour.driver_id, {PUT_OFF_UNTIL} is not null, tour.place, tour.delivery_id, tour.kind desc
"""  # noqa: S608 - the parts are constants


async def insert(connection: Connection, stops: Sequence[TourStop]) -> None:
    """Writes stops; those that are there stay as they are."""
    await connection.execute(_INSERT, *STOP.of(stops))


async def of_driver(connection: Connection, company_id: UUID, driver_id: UUID) -> list[TourStop]:
    """Returns a driver's stops in the order of work."""
    return await of_drivers(connection, company_id, [driver_id])


async def of_drivers(
    connection: Connection, company_id: UUID, drivers: Collection[UUID]
) -> list[TourStop]:
    """Returns the stops of several drivers, driver by driver, in the order of work."""
    found = await connection.fetch(_OF_DRIVERS, company_id, list(drivers))
    return [_stop(row) for row in found]


async def next_place(connection: Connection, company_id: UUID, driver_id: UUID) -> int:
    """Returns the place of a stop that follows all of a driver's."""
    last = await connection.fetchval(
        "select max(place) from tour_stops where company_id = $1 and driver_id = $2",
        company_id,
        driver_id,
    )
    return GAP if last is None else last + GAP


_REPLAN = f"""
update tour_stops set place = input.place, planned_at = input.planned_at
from {rows(STOP)} where tour_stops.company_id = input.company_id
    and tour_stops.driver_id = input.driver_id and tour_stops.account_id = input.account_id
    and tour_stops.delivery_id = input.delivery_id and tour_stops.kind = input.kind
"""  # noqa: S608 - the columns are constants


async def replan(connection: Connection, stops: Sequence[TourStop]) -> None:
    """Writes places and times of stops that are there; leaves out those that are not any more."""
    await connection.execute(_REPLAN, *STOP.of(stops))


async def leave(
    connection: Connection,
    company_id: UUID,
    deliveries: Sequence[tuple[UUID, UUID]],
    kinds: Collection[StopKind],
) -> None:
    """Removes stops of deliveries (account and id) that are done, or nobody's any more."""
    await connection.execute(
        "delete from tour_stops using unnest($2::uuid[], $3::uuid[]) as gone (of_account, of_id)"
        " where company_id = $1 and account_id = of_account and delivery_id = of_id"
        " and kind = any($4::text[])",
        company_id,
        [account for account, _ in deliveries],
        [id for _, id in deliveries],
        list(kinds),
    )


def _stop(row: asyncpg.Record) -> TourStop:
    return TourStop(
        company_id=row["company_id"],
        driver_id=row["driver_id"],
        account_id=row["account_id"],
        delivery_id=row["delivery_id"],
        kind=StopKind(row["kind"]),
        place=row["place"],
        planned_at=row["planned_at"],
        put_off_until=row["put_off_until"],
    )
