"""What a driver has to do, and may see: the offers, the stops in order, and what was done."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.privacy import as_seen
from estafette.core.fleet.refusals import NotOfCompany
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import TourStop
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import assignments, shifts, tours
from estafette.store.pool import Connection, now
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.platform import Platform

_MOST_SHOWN = 100


class Carried(NamedTuple):
    """One assignment of a driver, and its delivery as this driver may see it."""

    assignment: Assignment
    delivery: Delivery


class OwnWork(NamedTuple):
    """All that a driver has now: the shift, offers by their age, and the tour in order of work."""

    now: datetime
    shift: Shift | None
    offers: list[Carried]
    carried: list[Carried]
    tour: list[TourStop]


async def own_work(platform: Platform, company_id: UUID, driver_id: UUID) -> OwnWork:
    """Returns what a driver has now, and nothing of anybody else."""
    async with platform.connections.batch(LANE) as connection:
        moment = await now(connection)
        shift = (await shifts.open_of(connection, company_id, [driver_id])).get(driver_id)
        found = await assignments.open_of_drivers(connection, company_id, [driver_id])
        seen = await _with_deliveries(connection, found, moment)
        tour = await tours.of_driver(connection, company_id, driver_id)
    return OwnWork(
        moment,
        shift,
        [one for one in seen if one.assignment.state is AssignmentState.OFFERED],
        [one for one in seen if one.assignment.state is AssignmentState.ACCEPTED],
        tour,
    )


async def own_history(
    platform: Platform, company_id: UUID, driver_id: UUID, before: UUID, limit: int = 50
) -> list[Carried]:
    """Returns a driver's assignments that are older than an id, newest first."""
    async with platform.connections.batch(LANE) as connection:
        moment = await now(connection)
        shown = min(limit, _MOST_SHOWN)
        found = await assignments.of_driver(connection, company_id, driver_id, before, shown)
        return await _with_deliveries(connection, found, moment)


async def own_delivery(
    platform: Platform, company_id: UUID, driver_id: UUID, delivery_id: UUID
) -> Carried:
    """Returns one delivery that was offered or given to a driver, by the last assignment.

    Raises NotOfCompany where it never was, as if there were none.
    """
    async with platform.connections.batch(LANE) as connection:
        moment = await now(connection)
        scope = await deliveries.scope_at(connection, company_id, delivery_id)
        if scope is None:
            raise NotOfCompany(delivery_id)
        of = (company_id, scope.account_id, delivery_id)
        every = await assignments.of_delivery(connection, *of)
        mine = [one for one in every if one.driver_id == driver_id][-1:]
        seen = await _with_deliveries(connection, mine, moment)
    if not seen:
        raise NotOfCompany(delivery_id)
    return seen[0]


async def _with_deliveries(
    connection: Connection, found: list[Assignment], moment: datetime
) -> list[Carried]:
    wanted = [(one.scope, one.delivery_id) for one in found]
    known = await deliveries.find_many(connection, wanted) if wanted else {}
    return [
        Carried(one, as_seen(delivery, one, moment))
        for one in found
        if (delivery := known.get((one.scope, one.delivery_id)))
    ]
