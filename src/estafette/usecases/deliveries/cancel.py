"""Cancel a delivery on the merchant's word."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Delivery, Progress, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CancelRefused, Refusal
from estafette.usecases.couriers.dispatch import count_dispute
from estafette.usecases.couriers.recall import Held, close, hold, resolve
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.deliveries.idempotency import (
    Answer,
    Idempotency,
    Ledger,
    Reply,
    open_ledger,
)
from estafette.usecases.platform import Platform


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What a merchant asks to have cancelled, and why.

    `render` writes the cancelled delivery or the conflict as the dialect answers it.
    """

    scope: Scope
    dialect: Dialect
    delivery_id: UUID
    render: Callable[[Delivery | Refusal], Reply]
    reason: str | None = None
    idempotency: Idempotency | None = None


async def cancel(platform: Platform, wanted: Cancellation) -> Answer:
    """Cancels the delivery, or repeats what was answered under the idempotency key.

    One that another platform carries is called off there first, or certainly never got there.

    Raises DeliveryNotFound, IdempotencyMismatch, or CourierUnavailable: then nothing is cancelled
    here, and it may be tried again. A refusal to cancel (CancelRefused) is an answer that the
    cancellation renders.
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
    disputed = False
    async with (
        platform.places.account(wanted.scope.account_id) as connection,
        platform.transaction(connection) as work,
    ):
        ledger: Ledger[Delivery] = await open_ledger(connection, [wanted.idempotency])
        earlier = ledger.earlier(wanted.idempotency)
        if isinstance(earlier, Refusal):
            raise earlier
        if earlier is not None:
            return earlier
        delivery = await lock_one(connection, wanted.scope, wanted.delivery_id)
        outcome: Delivery | Refusal = delivery
        progress = delivery.progress
        called_off = recalled is Recalled.CANCELLED
        if called_off and delivery.status is Status.CANCELLED:
            pass  # the follower was faster: it found the delivery cancelled there, as we wanted
        elif not _may_cancel(wanted.dialect, progress, recalled):
            outcome = CancelRefused(progress.status, progress.milestone)
        elif not called_off and (held := await hold(connection, delivery)):
            return held
        else:
            move = Move(Status.CANCELLED, Actor.MERCHANT, wanted.reason)
            entry = moved(delivery, move, wanted.dialect, platform.sandbox_step)
            await record.moves(work, platform, [entry])
            outcome = delivery = entry.delivery
        if called_off:
            disputed = not await close(connection, delivery)
        answer = ledger.answer(wanted.idempotency, outcome, wanted.render)
        await ledger.write(connection)
    if disputed:
        await count_dispute(platform, delivery.scope.account_id, delivery.company_id)
    if isinstance(answer, Refusal):
        raise answer
    return answer


def _may_cancel(dialect: Dialect, progress: Progress, recalled: Recalled | None) -> bool:
    """Whether it can be cancelled here. What was called off can be whatever the dialect says."""
    if Status.CANCELLED not in progress.allowed() or recalled is Recalled.REFUSED:
        return False
    return recalled is Recalled.CANCELLED or dialect.may_cancel(progress)
