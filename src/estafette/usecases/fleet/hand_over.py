"""Hand a parcel over to its recipient."""

from datetime import datetime
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import AssignmentState, Step, moves_for
from estafette.usecases.fleet.hold import holding
from estafette.usecases.fleet.steps import carried
from estafette.usecases.platform import Platform


async def hand_over(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    *,
    at: datetime | None = None,
    pin: str | None = None,
    note: str | None = None,
) -> Delivery:
    """The recipient has the parcel, `at` a time of the driver's clock: the delivery is delivered.

    One that this driver has handed over before is returned as it is. `pin` is what the recipient
    told; `note` is shown with the event.

    Raises NotOfCompany, GivenToAnother, NotOnBoard, NotNow, PinRequired, PinWrong (the try is
    counted), PinLocked, ProofsMissing, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.HANDED_OVER)
        if mine is None:
            return held.delivery
        passed = moves_for(Step.HANDED_OVER, held.delivery.progress) or ()
        done = await held.try_to_move(passed, Actor.DRIVER, note, pin)
        ended = mine.moved(AssignmentState.DONE, held.own_time(at, mine.picked_up_at))
        if done.refusal is None and ended is not None:
            await held.write(ended)
    return done.result()
