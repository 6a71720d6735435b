"""Give deliveries to companies that have a platform of their own, and follow them there.

This module records results in our database; the connector sends the requests to the platform. The
connector claims errands, carries each out while no transaction is open, and reports the result
here. If a process dies in between, the errand is claimed again when its lease ends. It is then in
doubt, and has to be looked up at the platform before it may be placed there.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from estafette.core.couriers.dispatch import Doubt, Mention, Outcome, Standing, doubt_after
from estafette.core.couriers.upstream import Following, Report, UpstreamStep, follow
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.logs import Logger
from estafette.store.accounts import table as accounts
from estafette.store.couriers import dispatches
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork
from estafette.usecases.couriers.errands import IN_FLIGHT, Errand, ErrandRound, claim, company_of
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.deliveries.pins import open_pin, seal
from estafette.usecases.platform import Platform

__all__ = [
    "Errand",
    "ErrandRound",
    "Placement",
    "Report",
    "UpstreamStep",
    "claim",
    "followed",
    "lost",
    "note_webhook",
    "placed",
    "refused",
    "unplaced",
]

FIRST_LOOK = timedelta(seconds=5)
"""How long after a delivery was placed it is looked at for the first time, if no webhook comes."""

NOT_TAKEN = "The courier company could not take the delivery"
"""The note of a refusal in the delivery's timeline, which merchants and recipients read. The
platform's own reason is only for the operator: it may have account numbers, prices and links."""

NOT_KNOWN = "The courier company does not know the delivery any more"

_log = Logger()


@dataclass(frozen=True, slots=True)
class Placement:
    """How a platform has accepted a delivery: its id there, the recipient's PIN, and its fee."""

    upstream_id: str
    pin: str | None = None
    fee: int | None = None


async def placed(
    platform: Platform,
    errand: Errand,
    placement: Placement,
    look_again_in: timedelta = FIRST_LOOK,
) -> bool:
    """Records that the platform has the delivery, which is followed there from now on.

    The PIN and the fee that the platform named become the delivery's. Returns False when the
    attempt is no longer the caller's: then nothing is recorded, and the worker that holds the
    dispatch now will look it up.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        held = await _hold(connection, errand, "waiting")
        if held is None:
            return False
        await _settle(
            connection,
            errand,
            Outcome("placed", look_again_in, Doubt.OVER, placement.upstream_id, placement.fee),
        )
        await _agree(connection, platform, held.delivery, placement.pin, placement.fee)
    if placement.fee is not None and placement.fee > (errand.delivery.company_fee or 0):
        _tell(_log.warning, "dispatch_dearer_than_quoted", errand, fee=placement.fee)
    platform.observe_dispatch(errand.company, "placed")
    return True


async def unplaced(
    platform: Platform,
    errand: Errand,
    reason: str,
    retry_in: timedelta,
    doubtful: bool = False,
    looked_up: bool = False,
) -> bool:
    """Records that an attempt to place a delivery or to look at it failed; `retry_in` is the wait.

    `doubtful` says that the request to place it may have arrived although it failed. `looked_up`
    says that this attempt asked the platform, which does not have the delivery; see `doubt_after`.
    For a delivery that is placed already, neither has a meaning. Where the delivery has ended
    meanwhile and is certainly not at the platform, the dispatch is closed.
    Returns False when the attempt is no longer the caller's.
    """
    state = "placed" if errand.upstream_id else "waiting"
    async with platform.pool.acquire() as connection, connection.transaction():
        held = await _hold(connection, errand, state)
        if held is None:
            return False
        if errand.upstream_id:
            outcome = _look_again(held, reason, retry_in)
        else:
            outcome = _place_again(
                held, _doubt(errand, held, doubtful, looked_up), reason, retry_in
            )
        await _settle(connection, errand, outcome)
    return True


def _look_again(held: "_Held", reason: str, retry_in: timedelta) -> Outcome:
    """Returns the outcome for a placed dispatch that could not be looked at."""
    # a delivery that still has to be cancelled there goes before those that are only looked at
    urgent = held.delivery.status is Status.CANCELLED
    polls = held.standing.polls + 1
    return Outcome("placed", retry_in, polls=polls, error=reason, urgent=urgent)


def _place_again(held: "_Held", doubt: Doubt, reason: str, retry_in: timedelta) -> Outcome:
    """Returns the outcome for a dispatch that could not be placed."""
    if held.delivery.progress.is_final and doubt is Doubt.OVER:
        return Outcome("closed", None, error=reason)
    return Outcome("waiting", retry_in, doubt, error=reason)


def _doubt(errand: Errand, held: "_Held", doubtful: bool, looked_up: bool) -> Doubt:
    return doubt_after(
        held.standing,
        may_have_arrived=doubtful,
        looked_up=looked_up,
        may_arrive_yet=errand.may_arrive_yet,
    )


async def refused(platform: Platform, errand: Errand, reason: str) -> bool:
    """Records that the platform does not have the delivery and refuses it; the delivery stalls.

    `reason` is kept with the dispatch and logged, for the operator. Returns False when the attempt
    is no longer the caller's. Returns False too when the delivery may still be at the platform,
    because the platform sent a webhook about it meanwhile or a request may still be under way: then
    it is looked up again.
    """
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        held = await _hold(connection, errand, "waiting")
        if held is None:
            return False
        if held.standing.heard or errand.may_arrive_yet:
            doubt = _doubt(errand, held, doubtful=False, looked_up=True)
            await _settle(connection, errand, Outcome("waiting", IN_FLIGHT, doubt, error=reason))
            return False
        final = held.delivery.progress.is_final
        await _settle(
            connection, errand, Outcome("closed" if final else "refused", None, error=reason)
        )
        await _stall(work, platform, held.delivery, errand, NOT_TAKEN)
    _tell(_log.warning, "dispatch_refused", errand, reason=reason)
    platform.observe_dispatch(errand.company, "refused")
    return True


async def lost(platform: Platform, errand: Errand, reason: str) -> bool:
    """Records that the platform no longer knows a delivery that it had accepted; it stalls.

    The dispatch becomes disputed, for `reason`. Returns False when the attempt is no longer the
    caller's.
    """
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        held = await _hold(connection, errand, "placed")
        if held is None:
            return False
        await _settle(connection, errand, Outcome("disputed", None, error=reason))
        await _stall(work, platform, held.delivery, errand, NOT_KNOWN)
    _disputed(platform, errand, reason)
    return True


async def followed(
    platform: Platform, errand: Errand, report: Report, look_again_in: timedelta
) -> bool:
    """Moves the delivery to the status that it has at the platform, in one transaction.

    Every step since the last report is made here too, and those that the report left out; see
    `core.couriers.upstream.follow`. When the delivery has ended in the same way in both places, the
    dispatch is closed. Where the end that it has there is not possible here, the dispatch becomes
    disputed; but if a webhook came since the platform was asked, it is looked at again instead.
    Returns False when the attempt is no longer the caller's.
    """
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        held = await _hold(connection, errand, "placed")
        if held is None:
            return False
        delivery, standing = held.delivery, held.standing
        following = follow(delivery.progress, report, standing.seen)
        if standing.heard:
            following.conflict = None
        for status, note in following.moves:
            recalled = standing.recalled and status is Status.CANCELLED
            actor = Actor.MERCHANT if recalled else Actor.COURIER
            entry = moved(delivery, Move(status, actor, note), errand.dialect)
            await record.moves(work, platform, [entry])
            delivery = entry.delivery
        await _agree(connection, platform, delivery, report.pin, None)
        await _settle(
            connection, errand, _after(delivery, standing, following, report, look_again_in)
        )
    if following.conflict:
        _disputed(platform, errand, f"{following.conflict} there, {delivery.status} here")
    return True


def _after(
    delivery: Delivery,
    standing: Standing,
    following: Following,
    report: Report,
    look_again_in: timedelta,
) -> Outcome:
    """Returns the outcome for a dispatch that was looked at."""
    if following.conflict:
        difference = f"{following.conflict} there, {delivery.status} here"
        return Outcome("disputed", None, seen=following.seen, error=difference)
    if report.end and delivery.status is report.end:
        return Outcome("closed", None, seen=following.seen)
    polls = 0 if following.is_news else standing.polls + 1
    return Outcome("placed", look_again_in, seen=following.seen, polls=polls)


async def note_webhook(
    platform: Platform, company_id: UUID, upstream_id: str, delivery_id: UUID | None
) -> bool:
    """Makes an errand to look at a delivery due now: its platform has sent a webhook about it.

    `upstream_id` is the delivery's id there, `delivery_id` our id if the platform repeated it.
    Nothing else of the webhook is used, so webhooks that come late, twice or in another order can
    do no harm. Returns False when the company has no such delivery of ours. Raises Busy.
    """
    company = platform.connections.account(company_id)
    async with company as connection, platform.transaction(connection) as work:
        known = await dispatches.known_as(connection, company_id, upstream_id)
        if known is None and delivery_id is not None:
            known = await dispatches.known_here_as(connection, company_id, delivery_id)
        if known is None or known.attempt == 0:
            return False
        key = (known.account_id, known.delivery_id)
        mention = known.named_as(upstream_id)
        if mention is Mention.STRAY:
            await dispatches.dispute(connection, *key, f"it is there, as {upstream_id}")
        elif mention is Mention.NEWS:
            await dispatches.look_now(work, *key)
    if mention in (Mention.STRAY, Mention.TWIN):
        _log.error(
            "dispatch_unknown_upstream",
            company=str(company_id),
            delivery=str(known.delivery_id),
            known_as=known.upstream_id,
            upstream_id=upstream_id,
        )
        await count_dispute(platform, known.account_id, company_id)
    return True


async def count_dispute(platform: Platform, account_id: UUID, company_id: UUID | None) -> None:
    """Measures a dispute: the company and we report different ends of a delivery of the account."""
    async with platform.connections.account(account_id) as connection:
        market = await accounts.market_of(connection, account_id)
    platform.observe_dispatch(await company_of(platform, market, company_id), "disputed")


@dataclass(frozen=True, slots=True)
class _Held:
    """A delivery and its dispatch, both locked; the caller's attempt still holds the dispatch."""

    delivery: Delivery
    standing: Standing


async def _hold(connection: Connection, errand: Errand, state: str) -> _Held | None:
    scope, id = errand.delivery.scope, errand.delivery.id
    delivery = await lock_one(connection, scope, id)
    standing = await dispatches.lock(connection, scope.account_id, id, errand.attempt)
    if standing is None or standing.state != state or not standing.is_held:
        return None
    return _Held(delivery, standing)


async def _settle(connection: Connection, errand: Errand, outcome: Outcome) -> None:
    delivery = errand.delivery
    await dispatches.settle(connection, delivery.scope.account_id, delivery.id, outcome)


async def _agree(
    connection: Connection,
    platform: Platform,
    delivery: Delivery,
    pin: str | None,
    fee: int | None,
) -> None:
    """Writes the platform's PIN and fee to the delivery, where they differ from those known."""
    known = pin is None or pin == open_pin(platform.cipher, delivery)
    agreed = replace(
        delivery,
        pin=delivery.pin if pin is None or known else seal(platform.cipher, pin, delivery.id),
        company_fee=delivery.company_fee if fee is None else fee,
    )
    if agreed != delivery:
        await deliveries.set_terms(connection, agreed)


async def _stall(
    work: UnitOfWork, platform: Platform, delivery: Delivery, errand: Errand, note: str
) -> None:
    """Moves the delivery to stalled, with the system as the actor, so that the operator sees it."""
    if Status.STALLED not in delivery.progress.allowed():  # it has stalled already, or has ended
        return
    move = Move(Status.STALLED, Actor.SYSTEM, note)
    entry = moved(delivery, move, errand.dialect)
    await record.moves(work, platform, [entry])


def _disputed(platform: Platform, errand: Errand, reason: str) -> None:
    _tell(_log.error, "dispatch_disputed", errand, reason=reason)
    platform.observe_dispatch(errand.company, "disputed")


def _tell(log: Any, event: str, errand: Errand, **facts: Any) -> None:
    delivery = errand.delivery
    log(
        event,
        company=errand.company.slug,
        account=str(delivery.scope.account_id),
        delivery=str(delivery.id),
        upstream=errand.upstream_id,
        **facts,
    )
