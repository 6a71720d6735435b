"""What a driver has to do, and may see: the offers, the stops in order, what was done lately."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.privacy import CONTACTS_KEPT, as_seen
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import TourStop
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import assignments, shifts, tours
from estafette.store.pool import Connection, now
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.platform import Platform, clock

SHOWN_OF_TAKEN = 5
"""Of how many deliveries one message shows where they were: those that were taken last."""

_MOST_LATELY = 20
"""What ended before these is not shown, though it ended as lately."""


class Carried(NamedTuple):
    """One assignment of a driver, and its delivery as this driver may see it."""

    assignment: Assignment
    delivery: Delivery


class OwnWork(NamedTuple):
    """All that a driver has now: the shift, offers by their age, and the tour in order of work.

    `lately` was handed over since CONTACTS_KEPT ago, the last one first.
    """

    shift: Shift | None
    offers: list[Carried]
    carried: list[Carried]
    tour: list[TourStop]
    lately: list[Carried]


async def own_work(platform: Platform, company_id: UUID, driver_id: UUID) -> OwnWork:
    """Returns what a driver has now, and nothing of anybody else."""
    async with platform.connections.batch(LANE) as connection:
        shift = (await shifts.open_of(connection, company_id, [driver_id])).get(driver_id)
        found = await assignments.open_of_drivers(connection, company_id, [driver_id])
        since = await now(connection) - CONTACTS_KEPT
        found += await assignments.done_since(
            connection, company_id, driver_id, since, _MOST_LATELY
        )
        seen = await _with_deliveries(connection, found)
        tour = await tours.of_driver(connection, company_id, driver_id)
    return OwnWork(
        shift,
        [one for one in seen if one.assignment.state is AssignmentState.OFFERED],
        [one for one in seen if one.assignment.state is AssignmentState.ACCEPTED],
        tour,
        [one for one in seen if one.assignment.state is AssignmentState.DONE],
    )


async def taken_of(
    platform: Platform, company_id: UUID, messages: Sequence[DriverMessage]
) -> Mapping[UUID, Carried]:
    """Returns by its assignment what messages to a driver tell that others have taken.

    Of each message the last ones, until it is read, and for CONTACTS_KEPT at least.
    """
    shown_since = clock() - CONTACTS_KEPT
    ids = {
        id
        for one in messages
        if one.read_at is None or one.created_at > shown_since
        for id in one.taken[-SHOWN_OF_TAKEN:]
    }
    if not ids:
        return {}
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.find_all(connection, company_id, ids)
        seen = await _with_deliveries(connection, found)
    return {one.assignment.id: one for one in seen}


async def _with_deliveries(connection: Connection, found: list[Assignment]) -> list[Carried]:
    wanted = [(one.scope, one.delivery_id) for one in found]
    known = await deliveries.find_many(connection, wanted) if wanted else {}
    return [
        Carried(one, as_seen(delivery, one))
        for one in found
        if (delivery := known.get((one.scope, one.delivery_id)))
    ]
