"""Take a delivery, or the offers of it, back from drivers; and let a driver hand one back."""

from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import GIVEN_BACK, Assignment, AssignmentState
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import GivenToAnother, NothingAssigned, NotNow, ParcelOnBoard
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.fleet.note import note
from estafette.usecases.platform import Platform


async def take_back(
    platform: Platform,
    company_id: UUID,
    delivery_id: UUID,
    *,
    from_driver: UUID | None = None,
    reason: str | None = None,
) -> Delivery:
    """Ends what drivers have of a delivery: their offers, and what one has accepted.

    With `from_driver`, of that driver alone. A delivery that was accepted is pending again.

    Raises NotOfCompany, NothingAssigned, GivenToAnother, ParcelOnBoard, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = [one for one in held.open if from_driver in (None, one.driver_id)]
        if not mine and held.open and from_driver is not None:
            raise GivenToAnother(delivery_id, from_driver)
        if not mine:
            raise NothingAssigned(delivery_id)
        why = reason or Noted.TAKEN_BACK
        await _release(held, mine, Actor.COURIER, why)
        facts = {"drivers": [one.driver_id for one in mine]}
        await note(held, AuditedAct.DELIVERY_TAKEN_BACK, facts)
    return held.delivery


async def hand_back(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    reason: str | None = None,
) -> Delivery:
    """Lets a driver give back, before the pickup, what they have accepted: it is pending again.

    Raises NotOfCompany, NotNow where it has ended, GivenToAnother, ParcelOnBoard, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = held.accepted
        if mine is None or mine.driver_id != driver_id:
            if held.delivery.progress.is_final:
                raise NotNow(delivery_id, held.delivery.status)
            raise GivenToAnother(delivery_id, driver_id)
        await _release(held, [mine], Actor.DRIVER, reason or Noted.HANDED_BACK)
    return held.delivery


async def _release(held: Held, some: list[Assignment], actor: Actor, why: str) -> None:
    """Ends open assignments, and lets the delivery be pending where one was accepted."""
    accepted = next((one for one in some if one.state is AssignmentState.ACCEPTED), None)
    if accepted is not None:
        if accepted.is_on_board or held.delivery.progress.picked_up:
            raise ParcelOnBoard(held.delivery.id, accepted.driver_id)
        await held.move([GIVEN_BACK], actor, why)
        await held.leave_tour()
    over = [one.moved(AssignmentState.RELEASED, held.now, why) for one in some]
    await held.write(*filter(None, over))
