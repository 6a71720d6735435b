"""What every verb of the fleet begins with: the delivery's row, then its open assignments, locked.

Drivers' rows are locked after these, so that no two verbs wait for each other.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.refusals import AssignmentNotFound, NotOfCompany
from estafette.core.fleet.tour import GAP, StopKind, TourStop
from estafette.store import signals
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import assignments, tours
from estafette.store.pool import Connection, now
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries.advance import Advanced, Move, carry_out, lock_one, plan
from estafette.usecases.platform import Platform

LANE = "fleet"
"""The share of the connections that drivers' and dispatchers' work takes."""


@dataclass(slots=True)
class Held:
    """A delivery of a company and its open assignments, their rows locked until the commit.

    `now` is the database's time at which they were.
    """

    work: UnitOfWork
    platform: Platform
    company_id: UUID
    delivery: Delivery
    dialect: Dialect
    open: Sequence[Assignment]
    now: datetime

    @property
    def accepted(self) -> Assignment | None:
        """The assignment of the driver who carries it."""
        return next((one for one in self.open if one.state is AssignmentState.ACCEPTED), None)

    def of(self, driver_id: UUID) -> Assignment | None:
        """Returns the open assignment of a driver."""
        return next((one for one in self.open if one.driver_id == driver_id), None)

    async def assignment(self, id: UUID, driver_id: UUID) -> Assignment:
        """Returns an assignment of the delivery: locked where it is open, else as it ended.

        Raises AssignmentNotFound, also where it is another driver's.
        """
        found = next((one for one in self.open if one.id == id), None)
        if found is None:
            found = await assignments.find(self.work.connection, self.company_id, id)
        if found is None or found.driver_id != driver_id:
            raise AssignmentNotFound(id)
        return found

    def own_time(self, at: datetime | None, since: datetime | None) -> datetime:
        """Returns when somebody did something, by their own clock as far as that can be true.

        It is neither in the future nor before what came first.
        """
        when = self.now if at is None else min(at, self.now)
        return when if since is None else max(when, since)

    async def move(self, passed: Sequence[Status], actor: Actor, note: str | None) -> None:
        """Moves the delivery through statuses, with their events; the note is the last one's.

        Raises TransitionRefused, HistoryFull, or ProofsMissing.
        """
        (await self.try_to_move(passed, actor, note)).result()

    async def try_to_move(
        self, passed: Sequence[Status], actor: Actor, note: str | None, pin: str | None = None
    ) -> Advanced:
        """Moves it in the same way, with the recipient's PIN; says with the result what is refused.

        A wrong PIN is counted when the transaction is committed, so that what is refused then must
        be raised after that. Raises TransitionRefused or HistoryFull.
        """
        last = len(passed) - 1
        moves = [
            Move(to, actor, note if number == last else None, pin)
            for number, to in enumerate(passed)
        ]
        entries = plan(self.delivery, moves, self.dialect)
        done = await carry_out(self.work, self.platform, self.delivery, moves, entries)
        self.delivery = done.delivery
        return done

    async def write(self, *changed: Assignment) -> None:
        """Writes what has changed of the open assignments."""
        await assignments.update(self.work.connection, changed)
        self.work.signal(signals.FLEET)

    async def add_to_tour(self, assignment: Assignment, planned_at: datetime | None = None) -> None:
        """Puts the stops that are left of an assignment behind all others of its driver.

        They are planned for a time where somebody has said one.
        """
        connection, driver_id = self.work.connection, assignment.driver_id
        place = await tours.next_place(connection, self.company_id, driver_id)
        kinds = [StopKind.DROPOFF] if assignment.is_on_board else list(StopKind)
        stops = [
            TourStop(
                self.company_id,
                driver_id,
                self.delivery.scope.account_id,
                self.delivery.id,
                kind,
                place + number * GAP,
                planned_at,
            )
            for number, kind in enumerate(kinds)
        ]
        await tours.insert(connection, stops)

    async def leave_tour(self) -> None:
        """Takes the delivery's stops out of whosever tour they are in."""
        mine = (self.delivery.scope.account_id, self.delivery.id)
        await tours.leave(self.work.connection, self.company_id, [mine], list(StopKind))


@asynccontextmanager
async def holding(platform: Platform, company_id: UUID, delivery_id: UUID) -> AsyncGenerator[Held]:
    """Opens a transaction that holds a company's delivery. Raises NotOfCompany, or Busy."""
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        yield await _hold(work, platform, company_id, delivery_id)


async def delivery_of(platform: Platform, company_id: UUID, assignment_id: UUID) -> UUID:
    """Returns the delivery of an assignment. Raises AssignmentNotFound, or Busy."""
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.find(connection, company_id, assignment_id)
    if found is None:
        raise AssignmentNotFound(assignment_id)
    return found.delivery_id


async def scope_of(connection: Connection, company_id: UUID, delivery_id: UUID) -> Scope:
    """Returns whose delivery it is that a company carries. Raises NotOfCompany."""
    scope = await deliveries.scope_at(connection, company_id, delivery_id)
    if scope is None:
        raise NotOfCompany(delivery_id)
    return scope


async def _hold(work: UnitOfWork, platform: Platform, company_id: UUID, delivery_id: UUID) -> Held:
    connection = work.connection
    scope = await scope_of(connection, company_id, delivery_id)
    try:
        delivery = await lock_one(connection, scope, delivery_id)
    except DeliveryNotFound:
        raise NotOfCompany(delivery_id) from None
    dialect = platform.dialects[await accounts.dialect_of(connection, scope.account_id)]
    of = (company_id, scope.account_id, delivery_id)
    opened = await assignments.lock_open(connection, *of)
    return Held(work, platform, company_id, delivery, dialect, opened, await now(connection))
