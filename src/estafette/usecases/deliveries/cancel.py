"""Cancel a delivery on its merchant's request."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct, By
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.cancelling import Decision, decide
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CancelRefused, Refusal
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.couriers.dispatch import count_dispute
from estafette.usecases.couriers.recall import Held, close, hold, resolve
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.deliveries.idempotency import (
    Answer,
    Idempotency,
    KeptAnswers,
    Reply,
    open_kept_answers,
)
from estafette.usecases.platform import Platform


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A merchant's request to cancel a delivery, and the reason.

    `by` is the merchant's person who asks for it, to be named in the audit; None when a program
    asks. `render` turns the cancelled delivery or the conflict into the dialect's reply.
    """

    scope: Scope
    dialect: Dialect
    delivery_id: UUID
    render: Callable[[Delivery | Refusal], Reply]
    reason: str | None = None
    idempotency: Idempotency | None = None
    by: By | None = None


async def cancel(platform: Platform, wanted: Cancellation) -> Answer:
    """Cancels the delivery, or repeats the answer that is kept under the idempotency key.

    A delivery that was placed at a company's platform is cancelled there first.

    Raises DeliveryNotFound, IdempotencyMismatch or CourierUnavailable; then nothing is cancelled,
    and the merchant may try again. A refusal to cancel (CancelRefused) is not raised: it is an
    answer, which `wanted.render` writes.
    """
    until = asyncio.get_running_loop().time() + platform.patience.placing
    recalled: Recalled | None = None
    while isinstance(done := await _look_and_cancel(platform, wanted, recalled), Held):
        recalled = await resolve(platform, done, wanted.dialect, until)
    return done


async def _look_and_cancel(
    platform: Platform, wanted: Cancellation, recalled: Recalled | None
) -> Answer | Held:
    """Cancels the delivery, or returns what has to be settled with the company's platform first.

    `recalled` is the result of cancelling it there; None before that was tried.
    """
    async with (
        platform.connections.account(wanted.scope.account_id) as connection,
        platform.transaction(connection) as work,
    ):
        ledger: KeptAnswers[Delivery] = await open_kept_answers(connection, [wanted.idempotency])
        earlier = ledger.earlier(wanted.idempotency)
        if isinstance(earlier, Refusal):
            raise earlier
        if earlier is not None:
            return earlier
        delivery = await lock_one(connection, wanted.scope, wanted.delivery_id)
        may_cancel = wanted.dialect.may_cancel(delivery.progress)
        decision = decide(delivery.progress, recalled, may_cancel=may_cancel)
        if decision is Decision.ASK_PLATFORM and (held := await hold(connection, delivery)):
            return held
        if decision is Decision.REFUSE:
            refusal = CancelRefused(delivery.status, delivery.milestone)
            answer = ledger.answer(wanted.idempotency, refusal, wanted.render)
        else:
            if decision is not Decision.IS_CANCELLED:
                delivery = await _cancelled(work, platform, wanted, delivery)
            answer = ledger.answer(wanted.idempotency, delivery, wanted.render)
        disputed = recalled is Recalled.CANCELLED and not await close(connection, delivery)
        await ledger.write(connection)
    if disputed:
        await count_dispute(platform, delivery.scope.account_id, delivery.company_id)
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def _cancelled(
    work: UnitOfWork, platform: Platform, wanted: Cancellation, delivery: Delivery
) -> Delivery:
    """Records the merchant's cancellation of a locked delivery; returns the delivery after it."""
    move = Move(Status.CANCELLED, Actor.MERCHANT, wanted.reason)
    entry = moved(delivery, move, wanted.dialect)
    await record.moves(work, platform, [entry])
    if wanted.by is not None:
        act = AuditedAct.DELIVERY_CANCELLED
        await audit.note(work.connection, wanted.by, act, delivery.id, of=wanted.scope)
    return entry.delivery
