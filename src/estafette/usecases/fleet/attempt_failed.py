"""A driver could not hand a parcel over: one attempt of those that are made."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import (
    AfterAttempts,
    AttemptReason,
    FailedAttempt,
    in_english,
)
from estafette.core.deliveries.windows import next_window
from estafette.core.fleet.assignment import Step
from estafette.core.fleet.refusals import NotNow
from estafette.store.couriers import companies
from estafette.store.deliveries import events
from estafette.store.deliveries import table as deliveries
from estafette.usecases.deliveries.failing import policies_of
from estafette.usecases.fleet.bring_back import bring_back
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.fleet.steps import carried
from estafette.usecases.platform import Platform


async def attempt_failed(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    reason: AttemptReason,
    words: str | None = None,
    *,
    at: datetime | None = None,
) -> Delivery:
    """The recipient could not be given the parcel, for a reason and in the driver's own words.

    `at` is a time of the driver's clock.

    The parcel stays on board, and the delivery is stalled until it goes on: in the next window of
    the company, behind all else that the driver has to do. After the last attempt of the policy
    that holds, what the policy says follows; without one the delivery waits for the dispatcher. A
    return is tried until somebody decides otherwise. Telling the same attempt again changes
    nothing.

    Raises NotOfCompany, GivenToAnother, NotOnBoard, NotNow, FleetFull, or HistoryFull.
    """
    async with holding(platform, company_id, delivery_id) as held:
        mine = await carried(held, driver_id, Step.HANDED_OVER)
        if mine is None:
            raise NotNow(delivery_id, held.delivery.status)
        if await _is_told(held):
            return held.delivery
        before = held.delivery.progress.before_stall
        passed = [Status.STALLED] if before is None else [before, Status.STALLED]
        await held.move(passed, Actor.DRIVER, in_english(reason, words))
        of, tried_at = held.delivery, held.own_time(at, mine.picked_up_at)
        attempt = FailedAttempt(of.progress.seq, reason, tried_at)
        held.delivery = replace(of, attempts=(*of.attempts, attempt))
        await _go_on(held, driver_id)
    return held.delivery


async def _is_told(held: Held) -> bool:
    """Whether nobody has gone there again since the last attempt: it is the same one.

    Where the window of the next attempt has begun, it is another one.
    """
    of = held.delivery
    if of.status is not Status.STALLED or not of.attempts:
        return False
    last = of.attempts[-1]
    if of.window is not None and last.at < of.window.start <= held.now:
        return False
    since = of.progress.seq - last.seq
    newest = await events.of_delivery(held.work.connection, of.scope, of.id, max(since, 1))
    return all(event.status is Status.STALLED for event in newest)


async def _go_on(held: Held, driver_id: UUID) -> None:
    """Does what follows an attempt of the held delivery, and writes the attempt down."""
    connection = held.work.connection
    company = await companies.find(connection, held.company_id)
    policy = (await policies_of(connection, [held.delivery], company)).get(held.delivery.id)
    follows = policy and policy.follows(held.delivery.attempts)
    if policy is not None and follows is None and company is not None:
        await _again(held, company)
    await deliveries.set_promise(connection, held.delivery)
    if follows is not None:
        await _end(held, driver_id, follows)


async def _again(held: Held, company: Company) -> None:
    """Has the held delivery brought again in the company's next window, behind all other stops."""
    zone = ZoneInfo(company.time_zone)
    window = next_window(company.capabilities.windows, company.hours, zone, held.now)
    if window is not None:
        held.delivery = held.delivery.in_window(window)
    if held.accepted is not None:
        await held.leave_tour()
        await held.add_to_tour(held.accepted, window and window.start)


async def _end(held: Held, driver_id: UUID, follows: AfterAttempts) -> None:
    """Lets the held delivery fail, and what the policy says follow."""
    count = len(held.delivery.attempts)
    times = "1 attempt" if count == 1 else f"{count} attempts"
    what = "discarded"
    if follows is AfterAttempts.RETURN:
        back = await bring_back(held, driver_id)
        what = f"returned as {back.reference or back.external_ref or back.id}"
    await held.move([Status.FAILED], Actor.SYSTEM, f"{times}: {what}")
