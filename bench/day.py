"""A city's day in compressed time: orders arrive, drivers answer and drive, a dispatcher decides.

The day is made from a seed: the same orders, answers, ways and times for every dispatcher. What a
dispatcher sees is what Estafette sees of a company (`Sight`); between two decisions drivers go on
with the stops that they have. Nothing here knows how a dispatcher decides.
"""

import heapq
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import USUAL, Driver, Vehicle
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.tour import GAP, StopKind, TourStop
from estafette.routing.speeds import metres_per_second
from estafette.routing.ways import DETOUR, Point, great_circle
from estafette.store.fleet.waiting import Asked
from estafette.usecases.fleet.sight import Key, Sight, Working

MIDDLE: Final = Point(-8.84, 13.25)
SIDE_METRES: Final = 7_000
SHOPS: Final = 40
BEGIN: Final = datetime(2026, 3, 4, 9, tzinfo=UTC)
OPEN: Final = timedelta(hours=12)
LONGEST: Final = timedelta(hours=18)
"""When a day is over at the latest: what is not delivered then is stuck."""

PROMISED: Final = timedelta(minutes=75)
LOOK_EVERY: Final = timedelta(seconds=30)
_PEAKS: Final = ((3.5, 1.8), (9.0, 1.8))
"""Hours after the beginning at which most orders come, and how many hours around."""

_COMPANY: Final = UUID(int=1)
_SCOPE: Final = Scope(UUID(int=2), Mode.LIVE)
_BY: Final = By.process("day")
_METRES_PER_DEGREE: Final = 111_195.0
_ACCEPTS, _REFUSES = 0.90, 0.07
STATE = AssignmentState


class Offer(NamedTuple):
    """A decision: a delivery is offered to a driver, by their numbers."""

    delivery: int
    driver: int


@dataclass
class Decisions:
    """What a dispatcher decides at a moment: offers, and the order of drivers' stops."""

    offers: list[Offer] = field(default_factory=list[Offer])
    orders: dict[int, list[tuple[int, StopKind]]] = field(
        default_factory=dict[int, list[tuple[int, StopKind]]]
    )


Dispatcher = Callable[["Day", Sight], Awaitable[Decisions]]


@dataclass
class Wheel:
    """A driver: where, with which stops in order, and until when on the way to the first."""

    driver: Driver
    at: Point
    stops: list[tuple[int, StopKind]] = field(default_factory=list[tuple[int, StopKind]])
    open: dict[int, Assignment] = field(default_factory=dict[int, Assignment])
    planned: bool = True
    left_at: datetime = BEGIN
    free_at: datetime | None = None
    metres: float = 0.0
    idle: timedelta = timedelta(0)


@dataclass(frozen=True)
class Result:
    """What a day came to. `late` and `stuck` are counted, times are of all drivers together."""

    delivered: int
    stuck: int
    on_time: float
    km_each: float
    offers_each: float
    idle_share: float

    def row(self) -> str:
        """The figures for a person."""
        return (
            f"{self.km_each:.2f} km and {self.offers_each:.2f} offers a delivery,"
            f" {self.on_time:.1%} on time, idle {self.idle_share:.0%}, {self.stuck} stuck"
        )


class Day:
    """A day of a city, as far as it has come."""

    def __init__(self, seed: int, deliveries: int, drivers: int, rules: DispatchingRules) -> None:
        """Makes the day: its orders and drivers, and by `seed` all that is to happen."""
        self.rules = rules
        self._seed = seed
        chance = random.Random(seed)
        shops = [anywhere(chance) for _ in range(SHOPS)]
        times = sorted(_ordered_at(chance) for _ in range(deliveries))
        self.deliveries = [_delivery(n, at, chance, shops) for n, at in enumerate(times)]
        self.wheels = [Wheel(_driver(n), anywhere(chance)) for n in range(drivers)]
        self.now = BEGIN
        self.asked: dict[int, list[Asked]] = {}
        self.offers = 0
        self._waiting: set[int] = set()
        self._delivered: dict[int, datetime] = {}
        self._answers: list[tuple[datetime, int, int, int]] = []
        self._next_order = 0

    async def run(self, dispatch: Dispatcher) -> Result:
        """Lets the day pass, a dispatcher deciding every half a minute where there is something."""
        while self.now < BEGIN + LONGEST and len(self._delivered) < len(self.deliveries):
            self._advance(self.now + LOOK_EVERY)
            unplanned = any(not wheel.planned for wheel in self.wheels)
            if self._waiting or unplanned:
                self._decide(await dispatch(self, self.sight()))
        return self._result()

    def sight(self) -> Sight:
        """What a dispatcher sees."""
        had = {n for wheel in self.wheels for n in wheel.open}
        return Sight(
            _COMPANY,
            self.now,
            self.rules,
            [self._working(wheel) for wheel in self.wheels],
            {_key(n): self.deliveries[n] for n in had},
            [self.deliveries[n] for n in sorted(self._waiting)],
            {_key(n): asked for n, asked in self.asked.items()},
        )

    def place(self, delivery: int, kind: StopKind) -> Point:
        """Where a stop is."""
        one = self.deliveries[delivery]
        stop = one.pickup if kind is StopKind.PICKUP else one.dropoff
        return Point(stop.latitude or 0.0, stop.longitude or 0.0)

    def way(self, start: Point, end: Point) -> float:
        """How many metres a driver makes between two places."""
        return great_circle(start, end) * DETOUR

    def _working(self, wheel: Wheel) -> Working:
        driver, at = wheel.driver, self.where(wheel)
        position = Position(
            _COMPANY, driver.id, self.now, self.now, *at, source=PositionSource.SIMULATED
        )
        stops = [
            TourStop(_COMPANY, driver.id, *_key(n), kind, GAP * place, self.now)
            for place, (n, kind) in enumerate(wheel.stops, 1)
        ]
        return Working(driver, position, stops, list(wheel.open.values()), self.now)

    def where(self, wheel: Wheel) -> Point:
        """Where a driver is now."""
        if wheel.free_at is None or not wheel.stops:
            return wheel.at
        to = self.place(*wheel.stops[0])
        share = min(1.0, (self.now - wheel.left_at) / (wheel.free_at - wheel.left_at))
        return Point(
            wheel.at.latitude + (to.latitude - wheel.at.latitude) * share,
            wheel.at.longitude + (to.longitude - wheel.at.longitude) * share,
        )

    def _advance(self, until: datetime) -> None:
        """Lets everything happen that happens until then, in the order of time."""
        while True:
            ends = [(wheel.free_at, n) for n, wheel in enumerate(self.wheels) if wheel.free_at]
            answer = self._answers[0][0] if self._answers else until
            order = (
                self.deliveries[self._next_order].created_at
                if self._next_order < len(self.deliveries)
                else until
            )
            first_end = min(ends, default=(until, -1))
            at = min(first_end[0], answer, order)
            if at >= until:
                break
            self.now = at
            if at == order:
                self._waiting.add(self._next_order)
                self._next_order += 1
            elif at == answer:
                self._answer()
            else:
                self._arrive(self.wheels[first_end[1]])
        self.now = until

    def _arrive(self, wheel: Wheel) -> None:
        n, kind = wheel.stops.pop(0)
        wheel.at, wheel.free_at = self.place(n, kind), None
        if kind is StopKind.DROPOFF:
            self._delivered[n] = self.now
            del wheel.open[n]
        else:
            wheel.open[n] = replace(wheel.open[n], picked_up_at=self.now)
        self._set_out(wheel)

    def _set_out(self, wheel: Wheel) -> None:
        """Sends a driver who stands to the next stop."""
        if wheel.free_at is not None or not wheel.stops:
            if not wheel.stops:
                wheel.left_at = self.now
            return
        if not wheel.open:
            raise AssertionError("a stop of nothing")
        n, kind = wheel.stops[0]
        metres = self.way(wheel.at, self.place(n, kind))
        chance = random.Random(f"{self._seed} {n} {kind} way")
        speed = metres_per_second(wheel.driver.vehicle, self.now.hour) * chance.uniform(0.8, 1.15)
        usual = 180 if kind is StopKind.PICKUP else 240
        seconds = metres / speed + usual * chance.uniform(0.6, 1.4)
        wheel.metres += metres
        wheel.left_at = self.now
        wheel.free_at = self.now + timedelta(seconds=seconds)

    def _decide(self, decided: Decisions) -> None:
        for number, order in decided.orders.items():
            wheel = self.wheels[number]
            if sorted(order) == sorted(wheel.stops):
                committed = wheel.stops[:1] if wheel.free_at else []
                wheel.stops = committed + [stop for stop in order if stop not in committed]
            wheel.planned = True
        for n, number in decided.offers:
            self._offer(n, number)

    def _offer(self, n: int, number: int) -> None:
        self._waiting.remove(n)
        self.offers += 1
        chance = random.Random(f"{self._seed} {n} {number} answer")
        lot, delay = chance.random(), timedelta(seconds=chance.uniform(4, 25))
        answer = 0 if lot < _ACCEPTS else 1 if lot < _ACCEPTS + _REFUSES else 2
        if answer == 2:
            delay = self.rules.offer_length
        heapq.heappush(self._answers, (self.now + delay, n, number, answer))
        self.wheels[number].open[n] = Assignment(
            *(_COMPANY, UUID(int=n), _SCOPE, UUID(int=n), self.offers),
            driver_id=self.wheels[number].driver.id,
            state=STATE.OFFERED,
            grams=self.deliveries[n].parcel.weight_grams,
            by=_BY,
            created_at=self.now,
        )

    def _answer(self) -> None:
        _, n, number, answer = heapq.heappop(self._answers)
        wheel = self.wheels[number]
        if answer:
            offer = wheel.open.pop(n)
            state = (STATE.REFUSED, STATE.EXPIRED)[answer - 1]
            self.asked.setdefault(n, []).append(Asked(offer.driver_id, state, self.now))
            self._waiting.add(n)
            return
        wheel.open[n] = replace(wheel.open[n], state=STATE.ACCEPTED, accepted_at=self.now)
        if not wheel.stops:
            wheel.idle += self.now - wheel.left_at
        wheel.stops += [(n, StopKind.PICKUP), (n, StopKind.DROPOFF)]
        wheel.planned = False
        self._set_out(wheel)

    def _result(self) -> Result:
        done = len(self._delivered)
        on_time = sum(at <= self.deliveries[n].deliver_by for n, at in self._delivered.items())
        worked = (self.now - BEGIN) * len(self.wheels)
        last = sum((self.now - one.left_at for one in self.wheels if not one.stops), timedelta(0))
        idle = sum((wheel.idle for wheel in self.wheels), timedelta(0)) + last
        return Result(
            done,
            len(self.deliveries) - done,
            on_time / len(self.deliveries),
            sum(wheel.metres for wheel in self.wheels) / 1_000 / max(done, 1),
            self.offers / len(self.deliveries),
            idle / worked,
        )


def number_of(key: Key) -> int:
    """The number of a delivery in the day."""
    return key[1].int


def _key(number: int) -> Key:
    return _SCOPE.account_id, UUID(int=number)


def anywhere(chance: random.Random) -> Point:
    """Returns a point in the city."""
    half = SIDE_METRES / 2
    return _moved(MIDDLE, chance.uniform(-half, half), chance.uniform(-half, half))


def _moved(point: Point, north: float, east: float) -> Point:
    per_degree = _METRES_PER_DEGREE * math.cos(math.radians(point.latitude))
    return Point(point.latitude + north / _METRES_PER_DEGREE, point.longitude + east / per_degree)


def _ordered_at(chance: random.Random) -> datetime:
    hours = OPEN / timedelta(hours=1)
    peak = chance.choice((None, *_PEAKS))
    hour = chance.uniform(0, hours) if peak is None else chance.gauss(*peak)
    return BEGIN + timedelta(hours=min(max(hour, 0.0), hours))


def _delivery(number: int, at: datetime, chance: random.Random, shops: Sequence[Point]) -> Delivery:
    shop = chance.choice(shops)
    to = _moved(shop, chance.gauss(0, 900), chance.gauss(0, 900))
    pickup, dropoff = (
        Stop("-", latitude=one.latitude, longitude=one.longitude) for one in (shop, to)
    )
    by = at + PROMISED
    return Delivery(
        UUID(int=number),
        _SCOPE,
        Progress(Status.PENDING, Status.PENDING),
        pickup,
        dropoff,
        Parcel(chance.randint(200, 5_000)),
        fee=0,
        pickup_by=by,
        deliver_by=by,
        created_at=at,
        updated_at=at,
    )


def _driver(number: int) -> Driver:
    vehicle = Vehicle.MOTORCYCLE
    id = UUID(int=10_000 + number)
    return Driver(_COMPANY, id, "-", "-", vehicle, USUAL[vehicle], BEGIN)
