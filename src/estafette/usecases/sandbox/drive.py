"""Have simulated drivers be seen on their way, and carry what nobody was asked about in time.

When a delivery moves is its plan's to say (`simulate`). Therefore one without a driver goes its way
too: where all vehicles are full, where steps are too short for questions, or made by hand.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.fleet.assignment import MOST_ASSIGNMENTS, Assignment, AssignmentState, Load
from estafette.core.fleet.position import Position, PositionSource, thinned
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.tour import GAP, StopKind, TourStop
from estafette.core.ids import new_id
from estafette.core.point import Point
from estafette.core.sandbox.ride import metres_by_streets, nearest, pace, ride, seconds_until
from estafette.routing.speeds import KILOMETRES_AN_HOUR
from estafette.store import signals
from estafette.store.fleet import assignments, drivers, position_history, tours
from estafette.store.pool import now
from estafette.store.sandbox import drivers as simulated
from estafette.store.sandbox.drivers import Errand, Had, Rider
from estafette.store.work import UnitOfWork
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.plan import is_silent, script_of

MOST_RIDERS: Final = 500
_MOST_GIVEN: Final = 200
_MOST_STOPS: Final = 2_000

BUSY_SECONDS: Final = 2.0
"""How long a round rests while drivers are under way."""

QUIET_SECONDS: Final = 3.0
"""How long it rests while they have nothing to do: so late a delivery's driver is seen."""

NOBODY_SECONDS: Final = 30.0
"""How long it rests where no driver is simulated, as in every installation that is no demo."""

_LONGEST_RIDE: Final = 2 * BUSY_SECONDS
"""For how many seconds a driver rides in a round, however long nobody has looked."""

_RENEWED_SECONDS: Final = 20.0
"""How often a driver who waits says so."""

_ROUND_THE_CENTRE: Final = 0.025
"""How far, in degrees, an address that nobody has located is from the middle of its city."""


class Drivers:
    """The simulated drivers, as one process moves them."""

    def __init__(self, platform: Platform) -> None:
        """Begins with nothing."""
        self._platform = platform
        self._kept_until: dict[tuple[UUID, UUID], datetime] = {}

    async def round(self) -> float:
        """Gives drivers what has come, and moves them; returns how many seconds to rest.

        Where nobody is simulated, and where nothing is under way, it is one statement or two that
        write nothing.
        """
        platform = self._platform
        async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
            riders = await simulated.riders(connection, MOST_RIDERS)
            if not riders:
                return NOBODY_SECONDS
            if any(_has_room(one) for one in riders):
                await _give(work, platform, riders)
            return await self._move(work, riders)

    async def _move(self, work: UnitOfWork, riders: Sequence[Rider]) -> float:
        connection = work.connection
        companies = {one.driver.company_id for one in riders}
        ids = [one.driver.id for one in riders]
        found = await simulated.errands(connection, companies, ids, _MOST_STOPS)
        if not found:
            return QUIET_SECONDS
        at = await now(connection)
        next_stops = _next_stops(self._platform, found)
        silent = {
            one.driver_id
            for one in found
            if is_silent(self._platform, one.delivery, one.dialect, one.step)
        }
        busy = {errand.company_id for errand in found}
        moved: list[Position] = []
        for rider in riders:
            if rider.driver.company_id not in busy or rider.position is None:
                continue
            if rider.driver.id in silent:
                continue
            errand = next_stops.get(rider.driver.id)
            if errand is not None and errand[0].delivery.status is not Status.STALLED:
                spot = await _spot(self._platform, rider, errand[0])
                if spot is not None and (there := _ridden(rider, spot, errand[1], at)):
                    moved.append(there)
                    continue
            if (at - rider.position.at).total_seconds() >= _RENEWED_SECONDS:
                moved.append(replace(rider.position, at=at, received_at=at, speed_kmh=0.0))
        if moved:
            await position_history.keep(connection, moved, thinned(moved, self._kept_until))
        if len(self._kept_until) > 4 * MOST_RIDERS:
            self._kept_until.clear()
        return BUSY_SECONDS


def _has_room(rider: Rider) -> bool:
    return rider.driver.paused_at is None and rider.parcels < rider.driver.capacity.parcels


async def _give(work: UnitOfWork, platform: Platform, riders: Sequence[Rider]) -> None:
    """Gives each delivery under way that nobody has to a driver of its company with room for it."""
    connection = work.connection
    companies = {one.driver.company_id for one in riders}
    waiting = await simulated.lock_uncarried(connection, companies, _MOST_GIVEN)
    if not waiting:
        return
    known = await simulated.had(connection, waiting)
    at = await now(connection)
    given: list[Assignment] = []
    stops: list[TourStop] = []
    for company_id in sorted({one.company_id for one in waiting if one.company_id}):
        ids = [one.driver.id for one in riders if one.driver.company_id == company_id]
        locked = await drivers.lock(connection, company_id, ids)
        loads = await assignments.loads(connection, company_id, ids)
        places = await _last_places(work, company_id, ids)
        working = [
            one._replace(driver=locked[one.driver.id]) for one in riders if one.driver.id in locked
        ]
        for delivery in (one for one in waiting if one.company_id == company_id):
            before = known.get((delivery.scope.account_id, delivery.id), _NONE)
            rider = _choose(working, loads, delivery, before)
            if rider is None:
                continue
            assignment = _assignment(platform, delivery, rider, before.number + 1, at)
            load = loads.get(rider.driver.id, Load())
            grams = load.grams + assignment.grams
            loads[rider.driver.id] = Load(grams, load.parcels + 1, load.on_board)
            given.append(assignment)
            stops += _stops(assignment, places)
    if given:
        await assignments.insert_many(connection, given)
        await tours.insert(connection, stops)
        work.signal(signals.FLEET)


_NONE: Final = Had(0, frozenset())


async def _last_places(work: UnitOfWork, company_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    places: dict[UUID, int] = {}
    for stop in await tours.of_drivers(work.connection, company_id, ids):
        places[stop.driver_id] = max(stop.place, places.get(stop.driver_id, 0))
    return places


def _choose(
    riders: Sequence[Rider], loads: Mapping[UUID, Load], delivery: Delivery, before: Had
) -> Rider | None:
    """Returns who takes a delivery: somebody who has not had it, where there is such a driver."""
    if before.number >= MOST_ASSIGNMENTS:
        return None
    grams = delivery.parcel.weight_grams
    able = [
        one
        for one in riders
        if one.driver.paused_at is None
        and one.driver.removed_at is None
        and loads.get(one.driver.id, Load()).has_room_for(grams, one.driver.capacity)
    ]
    able = [one for one in able if one.driver.id not in before.drivers] or able
    spots = [
        None if one.position is None else Point(one.position.latitude, one.position.longitude)
        for one in able
    ]
    parcels = [loads.get(one.driver.id, Load()).parcels for one in able]
    chosen = nearest(_point(delivery.pickup), spots, parcels)
    return None if chosen is None else able[chosen]


def _assignment(
    platform: Platform, delivery: Delivery, rider: Rider, number: int, at: datetime
) -> Assignment:
    return Assignment(
        company_id=rider.driver.company_id,
        id=new_id(),
        scope=delivery.scope,
        delivery_id=delivery.id,
        number=number,
        driver_id=rider.driver.id,
        state=AssignmentState.ACCEPTED,
        grams=delivery.parcel.weight_grams,
        by=platform.by,
        created_at=at,
        reason=Noted.SIMULATED_GIVEN,
        accepted_at=at,
        picked_up_at=at if delivery.progress.picked_up else None,
    )


def _stops(assignment: Assignment, places: dict[UUID, int]) -> list[TourStop]:
    """Returns the stops that are left, behind all others of the driver, whose last place grows."""
    kinds = [StopKind.DROPOFF] if assignment.is_on_board else list(StopKind)
    last, driver_id = places.get(assignment.driver_id, 0), assignment.driver_id
    places[driver_id] = last + len(kinds) * GAP
    of = (assignment.company_id, driver_id, assignment.scope.account_id, assignment.delivery_id)
    return [TourStop(*of, kind, last + number * GAP) for number, kind in enumerate(kinds, 1)]


def _next_stops(
    platform: Platform, found: Sequence[Errand]
) -> dict[UUID, tuple[Errand, float | None]]:
    """Returns where each driver goes now, and within how many seconds: what is due first."""
    chosen: dict[UUID, tuple[Errand, float | None]] = {}
    seen: set[tuple[UUID, UUID]] = set()
    for errand in found:
        of = (errand.delivery.scope.account_id, errand.delivery.id)
        dialect = platform.dialects.get(errand.dialect)
        if of in seen or dialect is None:  # its first stop comes first
            continue
        seen.add(of)
        script = script_of(errand.delivery.scenario, dialect)
        seconds = (
            None
            if errand.step is None
            else seconds_until(
                script, errand.step, errand.due_in_seconds, errand.kind, platform.sandbox_step
            )
        )
        best = chosen.get(errand.driver_id)
        if best is None or _sooner(seconds, best[1]):
            chosen[errand.driver_id] = (errand, seconds)
    return chosen


def _sooner(seconds: float | None, than: float | None) -> bool:
    return seconds is not None and (than is None or seconds < than)


def _ridden(rider: Rider, to: Point, seconds: float | None, at: datetime) -> Position | None:
    """Returns where a driver is now; None: where the driver was, since that is the stop."""
    assert rider.position is not None  # noqa: S101 - the caller has asked
    start = Point(rider.position.latitude, rider.position.longitude)
    usual_kmh = KILOMETRES_AN_HOUR[rider.driver.vehicle]
    speed = pace(metres_by_streets(start, to), seconds, usual_kmh / 3.6)
    elapsed = min(max((at - rider.position.at).total_seconds(), 0.0), _LONGEST_RIDE)
    there = ride(start, to, speed * elapsed)
    if there is None:
        return None
    return replace(
        rider.position,
        at=at,
        received_at=at,
        latitude=there.spot.latitude,
        longitude=there.spot.longitude,
        speed_kmh=usual_kmh,
        course_degrees=there.course,
        source=PositionSource.SIMULATED,
    )


async def _spot(platform: Platform, rider: Rider, errand: Errand) -> Point | None:
    """Returns where a stop is: where somebody has said so, else somewhere in its city."""
    if errand.spot is not None:
        return errand.spot
    delivery = errand.delivery
    stop = delivery.pickup if errand.kind is StopKind.PICKUP else delivery.dropoff
    cities = (await platform.catalog.prices(rider.market)).cities
    city = cities.find(stop.city or stop.address)
    return None if city is None else somewhere(stop, Point(city.latitude, city.longitude))


def somewhere(stop: Stop, centre: Point) -> Point:
    """Returns a place near the middle of a city, always the same one for an address."""
    drawn = hashlib.sha256(stop.address.encode()).digest()
    north, east = (int.from_bytes(drawn[at : at + 2], "big") / 65_535 - 0.5 for at in (0, 2))
    return Point(
        centre.latitude + 2 * _ROUND_THE_CENTRE * north,
        centre.longitude + 2 * _ROUND_THE_CENTRE * east,
    )


def _point(stop: Stop) -> Point | None:
    if stop.latitude is None or stop.longitude is None:
        return None
    return Point(stop.latitude, stop.longitude)
