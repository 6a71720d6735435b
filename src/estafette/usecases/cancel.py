"""Cancel a delivery on the merchant's word."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from estafette.core.account import Scope
from estafette.core.delivery import Delivery, Status
from estafette.core.dialect import Dialect
from estafette.core.errors import CancelRefused, Refusal
from estafette.core.event import Actor
from estafette.usecases import record
from estafette.usecases.advance import Move, lock_one, moved
from estafette.usecases.idempotency import Answer, Idempotency, Ledger, Reply, open_ledger
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

    Raises DeliveryNotFound or IdempotencyMismatch. A refusal to cancel (CancelRefused) is an
    answer that the cancellation renders.
    """
    enqueued = 0
    async with platform.pool.acquire() as connection, connection.transaction():
        ledger: Ledger[Delivery] = await open_ledger(connection, [wanted.idempotency])
        earlier = ledger.earlier(wanted.idempotency)
        if isinstance(earlier, Refusal):
            raise earlier
        if earlier is not None:
            return earlier
        delivery = await lock_one(connection, wanted.scope, wanted.delivery_id)
        outcome: Delivery | Refusal
        progress = delivery.progress
        if Status.CANCELLED in progress.allowed() and wanted.dialect.may_cancel(progress):
            move = Move(Status.CANCELLED, Actor.MERCHANT, wanted.reason)
            entry = moved(delivery, move, wanted.dialect, platform.sandbox_step)
            enqueued = await record.moves(connection, platform, [entry])
            outcome = entry.delivery
        else:
            outcome = CancelRefused(progress.status, progress.milestone)
        answer = ledger.answer(wanted.idempotency, outcome, wanted.render)
        await ledger.write(connection)
    if enqueued:
        platform.outbox_signal.wake()
    if isinstance(answer, Refusal):
        raise answer
    return answer
