"""A driver could not hand a parcel over."""

from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import Step
from estafette.core.fleet.refusals import NotNow
from estafette.usecases.fleet.hold import holding
from estafette.usecases.fleet.steps import carried
from estafette.usecases.platform import Platform


async def attempt_failed(
    platform: Platform, company_id: UUID, driver_id: UUID, delivery_id: UUID, reason: str
) -> Delivery:
    """The recipient could not be given the parcel; it stays on board, and waits for a decision.

    The delivery is stalled with the reason until it goes on. Raises NotOfCompany, GivenToAnother,
    NotOnBoard, NotNow, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.HANDED_OVER)
        if mine is None:
            raise NotNow(delivery_id, held.delivery.status)
        if held.delivery.status is not Status.STALLED:
            await held.move([Status.STALLED], Actor.DRIVER, reason)
    return held.delivery
