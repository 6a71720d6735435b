"""Leave a parcel at the door where nobody takes it, and whoever decides has allowed that."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import LEFT
from estafette.core.errors import ProofsMissing
from estafette.core.fleet.assignment import AssignmentState, Step, moves_for
from estafette.core.fleet.refusals import MayNotLeave
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.store.couriers import companies
from estafette.store.deliveries import table as deliveries
from estafette.usecases.deliveries.failing import policies_of
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.fleet.steps import carried
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.demanded import shown


async def leave_at_door(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    *,
    at: datetime | None = None,
) -> Delivery:
    """The parcel stands at the door, `at` a time of the driver's clock: the delivery is delivered.

    One that this driver has left or handed over before is returned as it is.

    Raises NotOfCompany, GivenToAnother, NotOnBoard, NotNow, MayNotLeave, ProofsMissing without a
    photo of where it stands, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.HANDED_OVER)
        if mine is None:
            return held.delivery
        await _must_be_allowed(held)
        await _must_be_shown(held)
        passed = moves_for(Step.HANDED_OVER, held.delivery.progress) or ()
        await held.move(passed, Actor.DRIVER, LEFT)
        held.delivery = replace(held.delivery, left_at_door=True)
        await deliveries.set_terms(held.work.connection, held.delivery)
        ended = mine.moved(AssignmentState.DONE, held.own_time(at, mine.picked_up_at))
        if ended is not None:
            await held.write(ended)
    return held.delivery


async def _must_be_allowed(held: Held) -> None:
    connection, delivery = held.work.connection, held.delivery
    company = await companies.find(connection, held.company_id)
    policy = (await policies_of(connection, [delivery], company)).get(delivery.id)
    if policy is None or not policy.may_leave(len(delivery.attempts)):
        raise MayNotLeave(delivery.id)


async def _must_be_shown(held: Held) -> None:
    """Raises ProofsMissing without a photo that was taken since the last attempt."""
    delivery = held.delivery
    there = await shown(held.work.connection, [delivery])
    if (ProofStage.DROPOFF, ProofKind.PHOTO) not in there[delivery.id]:
        raise ProofsMissing(delivery.id, ProofStage.DROPOFF, (ProofKind.PHOTO,))
