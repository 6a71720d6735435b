"""A driver could not hand a parcel over: one attempt of those that the company makes."""

from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import AfterAttempts
from estafette.core.fleet.assignment import Step
from estafette.core.fleet.refusals import NotNow
from estafette.store.couriers import companies
from estafette.store.deliveries import events
from estafette.usecases.fleet.bring_back import bring_back
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.fleet.steps import carried
from estafette.usecases.platform import Platform


async def attempt_failed(
    platform: Platform, company_id: UUID, driver_id: UUID, delivery_id: UUID, reason: str
) -> Delivery:
    """The recipient could not be given the parcel; it stays on board.

    The delivery is stalled with the reason until it goes on. After the last attempt of the
    company's policy it has failed, and what the policy says follows; without a policy it waits for
    the dispatcher. A return is tried until somebody decides otherwise.

    Raises NotOfCompany, GivenToAnother, NotOnBoard, NotNow, FleetFull, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.HANDED_OVER)
        if mine is None:
            raise NotNow(delivery_id, held.delivery.status)
        if held.delivery.status is not Status.STALLED:
            await held.move([Status.STALLED], Actor.DRIVER, reason)
            await _end_after_the_last(held, driver_id)
    return held.delivery


async def _end_after_the_last(held: Held, driver_id: UUID) -> None:
    """Lets the held delivery fail where the company has tried as often as it does."""
    connection, delivery = held.work.connection, held.delivery
    company = await companies.find(connection, held.company_id)
    policy = company and company.capabilities.failing
    if policy is None or delivery.return_of is not None:
        return
    history = await events.of_delivery(connection, delivery.scope, delivery.id)
    tried = [one for one in history if (one.status, one.actor) == (Status.STALLED, Actor.DRIVER)]
    if len(tried) < policy.attempts:
        return
    times = "1 attempt" if len(tried) == 1 else f"{len(tried)} attempts"
    what = "discarded"
    if policy.then is AfterAttempts.RETURN:
        back = await bring_back(held, driver_id)
        what = f"returned as {back.reference or back.external_ref or back.id}"
    await held.move([Status.FAILED], Actor.SYSTEM, f"{times}: {what}")
