"""Let a delivery stall that so many drivers were asked about and nobody took."""

from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import Refusal
from estafette.core.fleet.refusals import FleetRefusal
from estafette.usecases.fleet.hold import holding
from estafette.usecases.platform import Platform


async def give_up(platform: Platform, company_id: UUID, delivery_id: UUID, reason: str) -> bool:
    """Makes a pending delivery stalled, with its reason; False where somebody has it meanwhile."""
    try:
        async with holding(platform, company_id, delivery_id) as held:
            if held.open or held.delivery.status is not Status.PENDING:
                return False
            await held.move([Status.STALLED], Actor.SYSTEM, reason)
    except (FleetRefusal, Refusal):  # it is the company's no more, or has no room for an event
        return False
    return True
