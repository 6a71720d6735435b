"""Refuse an offer; the delivery stays as it is, for the next driver."""

from uuid import UUID

from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.refusals import OfferOver
from estafette.usecases.fleet.hold import delivery_of, holding
from estafette.usecases.platform import Platform


async def refuse(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    assignment_id: UUID,
    reason: str | None = None,
) -> Assignment:
    """Ends a driver's open offer. One that this driver has refused before is returned as it is.

    Raises AssignmentNotFound or OfferOver.
    """
    delivery_id = await delivery_of(platform, company_id, assignment_id)
    async with holding(platform, company_id, delivery_id) as held:
        offer = await held.assignment(assignment_id, driver_id)
        if offer.state is AssignmentState.REFUSED:
            return offer
        refused = offer.moved(AssignmentState.REFUSED, held.now, reason)
        if refused is None:
            raise OfferOver(assignment_id, offer.state)
        await held.write(refused)
    return refused
