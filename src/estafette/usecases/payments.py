"""Payments that somebody must confirm: the bank transfers of merchants."""

from uuid import UUID

from estafette.core import scenario
from estafette.core.account import Mode, Scope
from estafette.core.delivery import Delivery, Status
from estafette.core.dialect import Dialect
from estafette.core.errors import PaymentNotAwaited
from estafette.core.event import Actor
from estafette.store import ledger
from estafette.usecases import record
from estafette.usecases.advance import Move, lock_one, moved
from estafette.usecases.platform import Platform


async def confirm_payment(
    platform: Platform,
    scope: Scope,
    dialect: Dialect,
    delivery_id: UUID,
    note: str | None = None,
) -> Delivery:
    """Lets a delivery whose bank transfer has arrived go on; returns it as it is then.

    Raises DeliveryNotFound, or PaymentNotAwaited when it is paid already or expired.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        if delivery.status is not Status.AWAITING_PAYMENT:
            raise PaymentNotAwaited(delivery.status)
        move = Move(Status.PENDING, Actor.OPERATOR, note or "The bank transfer has arrived")
        entry = moved(delivery, move, dialect, platform.sandbox_step)
        script = scenario.script(delivery.scenario, with_pickup_ready=True)
        due = scenario.due_in_seconds(script, 0, platform.sandbox_step)
        entry = entry._replace(run_step=0, run_in_seconds=due)  # where it is simulated
        enqueued = await record.moves(connection, platform, [entry])
    if enqueued:
        platform.outbox_signal.wake()
    if delivery.remote:
        platform.dispatch_signal.wake()
    return entry.delivery


async def awaited_payments(
    platform: Platform, mode: Mode, account_id: UUID | None = None, *, limit: int = 1_000
) -> list[Delivery]:
    """The deliveries whose bank transfer is awaited, of one account or of all, oldest first."""
    async with platform.pool.acquire() as connection:
        return await ledger.awaiting(connection, mode, account_id, limit)


async def find_by_reference(platform: Platform, scope: Scope, reference: str) -> Delivery | None:
    """The delivery whose reference is written on a transfer."""
    async with platform.pool.acquire() as connection:
        return await ledger.find_by_reference(connection, scope, reference.strip().upper())
