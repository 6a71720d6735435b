"""Drivers who are on the way to recipients, and the stops that they have left before."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.tour import StopKind
from estafette.store.deliveries import rows
from estafette.store.fleet.tours import PUT_OFF_UNTIL
from estafette.store.pool import Connection


class Approaching(NamedTuple):
    """A delivery on the way to its recipient, its driver, and where that driver was `at`."""

    delivery_id: UUID
    company_id: UUID
    driver_id: UUID
    vehicle: str
    at: datetime
    latitude: float
    longitude: float
    planned_at: datetime | None


class StopOnTheWay(NamedTuple):
    """A stop of a tour, with its delivery."""

    company_id: UUID
    driver_id: UUID
    kind: StopKind
    delivery: Delivery


_APPROACHING: Final = """
select deliveries.id as delivery_id, assignments.company_id, assignments.driver_id,
    drivers.vehicle, positions.at, positions.latitude, positions.longitude, tour_stops.planned_at
from deliveries
join assignments on assignments.company_id = deliveries.company_id
    and assignments.account_id = deliveries.account_id and assignments.delivery_id = deliveries.id
    and assignments.state = 'accepted'
join drivers on drivers.company_id = assignments.company_id and drivers.id = assignments.driver_id
    and drivers.removed_at is null
join positions on positions.company_id = assignments.company_id
    and positions.driver_id = assignments.driver_id and positions.at > now() - $2::interval
left join tour_stops on tour_stops.company_id = assignments.company_id
    and tour_stops.driver_id = assignments.driver_id
    and tour_stops.account_id = assignments.account_id
    and tour_stops.delivery_id = assignments.delivery_id and tour_stops.kind = 'dropoff'
where deliveries.id = any($1::uuid[]) and deliveries.status = 'out_for_delivery'
"""


async def approaching(
    connection: Connection, ids: Collection[UUID], fresh: timedelta
) -> list[Approaching]:
    """Returns those of the deliveries that are on the way to their recipient at this moment.

    That is: out for delivery, accepted by a driver of their company whose last position is not
    older than `fresh`.
    """
    found = await connection.fetch(_APPROACHING, list(ids), fresh)
    return [Approaching(*row.values()) for row in found]


_STOPS: Final = f"""
select tour.company_id as of_company, tour.driver_id as of_driver, tour.kind, on_it.*
from unnest($1::uuid[], $2::uuid[]) as asked (of_company, of_driver)
join tour_stops tour on tour.company_id = of_company and tour.driver_id = of_driver
cross join lateral (
    select {rows.DELIVERY_COLUMNS}, {PUT_OFF_UNTIL} is not null as is_put_off
    from deliveries of_stop
    where of_stop.account_id = tour.account_id and of_stop.id = tour.delivery_id
) on_it
order by tour.company_id, tour.driver_id, on_it.is_put_off, tour.place, tour.delivery_id,
    tour.kind desc
"""  # noqa: S608 - the columns are a constant


async def stops_left(
    connection: Connection, drivers: Sequence[tuple[UUID, UUID]]
) -> list[StopOnTheWay]:
    """Returns what drivers (company and id) have left to do, in the order of work."""
    found = await connection.fetch(_STOPS, [one for one, _ in drivers], [one for _, one in drivers])
    return [
        StopOnTheWay(row["of_company"], row["of_driver"], StopKind(row["kind"]), rows.delivery(row))
        for row in found
    ]
