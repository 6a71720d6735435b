"""What dispatching sees of a company at one moment: drivers on shift, and what waits for them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Driver, DriverState
from estafette.core.fleet.position import Position
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import TourStop
from estafette.core.ids import first_id_of
from estafette.core.money.cash import CashRoom
from estafette.core.point import Point
from estafette.store.fleet import (
    assignments,
    drivers,
    learned_speeds,
    planned_drivers,
    positions,
    shifts,
    tours,
    waiting,
)
from estafette.store.fleet.learned_speeds import LearnedSpeed
from estafette.store.fleet.waiting import Asked
from estafette.store.pool import Connection, now
from estafette.usecases.deliveries.places import places_of
from estafette.usecases.money.cash import cash_rooms

MOST_DRIVERS: Final = 500
MOST_WAITING: Final = 300
"""How many deliveries are looked at in a round, the oldest first."""

_AHEAD: Final = timedelta(minutes=60)
"""How long before its scheduled pickup a delivery is given to somebody."""

_RELEASED_WITH_THE_MOVE: Final = timedelta(seconds=5)
"""An assignment ends in the transaction in which its delivery is pending again, by two clocks."""

_LONGEST_SHIFT: Final = timedelta(days=2)

Key = tuple[UUID, UUID]
"""A delivery: its account and its id."""


@dataclass(frozen=True, slots=True)
class Working:
    """A driver on shift: where, with which stops in order, and when last heard of."""

    driver: Driver
    position: Position | None
    stops: Sequence[TourStop]
    open: Sequence[Assignment]
    seen_at: datetime

    def has_vanished(self, rules: DispatchingRules, at: datetime) -> bool:
        """Whether the driver has been silent for too long."""
        return at - self.seen_at > rules.vanished_after


@dataclass(frozen=True, slots=True)
class Sight:
    """A company at one moment, by the database's clock.

    `deliveries` are those that drivers have, `waiting` those that nobody has, `asked` who was
    asked about these. `rooms` are how much cash drivers have; of nobody where nothing that waits
    brings any. `dropoffs` are the points that are known of drop-offs, as
    `core.deliveries.places` says. `speeds` are what was learned of how fast the drivers are;
    `planned` are the drivers for whom scheduled deliveries are planned.
    """

    company_id: UUID
    at: datetime
    rules: DispatchingRules
    working: Sequence[Working]
    deliveries: Mapping[Key, Delivery]
    waiting: Sequence[Delivery]
    asked: Mapping[Key, Sequence[Asked]]
    rooms: Mapping[UUID, CashRoom] = field(default_factory=dict[UUID, CashRoom])
    dropoffs: Mapping[Key, Point] = field(default_factory=dict[Key, Point])
    speeds: Sequence[LearnedSpeed] = ()
    planned: Mapping[Key, UUID] = field(default_factory=dict[Key, UUID])


def key_of(delivery: Delivery) -> Key:
    """Returns by what a delivery is found."""
    return delivery.scope.account_id, delivery.id


async def look(connection: Connection, company_id: UUID, rules: DispatchingRules) -> Sight:
    """Returns what there is to dispatch live; a handful of statements, whatever it is."""
    at = await now(connection)
    waits = await waiting.waiting(connection, company_id, at + _AHEAD, MOST_WAITING)
    sight = await look_around(connection, company_id, Mode.LIVE, rules, waits, at)
    if not any(one.scheduled_pickup_at for one in waits):
        return sight
    return replace(sight, planned=await planned_drivers.of_company(connection, company_id))


async def look_around(
    connection: Connection,
    company_id: UUID,
    mode: Mode,
    rules: DispatchingRules,
    waits: Sequence[Delivery],
    at: datetime,
) -> Sight:
    """Returns the drivers of a mode and what they have now, beside what `waits` for them."""
    asked = await asked_about(connection, company_id, waits)
    working = await _working(connection, company_id, mode, at)
    had = [one for driver in working for one in driver.open]
    deliveries = await waiting.deliveries_of(connection, had) if had else {}
    rooms: Mapping[UUID, CashRoom] = {}
    if any(one.payment.cash_collect for one in waits):
        on_shift = [one.driver.id for one in working]
        rooms = await cash_rooms(connection, company_id, mode, on_shift)
    of = [*waits, *deliveries.values()]
    places = await places_of(connection, of)
    known = {key_of(one): point for one in of if (point := places[one.id].point)}
    speeds = await learned_speeds.of_company(connection, company_id)
    return Sight(company_id, at, rules, working, deliveries, waits, asked, rooms, known, speeds)


async def asked_about(
    connection: Connection, company_id: UUID, deliveries: Sequence[Delivery]
) -> Mapping[Key, Sequence[Asked]]:
    """Returns who was asked about deliveries since they are pending, in order."""
    if not deliveries:
        return {}
    return await waiting.asked(connection, company_id, deliveries, _RELEASED_WITH_THE_MOVE)


async def _working(
    connection: Connection, company_id: UUID, mode: Mode, at: datetime
) -> list[Working]:
    on_shift = await shifts.open_in(connection, company_id, MOST_DRIVERS)
    ids = [shift.driver_id for shift in on_shift]
    if not ids:
        return []
    known = await drivers.some(connection, company_id, ids)
    places = await positions.of_drivers(connection, company_id, ids)
    stops: dict[UUID, list[TourStop]] = defaultdict(list)
    for stop in await tours.of_drivers(connection, company_id, ids):
        stops[stop.driver_id].append(stop)
    opened: dict[UUID, list[Assignment]] = defaultdict(list)
    for one in await assignments.open_of_drivers(connection, company_id, ids):
        opened[one.driver_id].append(one)
    heard = await last_heard(connection, on_shift, places, at)
    working: list[Working] = []
    for shift in on_shift:
        driver = known.get(shift.driver_id)
        if driver is None or driver.mode is not mode or driver.state is DriverState.REMOVED:
            continue
        working.append(
            Working(
                driver,
                places.get(driver.id),
                stops[driver.id],
                opened[driver.id],
                heard[driver.id],
            )
        )
    return working


async def last_heard(
    connection: Connection,
    on_shift: Sequence[Shift],
    places: Mapping[UUID, Position],
    at: datetime,
) -> dict[UUID, datetime]:
    """Returns when each driver of one company who is on shift was last heard of.

    By a position, an answer, a step, or the begin of the shift; `at` is now.
    """
    if not on_shift:
        return {}
    ids, since = [shift.driver_id for shift in on_shift], first_id_of(at - _LONGEST_SHIFT)
    acts = await waiting.acted(connection, on_shift[0].company_id, ids, since)
    heard: dict[UUID, datetime] = {}
    for shift in on_shift:
        position = places.get(shift.driver_id)
        signs = [shift.began_at, acts.get(shift.driver_id), position and position.received_at]
        heard[shift.driver_id] = max(sign for sign in signs if sign is not None)
    return heard
