"""What a driver does on the way with a delivery: arrive, pick it up, set out to the recipient."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import Assignment, AssignmentState, Step, moves_for
from estafette.core.fleet.refusals import GivenToAnother, NotNow, NotOfCompany, NotOnBoard
from estafette.store.fleet import assignments
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.platform import Platform


async def arrive(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    at: datetime | None = None,
) -> Delivery:
    """The driver is at the pickup, `at` a time of their own clock.

    Raises NotOfCompany, GivenToAnother, NotNow, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.ARRIVED)
        await held.move(_passed(held, Step.ARRIVED), Actor.DRIVER, None)
        if mine is not None and mine.arrived_at is None and not mine.is_on_board:
            await held.write(replace(mine, arrived_at=held.own_time(at, mine.accepted_at)))
    return held.delivery


async def pick_up(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    at: datetime | None = None,
) -> Delivery:
    """The driver has the parcel from now on, whether they told that they had arrived or not.

    Raises NotOfCompany, GivenToAnother, NotNow, HistoryFull, or ProofsMissing.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.PICKED_UP)
        await held.move(_passed(held, Step.PICKED_UP), Actor.DRIVER, None)
        if mine is not None and not mine.is_on_board:
            since = mine.arrived_at or mine.accepted_at
            await held.write(replace(mine, picked_up_at=held.own_time(at, since)))
    return held.delivery


async def set_out(
    platform: Platform, company_id: UUID, driver_id: UUID, delivery_id: UUID
) -> Delivery:
    """The driver is on the way to this drop-off, or near it.

    Raises NotOfCompany, GivenToAnother, NotOnBoard, NotNow, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        await carried(held, driver_id, Step.ON_THE_WAY)
        await held.move(_passed(held, Step.ON_THE_WAY), Actor.DRIVER, None)
    return held.delivery


async def set_out_untapped(
    platform: Platform, company_id: UUID, driver_id: UUID, delivery_id: UUID, why: str
) -> bool:
    """The driver is on the way to this drop-off without having tapped so.

    `why` is the note of the event.
    Returns whether it moved: what is not in transit with this driver any more stays as it is.
    Raises NotOfCompany, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = held.accepted
        if mine is None or mine.driver_id != driver_id or not mine.is_on_board:
            return False
        if held.delivery.status is not Status.IN_TRANSIT:
            return False
        await held.move(_passed(held, Step.ON_THE_WAY), Actor.SYSTEM, why)
    return True


async def carried(held: Held, driver_id: UUID, step: Step) -> Assignment | None:
    """Returns the driver's assignment, for a step; None where they have handed the parcel over.

    Raises NotOfCompany where it never was the driver's, GivenToAnother, NotNow where it ended
    otherwise, or NotOnBoard for what is done with a parcel.
    """
    mine, delivery = held.accepted, held.delivery
    if mine is None or mine.driver_id != driver_id:
        of = (held.company_id, delivery.scope.account_id, delivery.id)
        every = await assignments.of_delivery(held.work.connection, *of)
        earlier = [one for one in every if one.driver_id == driver_id]
        if not earlier:
            raise NotOfCompany(delivery.id)
        if earlier[-1].state is AssignmentState.DONE:
            return None
        if delivery.progress.is_final:
            raise NotNow(delivery.id, delivery.status)
        raise GivenToAnother(delivery.id, driver_id)
    if step in _WITH_PARCEL and not mine.is_on_board:
        raise NotOnBoard(delivery.id)
    if moves_for(step, delivery.progress) is None:
        raise NotNow(delivery.id, delivery.status)
    return mine


_WITH_PARCEL = frozenset({Step.ON_THE_WAY, Step.HANDED_OVER})


def _passed(held: Held, step: Step) -> tuple[Status, ...]:
    """Returns the statuses that the step leads through."""
    return moves_for(step, held.delivery.progress) or ()
