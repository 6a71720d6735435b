"""Release a delivery that is held until its merchant confirms it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import NotHeld, Refusal
from estafette.usecases import audit
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
class Confirmation:
    """A merchant's request to confirm a delivery, with its idempotency key.

    `render` turns the confirmed delivery or the conflict into the dialect's reply.
    """

    scope: Scope
    dialect: Dialect
    delivery_id: UUID
    by: By
    render: Callable[[Delivery | Refusal], Reply]
    idempotency: Idempotency | None = None


async def confirm(platform: Platform, wanted: Confirmation) -> Answer:
    """Releases the delivery, or repeats the answer that is kept under the idempotency key.

    Raises DeliveryNotFound or IdempotencyMismatch. Where the delivery is not held, the refusal
    (NotHeld) is not raised: it is an answer, which `wanted.render` writes.
    """
    account = platform.connections.account(wanted.scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        ledger: KeptAnswers[Delivery] = await open_kept_answers(connection, [wanted.idempotency])
        earlier = ledger.earlier(wanted.idempotency)
        if isinstance(earlier, Refusal):
            raise earlier
        if earlier is not None:
            return earlier
        delivery = await lock_one(connection, wanted.scope, wanted.delivery_id)
        outcome: Delivery | Refusal = NotHeld(delivery.status)
        if delivery.is_held:
            move = Move(Status.PENDING, Actor.MERCHANT, CONFIRMED)
            entry = moved(delivery, move, wanted.dialect)
            await record.moves(work, platform, [entry])
            await audit.note(
                connection,
                wanted.by,
                audit.AuditedAct.DELIVERY_RELEASED,
                delivery.id,
                of=wanted.scope,
            )
            outcome = entry.delivery
        answer = ledger.answer(wanted.idempotency, outcome, wanted.render)
        await ledger.write(connection)
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def confirm_by_hand(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID, note: str | None = None
) -> Delivery:
    """Releases a held delivery for the operator; returns the delivery as it is then.

    Raises DeliveryNotFound or NotHeld.
    """
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        if not delivery.is_held:
            raise NotHeld(delivery.status)
        move = Move(Status.PENDING, Actor.OPERATOR, note or CONFIRMED)
        entry = moved(delivery, move, dialect)
        await record.moves(work, platform, [entry])
        await audit.note(
            connection, platform.by, audit.AuditedAct.DELIVERY_RELEASED, delivery_id, of=scope
        )
    return entry.delivery


CONFIRMED = "The delivery was confirmed"
