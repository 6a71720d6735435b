"""Cancel a delivery because its merchant asks for it."""

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
    """What a merchant asks to have cancelled, and why.

    `by` is the person of the merchant's who asks for it, whom the audit names; None: a program.
    `render` writes the cancelled delivery or the conflict as the dialect answers it.
    """

    scope: Scope
    dialect: Dialect
    delivery_id: UUID
    render: Callable[[Delivery | Refusal], Reply]
    reason: str | None = None
    idempotency: Idempotency | None = None
    by: By | None = None


async def cancel(platform: Platform, wanted: Cancellation) -> Answer:
    """Cancels the delivery, or repeats what was answered under the idempotency key.

    A delivery that another platform carries is cancelled there first, unless it never got there.

    Raises DeliveryNotFound, IdempotencyMismatch, or CourierUnavailable: nothing is cancelled then,
    and the merchant may try again. A refusal to cancel (CancelRefused) is an answer that
    `wanted.render` writes.
    """
    until = asyncio.get_running_loop().time() + platform.patience.placing
    recalled: Recalled | None = None
    while isinstance(done := await _look_and_cancel(platform, wanted, recalled), Held):
        recalled = await resolve(platform, done, wanted.dialect, until)
    return done


async def _look_and_cancel(
    platform: Platform, wanted: Cancellation, recalled: Recalled | None
) -> Answer | Held:
    """Cancels the delivery if nothing holds it; `recalled` is what came of calling it off."""
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
    """Records the merchant's cancellation of a locked delivery, and returns that."""
    move = Move(Status.CANCELLED, Actor.MERCHANT, wanted.reason)
    entry = moved(delivery, move, wanted.dialect)
    await record.moves(work, platform, [entry])
    if wanted.by is not None:
        act = AuditedAct.DELIVERY_CANCELLED
        await audit.note(work.connection, wanted.by, act, delivery.id, of=wanted.scope)
    return entry.delivery
