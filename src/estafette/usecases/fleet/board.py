"""What a company's dispatchers look at: its drivers, what is under way, and who has what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.fleet.assignment import Assignment, AssignmentState, Load
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Position
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import TourStop
from estafette.store.deliveries import of_company
from estafette.store.deliveries.of_company import LOOKED_AT
from estafette.store.fleet import assignments, dispatching, drivers, positions, shifts, tours
from estafette.store.pool import now
from estafette.usecases.fleet.sight import last_heard
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform

__all__ = [
    "LOOKED_AT",
    "MOST_DELIVERIES",
    "MOST_DRIVERS",
    "Board",
    "BoardChanges",
    "CompanyMode",
    "DriverOnBoard",
    "OnBoard",
    "Seen",
    "find_of_company",
    "look_at_board",
]

MOST_DELIVERIES = 300
"""How many deliveries a board shows: those first that need somebody most."""

MOST_DRIVERS = 300
"""How many drivers a board shows."""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class DriverOnBoard:
    """A driver as a board shows them.

    `tour` are the stops that are left, in the order of work. `shift` is None off shift, `position`
    None where none is known. `is_silent`: nothing was heard for as long as the company's rules
    take somebody to have vanished.
    """

    driver: Driver
    shift: Shift | None
    position: Position | None
    load: Load
    tour: Sequence[TourStop]
    offered: int
    is_silent: bool


@dataclass(frozen=True, slots=True)
class OnBoard:
    """A delivery as a board shows it: with whom it is, or to whom it is offered."""

    delivery: Delivery
    accepted: Assignment | None
    offered: Sequence[Assignment]

    @property
    def needs_driver(self) -> bool:
        """Whether no driver has it, and one could."""
        return self.accepted is None and self.delivery.status in (Status.PENDING, Status.STALLED)

    def is_late(self, now: datetime) -> bool:
        """Whether its promised time is over."""
        return self.delivery.deliver_by < now


@dataclass(frozen=True, slots=True)
class Board:
    """One look at a company in a mode. `is_whole`: nothing was left out for a bound."""

    drivers: Sequence[DriverOnBoard]
    deliveries: Sequence[OnBoard]
    is_whole: bool

    @property
    def names(self) -> Mapping[UUID, str]:
        """The names of the drivers, by their ids."""
        return {one.driver.id: one.driver.name for one in self.drivers}

    @property
    def silent(self) -> frozenset[UUID]:
        """The ids of the drivers of whom nothing is heard."""
        return frozenset(one.driver.id for one in self.drivers if one.is_silent)


async def look_at_board(platform: Platform, company_id: UUID, mode: Mode) -> Board:
    """Returns what a company has under way in a mode, and its drivers: those on shift first.

    What is stalled comes first, then what is promised soonest. Raises Busy or Unavailable.
    """
    async with reading(platform) as connection:
        found = await of_company.under_way(connection, company_id, mode, MOST_DELIVERIES + 1)
        fleet = await drivers.page(connection, company_id, mode, _FIRST, MOST_DRIVERS + 1)
        ids = [driver.id for driver in fleet]
        opened = await assignments.open_of_drivers(connection, company_id, ids)
        began = await shifts.open_of(connection, company_id, ids)
        seen = await positions.of_drivers(connection, company_id, ids)
        loads = await assignments.loads(connection, company_id, ids)
        stops = await tours.of_drivers(connection, company_id, ids)
        at = await now(connection)
        heard = await last_heard(connection, list(began.values()), seen, at)
        rules = await dispatching.rules_of(connection, company_id)
    silent = {id for id, moment in heard.items() if at - moment > rules.vanished_after}
    by_delivery: dict[tuple[UUID, UUID], list[Assignment]] = defaultdict(list)
    offered: dict[UUID, int] = defaultdict(int)
    for one in opened:
        by_delivery[one.scope.account_id, one.delivery_id].append(one)
        offered[one.driver_id] += one.state is AssignmentState.OFFERED
    tour: dict[UUID, list[TourStop]] = defaultdict(list)
    for stop in stops:
        tour[stop.driver_id].append(stop)
    shown = [
        DriverOnBoard(
            driver,
            began.get(driver.id),
            seen.get(driver.id),
            loads.get(driver.id, Load()),
            tour[driver.id],
            offered[driver.id],
            driver.id in silent,
        )
        for driver in fleet[:MOST_DRIVERS]
    ]
    shown.sort(key=lambda one: (one.shift is None, one.driver.name, one.driver.id))
    return Board(
        shown,
        [_on_board(one, by_delivery) for one in found[:MOST_DELIVERIES]],
        len(found) <= MOST_DELIVERIES and len(fleet) <= MOST_DRIVERS,
    )


def _on_board(
    delivery: Delivery, opened: Mapping[tuple[UUID, UUID], Sequence[Assignment]]
) -> OnBoard:
    of = opened.get((delivery.scope.account_id, delivery.id), ())
    accepted = next((one for one in of if one.state is AssignmentState.ACCEPTED), None)
    return OnBoard(delivery, accepted, [one for one in of if one is not accepted])


class Found(NamedTuple):
    """A delivery of a company with all its assignments, by their numbers, and their drivers."""

    delivery: Delivery
    assignments: Sequence[Assignment]
    drivers: Mapping[UUID, Driver]


async def find_of_company(
    platform: Platform, company_id: UUID, mode: Mode, delivery_id: UUID
) -> Found | None:
    """Returns a delivery that a company carries or carried; None: it is no such. Raises Busy."""
    async with reading(platform) as connection:
        delivery = await of_company.find(connection, company_id, mode, delivery_id)
        if delivery is None:
            return None
        account_id = delivery.scope.account_id
        given = await assignments.of_delivery(connection, company_id, account_id, delivery_id)
        ids = {one.driver_id for one in given}
        known = [await drivers.find(connection, company_id, id) for id in ids]
    return Found(delivery, given, {one.id: one for one in known if one is not None})


CompanyMode = tuple[UUID, Mode]
"""What an open board is of."""


class Seen(NamedTuple):
    """What an open board has shown.

    `text` differs after each change of what is under way or who has it. `places` is where the
    drivers are: a JSON array of objects.
    """

    text: str
    places: str


class BoardChanges:
    """Reads for all open boards of a process at once whether something has changed."""

    def __init__(self, platform: Platform) -> None:
        """Reads the database of `platform`."""
        self._platform = platform

    async def __call__(self, watched: Mapping[CompanyMode, Seen]) -> Mapping[CompanyMode, Seen]:
        """Returns what is known now of those that differ. Raises Busy."""
        found = await boards_seen(self._platform, list(watched))
        return {key: seen for key, seen in found.items() if seen != watched[key]}


async def boards_seen(platform: Platform, wanted: Sequence[CompanyMode]) -> dict[CompanyMode, Seen]:
    """Returns what there is to see of companies in their modes. Raises Busy."""
    async with platform.connections.batch("pages") as connection:
        moved = await of_company.standings(connection, wanted)
        given = await assignments.standings(connection, wanted)
        places = await positions.of_companies(connection, wanted, MOST_DRIVERS)
    return {
        (one.company_id, one.mode): Seen(
            f"{one.text}-{given[one.company_id, one.mode]}",
            _written(places.get((one.company_id, one.mode), ())),
        )
        for one in moved
    }


def _written(places: Sequence[Position]) -> str:
    return orjson.dumps(
        [
            {
                "id": one.driver_id.hex,
                "at": one.at.isoformat(),
                "lat": round(one.latitude, 6),
                "lon": round(one.longitude, 6),
            }
            for one in places
        ]
    ).decode()
