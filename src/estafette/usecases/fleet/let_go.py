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

    Drivers hand it back themselves; from all others it is taken back, of which the driver is told.
    Each in a transaction of its own; what somebody changes just then is left to them.
    """
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.open_of_drivers(connection, company_id, [driver_id])
    is_own = platform.by.name == str(driver_id)
    for one in found:
        if one.is_on_board or (one.state is AssignmentState.ACCEPTED and not accepted):
            continue
        try:
            if is_own and one.state is AssignmentState.ACCEPTED:
                await hand_back(platform, company_id, driver_id, one.delivery_id, reason)
            else:
                await take_back(
                    platform, company_id, one.delivery_id, from_driver=driver_id, reason=reason
                )
        except (FleetRefusal, Refusal):
            continue
