"""Couriers on the way to recipients: where, and when they are expected, for all who look at once.

A handful of statements for any number of deliveries. What is told is in `core.fleet.approach`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.deliveries.places import StopPlace, merchants_point
from estafette.core.fleet.approach import AREA_METRES, FRESH, Approach, coarse, to_the_minute
from estafette.core.fleet.tour import StopKind
from estafette.core.point import Point
from estafette.routing.speeds import metres_per_second
from estafette.routing.ways import Crow
from estafette.routing.ways import Point as WayPoint
from estafette.store.accounts import table as accounts
from estafette.store.fleet import approaching
from estafette.store.fleet.approaching import Approaching, StopOnTheWay
from estafette.usecases.deliveries.places import dropoff_places
from estafette.usecases.fleet.problems import service_seconds
from estafette.usecases.platform import Platform, clock

_MOST_STOPS: Final = 100
"""How many stops before a recipient's are counted; a driver with more is not expected soon."""


async def approaches(
    platform: Platform, ids: Collection[UUID], visitor: str | None = None
) -> dict[UUID, Approach]:
    """Returns the courier of each delivery that is on the way to its recipient now.

    Of all others nothing. `visitor` is the address by which who asks is counted; None: we ask
    ourselves. Raises Busy.
    """
    async with platform.connections.public(visitor) as connection:
        found = await approaching.approaching(connection, ids, FRESH)
        if not found:
            return {}
        drivers = sorted({(one.company_id, one.driver_id) for one in found})
        stops = await approaching.stops_left(connection, drivers)
        places = await dropoff_places(connection, platform, [one.delivery for one in stops])
        of = {one.delivery.scope.account_id for one in stops}
        zones = {
            id: account.market.time_zone
            for id, account in (await accounts.find_all(connection, of)).items()
        }
    tours: dict[tuple[UUID, UUID], list[StopOnTheWay]] = defaultdict(list)
    now, grid = clock(), platform.courier_grid_metres
    for stop in stops:
        tours[stop.company_id, stop.driver_id].append(stop)
    return {
        one.delivery_id: _approach(
            one, tours[one.company_id, one.driver_id], places, zones, now, grid
        )
        for one in found
    }


def _approach(
    one: Approaching,
    tour: Sequence[StopOnTheWay],
    places: Mapping[UUID, StopPlace],
    zones: Mapping[UUID, str],
    now: datetime,
    grid: int,
) -> Approach:
    at = Point(one.latitude, one.longitude)
    before = _until(tour, one.delivery_id)
    own = before[-1].delivery if before else None
    told = merchants_point(own.dropoff) if own is not None else None
    arrives_at = one.planned_at
    if own is not None and (arrives_at is None or arrives_at <= now):
        hour = one.at.astimezone(ZoneInfo(zones[own.scope.account_id])).hour
        seconds = _seconds(at, before, places, metres_per_second(one.vehicle, hour))
        arrives_at = None if seconds is None else one.at + timedelta(seconds=seconds)
    return Approach(
        coarse(at, grid),
        told and coarse(told, max(grid, AREA_METRES)),
        arrives_at and to_the_minute(arrives_at),
    )


def _until(tour: Sequence[StopOnTheWay], delivery_id: UUID) -> Sequence[StopOnTheWay]:
    """The stops to a delivery's drop-off, which is the last; none where that is not among them."""
    for number, stop in enumerate(tour, start=1):
        if stop.delivery.id == delivery_id and stop.kind is StopKind.DROPOFF:
            return tour[:number]
    return ()


def _seconds(
    start: Point, stops: Sequence[StopOnTheWay], places: Mapping[UUID, StopPlace], speed: float
) -> float | None:
    """How long the way over the stops to the last one takes; None: nobody knows where that is.

    A stop before it whose place is unknown counts for its time alone.
    """
    points = [_point(stop, places) for stop in stops]
    if points[-1] is None or len(stops) > _MOST_STOPS:
        return None
    way = [WayPoint(*point) for point in (start, *points) if point is not None]
    ways = Crow(tuple(way), speed)
    driven = sum(ways.between(number, number + 1).seconds for number in range(len(way) - 1))
    return driven + sum(service_seconds(stop.kind) for stop in stops[:-1])


def _point(stop: StopOnTheWay, places: Mapping[UUID, StopPlace]) -> Point | None:
    if stop.kind is StopKind.PICKUP:
        return merchants_point(stop.delivery.pickup)
    return places[stop.delivery.id].point
