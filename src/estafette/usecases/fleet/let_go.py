"""End what a driver has and does not carry yet: at the end of a day, or when somebody is paused."""

from uuid import UUID

from estafette.core.errors import Refusal
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.refusals import FleetRefusal
from estafette.store.fleet import assignments
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.take_back import hand_back, take_back
from estafette.usecases.platform import Platform


async def let_go(
    platform: Platform, company_id: UUID, driver_id: UUID, reason: str, *, accepted: bool
) -> None:
    """Ends the open offers of a driver and, with `accepted`, what was accepted and not picked up.

    Each in a transaction of its own; what somebody changes just then is left to them.
    """
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.open_of_drivers(connection, company_id, [driver_id])
    for one in found:
        try:
            if one.state is AssignmentState.OFFERED:
                await take_back(
                    platform, company_id, one.delivery_id, from_driver=driver_id, reason=reason
                )
            elif accepted and not one.is_on_board:
                await hand_back(platform, company_id, driver_id, one.delivery_id, reason)
        except (FleetRefusal, Refusal):
            continue
