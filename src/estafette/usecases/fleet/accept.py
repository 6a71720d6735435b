"""Accept an offer: of all drivers who have one of a delivery, exactly one succeeds."""

from uuid import UUID

from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import OfferOver
from estafette.usecases.fleet.give import become_assigned, must_be_carried
from estafette.usecases.fleet.hold import Held, delivery_of, holding
from estafette.usecases.fleet.room import must_take
from estafette.usecases.platform import Platform


async def accept(
    platform: Platform, company_id: UUID, driver_id: UUID, assignment_id: UUID
) -> Assignment:
    """Gives the delivery to the driver whose offer it is; other offers of it end.

    The delivery is assigned then, and its two stops follow all others of the driver. An offer that
    this driver has accepted before is returned as it is.

    Raises AssignmentNotFound, OfferOver, NotNow, or what `must_take` does.
    """
    delivery_id = await delivery_of(platform, company_id, assignment_id)
    async with holding(platform, company_id, delivery_id) as held:
        offer = await held.assignment(assignment_id, driver_id)
        if offer.state is AssignmentState.ACCEPTED:
            return offer
        accepted = await taken(held, offer)
        await become_assigned(held, Actor.DRIVER)
        await write_taken(held, accepted)
    return accepted


async def taken(held: Held, offer: Assignment) -> Assignment:
    """Returns an open offer of the held delivery as it is once its driver has accepted it.

    Raises OfferOver, NotNow, or what `must_take` does.
    """
    if offer.answer_by is not None and offer.answer_by <= held.now:
        raise OfferOver(offer.id, AssignmentState.EXPIRED)
    accepted = offer.moved(AssignmentState.ACCEPTED, held.now)
    if accepted is None:
        raise OfferOver(offer.id, offer.state)
    must_be_carried(held)
    await must_take(held, offer.driver_id, on_shift=True)
    return accepted


async def write_taken(held: Held, accepted: Assignment) -> None:
    """Writes that the driver has the held delivery, on top of the tour; other offers end."""
    others = [one for one in held.open if one.id != accepted.id]
    over = [one.moved(AssignmentState.RELEASED, held.now, Noted.FASTER) for one in others]
    await held.write(accepted, *filter(None, over))
    await held.add_to_tour(accepted)
