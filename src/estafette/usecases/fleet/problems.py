"""What dispatching sees, as a problem of routing; and what a plan means for drivers.

A driver starts at the next stop of the tour, which is committed: nobody is turned round on the way.
What drivers have is bound to them; what waits is for anybody who fits and has not refused it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.couriers.company import names_of
from estafette.core.deliveries.delivery import Delivery, Stop
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.dispatching import HELD_UNTIL, Reason
from estafette.core.fleet.driver import DriverState
from estafette.core.fleet.tour import StopKind
from estafette.core.money.cash import may_take
from estafette.core.quotes.place import City, CityIndex
from estafette.routing import problem as routing
from estafette.routing.problem import ANY_TIME, Job, Load, Problem, Vehicle, Window
from estafette.routing.speeds import metres_per_second, traffic
from estafette.routing.travel_times import TravelTimes
from estafette.routing.ways import Crow, Point
from estafette.usecases.fleet.denials import Denials
from estafette.usecases.fleet.sight import Key, Sight, Working, key_of
from estafette.usecases.fleet.skills import Skills
from estafette.usecases.fleet.speeds import Speeds

_PICKUP_SECONDS: Final = 180
_DROPOFF_SECONDS: Final = 240
"""How long drivers are at a stop, as companies of this kind plan it."""

_HORIZON: Final = timedelta(hours=10)
"""A shift has no planned end: it is planned for so long."""

_MARGIN: Final = timedelta(minutes=5)
"""How long before the promised time a delivery is planned: traffic is not known beforehand."""

_SOON: Final = timedelta(minutes=45)
_LONG_WAITING: Final = timedelta(minutes=10)
_URGENT: Final = 50
_BASE: Final = "car"
"""The vehicle at whose speed ways are measured; others are so many times as fast."""


class Places:
    """Where stops are: at their own point, else in the middle of their city, else unknown."""

    def __init__(self, cities: CityIndex) -> None:
        """`cities` are those of the company's market."""
        self._cities = cities
        self._known: dict[str, City | None] = {}

    def city(self, stop: Stop) -> City | None:
        """The city of a stop. An address is looked at once, since that is work."""
        where = stop.city or stop.address
        if where not in self._known:
            self._known[where] = self._cities.find(where)
        return self._known[where]

    def point(self, stop: Stop) -> Point | None:
        """The point of a stop."""
        if stop.latitude is not None and stop.longitude is not None:
            return Point(stop.latitude, stop.longitude)
        city = self.city(stop)
        return None if city is None else Point(city.latitude, city.longitude)

    def names(self, stop: Stop) -> frozenset[str]:
        """The names by which a driver's zone may hold a stop."""
        return names_of(stop, self.city(stop))


class _KnownStop(NamedTuple):
    """A stop of a tour: of which delivery and kind it is, and where."""

    what: tuple[Key, StopKind]
    point: Point


@dataclass
class Draft:
    """A problem as it is made, with what its numbers stand for.

    `drivers` are by vehicle, `deliveries` by job. `unplaced` are deliveries of which it is not
    known where they are, `exhausted` those of which enough drivers were asked.
    """

    sight: Sight
    places: Places
    hour: int
    speeds: Speeds
    drivers: list[Working] = field(default_factory=list[Working])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    unplaced: list[Delivery] = field(default_factory=list[Delivery])
    exhausted: list[Delivery] = field(default_factory=list[Delivery])
    out_of_zone: dict[Key, frozenset[UUID]] = field(default_factory=dict[Key, frozenset[UUID]])
    denied: dict[Key, dict[UUID, str]] = field(default_factory=dict[Key, dict[UUID, str]])
    denials: Denials = field(default_factory=Denials)
    unskilled: dict[Key, frozenset[UUID]] = field(default_factory=dict[Key, frozenset[UUID]])
    over_limit: dict[Key, frozenset[UUID]] = field(default_factory=dict[Key, frozenset[UUID]])
    held: dict[Key, frozenset[UUID]] = field(default_factory=dict[Key, frozenset[UUID]])
    _points: list[Point] = field(default_factory=list[Point])
    _vehicles: list[Vehicle] = field(default_factory=list[Vehicle])
    _jobs: list[Job] = field(default_factory=list[Job])
    _skills: Skills = field(default_factory=Skills)

    async def problem(self, times: TravelTimes) -> tuple[Problem, str | None]:
        """Returns all of it, and why ways are as the crow flies where they should not be.

        Raises ValueError where it is more than can be planned.
        """
        base, left = metres_per_second(_BASE, self.hour), traffic(_BASE, self.hour)
        ways, trouble = await times.between(self._points, base, left)
        pairs = zip(self._vehicles, self.drivers, strict=True)
        vehicles = tuple(self._skills.given(vehicle, one.driver) for vehicle, one in pairs)
        return Problem(vehicles, tuple(self._jobs), ways), trouble

    def jobs_of_nobody(self) -> list[int]:
        """The numbers of the jobs that no driver has."""
        return [number for number, job in enumerate(self._jobs) if job.vehicle is None]

    def add_driver(self, working: Working, fallback: Point) -> None:
        """Adds a driver with what the driver has."""
        stops = self._known_stops(working)
        start = _whereabouts(working, stops, fallback)
        speed = self.speeds.of(working.driver.vehicle, start)
        free_in, committed = 0, None
        if stops:
            committed, free_in = stops[0].what, _seconds(start, stops[0], speed)
            start = stops[0].point
        takes_more = len(working.open) < self.sight.rules.most_each
        vehicle = self._add_vehicle(working, start, free_in, speed, takes_more=takes_more)
        put_off = {
            (stop.account_id, stop.delivery_id) for stop in working.stops if stop.put_off_until
        }
        for one in working.open:
            if (one.scope.account_id, one.delivery_id) not in put_off:
                self._add_bound(vehicle, one, committed)

    def add_driver_later(self, working: Working, fallback: Point) -> None:
        """Adds a driver as free, from where and when all that the driver has will be done."""
        stops = self._known_stops(working)
        place, free_in = _whereabouts(working, stops, fallback), 0
        speed = self.speeds.of(working.driver.vehicle, place)
        for stop in stops:
            free_in += _seconds(place, stop, speed)
            place = stop.point
        self._add_vehicle(working, place, free_in, speed, takes_more=True)

    def _add_vehicle(
        self, working: Working, start: Point, free_in: int, speed: float, *, takes_more: bool
    ) -> int:
        """Adds a driver who is free at a place in so many seconds; returns the vehicle's number."""
        driver, horizon = working.driver, int(_HORIZON.total_seconds())
        free_in = min(free_in, routing.MOST_SECONDS - horizon)  # a place may be forged
        self.drivers.append(working)
        self._vehicles.append(
            Vehicle(
                self._place(start),
                Window(free_in, free_in + horizon),
                Load(*driver.capacity),
                speed=speed / metres_per_second(_BASE, self.hour),
                takes_new=takes_more and driver.state is DriverState.ACTIVE,
            )
        )
        return len(self._vehicles) - 1

    def _known_stops(self, working: Working) -> list[_KnownStop]:
        """The stops of a driver's tour whose places are known, in the order of work.

        Those that are put off are not among them.
        """
        known: list[_KnownStop] = []
        for stop in working.stops:
            key = (stop.account_id, stop.delivery_id)
            delivery = self.sight.deliveries.get(key)
            if delivery is None or stop.put_off_until:
                continue
            if (point := self._point(delivery, stop.kind)) is not None:
                known.append(_KnownStop((key, stop.kind), point))
        return known

    def _add_bound(
        self, vehicle: int, one: Assignment, committed: tuple[Key, StopKind] | None
    ) -> None:
        delivery = self.sight.deliveries.get((one.scope.account_id, one.delivery_id))
        if delivery is None:
            return
        key, kind = committed if committed else (None, None)
        if key == key_of(delivery) and kind is StopKind.DROPOFF:
            return  # the driver is on the way there
        fetched = one.is_on_board or key == key_of(delivery)
        self._add_job(delivery, vehicle=vehicle, fetched=fetched)

    def add_waiting(self, delivery: Delivery) -> None:
        """Adds a delivery of nobody, for whoever is in its zone and was not asked yet."""
        answers = self.sight.asked.get(key_of(delivery), ())
        if len(answers) >= self.sight.rules.rounds:
            self.exhausted.append(delivery)
            return
        asked = {one.driver_id for one in answers}
        unskilled = self._skills.without(delivery.skills, self.drivers)
        self.unskilled[key_of(delivery)] = unskilled
        outside = self._outside(delivery)
        self.out_of_zone[key_of(delivery)] = frozenset(outside)
        cash, rooms = delivery.payment.cash_collect or 0, self.sight.rooms
        full = {id for id, room in rooms.items() if not may_take(room, cash)}
        self.over_limit[key_of(delivery)] = frozenset(full)
        denied = {
            one.driver.id: why
            for one in self.drivers
            if (why := self.denials.of(delivery.id, one.driver.id)) is not None
        }
        self.denied[key_of(delivery)] = denied
        out = asked | outside | full | denied.keys()
        held = frozenset(self._held_from(delivery, out, unskilled))
        self.held[key_of(delivery)] = held
        out |= held
        skills = self._skills.demanded(delivery.skills)
        if skills is None:
            out |= unskilled
        barred = frozenset(n for n, one in enumerate(self.drivers) if one.driver.id in out)
        if not self._add_job(delivery, barred=barred, skills=skills or frozenset()):
            self.unplaced.append(delivery)

    def _outside(self, delivery: Delivery) -> set[UUID]:
        """The drivers in whose zones it is not; where none has zones, no address is looked at."""
        zoned = [one.driver for one in self.drivers if one.driver.zones]
        if not zoned:
            return set()
        ends = (self.places.names(delivery.pickup), self.places.names(delivery.dropoff))
        return {driver.id for driver in zoned if not driver.serves(*ends)}

    def _held_from(self, delivery: Delivery, *out: Collection[UUID]) -> set[UUID]:
        """The drivers from whom a delivery is held back, because it is planned for another.

        It is for nobody who is `out`.
        """
        planned, pickup_at = self.sight.planned.get(key_of(delivery)), delivery.scheduled_pickup_at
        if planned is None or pickup_at is None or any(planned in each for each in out):
            return set()
        here = {one.driver.id for one in self.drivers}
        is_held = planned in here and self.sight.at < pickup_at - HELD_UNTIL
        return here - {planned} if is_held else set()

    def _add_job(
        self,
        delivery: Delivery,
        *,
        vehicle: int | None = None,
        fetched: bool = False,
        barred: frozenset[int] = frozenset(),
        skills: frozenset[str] = frozenset(),
    ) -> bool:
        pickup = self._point(delivery, StopKind.PICKUP)
        dropoff = self._point(delivery, StopKind.DROPOFF)
        if dropoff is None or (pickup is None and not fetched):
            return False
        at, start = self.sight.at, delivery.scheduled_pickup_at
        begins = max(0, round((start - at).total_seconds())) if start else 0
        ends = max(delivery.deliver_by - at - _MARGIN, timedelta(0)).total_seconds()
        opens = 0
        if delivery.window is not None:
            opens = max(0, round((delivery.window.start - at).total_seconds()))
        ends = max(begins, opens, round(ends))
        window = Window(min(opens, ANY_TIME.end), min(ends, ANY_TIME.end))
        first = None
        if pickup is not None and not fetched:
            first = routing.Stop(
                self._place(pickup), Window(min(begins, ANY_TIME.end)), _PICKUP_SECONDS
            )
        self.deliveries.append(delivery)
        self._jobs.append(
            Job(
                first,
                routing.Stop(self._place(dropoff), window, _DROPOFF_SECONDS),
                Load(delivery.parcel.weight_grams, 1),
                skills=skills,
                vehicle=vehicle,
                priority=0 if vehicle is not None else self._priority(delivery),
                barred=barred,
                may_be_late=True,
            )
        )
        return True

    def _point(self, delivery: Delivery, kind: StopKind) -> Point | None:
        """Where a stop is; of a drop-off, as its recipient or a driver before has said."""
        if kind is StopKind.PICKUP:
            return self.places.point(delivery.pickup)
        said = self.sight.dropoffs.get(key_of(delivery))
        return self.places.point(delivery.dropoff) if said is None else Point(*said)

    def _priority(self, delivery: Delivery) -> int:
        """Those that wait for long, or are late, come before others where not all fit."""
        at = self.sight.at
        waits = at - max(delivery.updated_at, delivery.scheduled_pickup_at or delivery.updated_at)
        return _URGENT if waits > _LONG_WAITING or delivery.deliver_by < at + _SOON else 0

    def _place(self, point: Point) -> int:
        self._points.append(point)
        return len(self._points) - 1

    def has(self, vehicle: int, state: AssignmentState) -> int:
        """How many assignments in a state a driver has."""
        return sum(one.state is state for one in self.drivers[vehicle].open)

    def barring(self, driver_id: UUID, delivery: Delivery) -> str:
        """Why a driver is barred from a delivery: a `Reason`, or the code of a refusal."""
        key = key_of(delivery)
        if driver_id in self.unskilled[key]:
            return Reason.SKILLS
        if driver_id in self.out_of_zone[key]:
            return Reason.ZONE
        if driver_id in self.over_limit[key]:
            return Reason.CASH
        if driver_id in self.denied[key]:
            return self.denied[key][driver_id]
        asked = {one.driver_id for one in self.sight.asked.get(key, ())}
        is_held = driver_id in self.held[key] and driver_id not in asked
        return Reason.PLANNED if is_held else Reason.REFUSED

    def everybody_was_asked(self, delivery: Delivery) -> bool:
        """Whether somebody was asked about it, and so was everybody here who could ever carry it.

        Those who do not serve its zone, or lack a skill that it demands, could not.
        """
        key = key_of(delivery)
        asked = {one.driver_id for one in self.sight.asked.get(key, ())}
        serving = {one.driver.id for one in self.drivers} - self.out_of_zone[key]
        serving -= self.unskilled[key]
        return bool(asked) and bool(serving) and serving <= asked

    def nobody_is_skilled(self, delivery: Delivery) -> bool:
        """Whether no driver here has every skill that it demands."""
        return len(self.unskilled[key_of(delivery)]) == len(self.drivers)


def service_seconds(kind: StopKind) -> int:
    """Returns how long a driver is at a stop of a kind."""
    return _PICKUP_SECONDS if kind is StopKind.PICKUP else _DROPOFF_SECONDS


def _whereabouts(working: Working, stops: Sequence[_KnownStop], fallback: Point) -> Point:
    """Where a driver is taken to be: where last seen, else at the next stop."""
    if working.position is not None:
        return Point(working.position.latitude, working.position.longitude)
    return stops[0].point if stops else fallback


def _seconds(start: Point, stop: _KnownStop, speed: float) -> int:
    """How long a driver takes for the way to a stop and there."""
    way = Crow((start, stop.point), speed).between(0, 1)
    return way.seconds + service_seconds(stop.what[1])


def draft(
    sight: Sight,
    present: Sequence[Working],
    places: Places,
    time_zone: str,
    denials: Denials | None = None,
    *,
    later: bool = False,
) -> Draft:
    """Returns what is planned for the drivers who are present.

    Those who have most are left out where all would be more than can be planned together. With
    `later`, what waits is planned for when drivers have done what they have.
    """
    hour = sight.at.astimezone(ZoneInfo(time_zone)).hour
    speeds = Speeds(hour, sight.speeds)
    made = Draft(sight, places, hour, speeds, denials=denials or Denials())
    middle = _middle(sight, places)
    for working in _within(present, routing.MOST_JOBS - len(sight.waiting)):
        if later:
            made.add_driver_later(working, middle)
        else:
            made.add_driver(working, middle)
    for delivery in sight.waiting:
        made.add_waiting(delivery)
    return made


def _within(present: Sequence[Working], jobs: int) -> list[Working]:
    """The drivers who have at most so many jobs together, those with fewest first considered."""
    chosen: set[UUID] = set()
    for working in sorted(present, key=lambda one: len(one.open)):
        jobs -= len(working.open)
        if jobs >= 0:
            chosen.add(working.driver.id)
    return [one for one in present if one.driver.id in chosen]


def _middle(sight: Sight, places: Places) -> Point:
    """Where a driver is taken to be who has nothing to do and was not seen: amid what waits."""
    found = [point for one in sight.waiting if (point := places.point(one.pickup))]
    if not found:
        return Point(0.0, 0.0)
    return Point(
        sum(point.latitude for point in found) / len(found),
        sum(point.longitude for point in found) / len(found),
    )
