"""Bring a delivery to where the operator, or a courier whom the operator asked, says it is."""

from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Delivery, Status, way
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import TransitionRefused
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.deliveries.advance import Move, carry_out, lock_one, plan
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.plan import moved_by_hand


async def move_by_hand(
    platform: Platform,
    scope: Scope,
    dialect: Dialect,
    delivery_id: UUID,
    to: Status,
    note: str | None,
    pin: str | None = None,
) -> Delivery:
    """Brings a delivery to a status through whatever the table of transitions asks for between.

    It is the operator who does so; with a `pin`, a courier to whom the recipient has told it. A
    simulated courier's scenario goes on from there, a full wait later; a delivery that is stalled
    by hand stays so until it is moved by hand again.

    Raises DeliveryNotFound, TransitionRefused when no way leads there or a payment has to be
    confirmed before, HistoryFull when it has had too many events for that, PinWrong (the try is
    counted) or PinLocked.
    """
    actor = Actor.OPERATOR if pin is None else Actor.COURIER
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        if delivery.is_kept_from(to):
            raise TransitionRefused(delivery.status, delivery.progress.milestone, to)
        passed = way(delivery.progress, to) or (to,)
        moves = [Move(status, actor, note if status is to else None, pin) for status in passed]
        entries = plan(delivery, moves, dialect)
        done = await carry_out(work, platform, delivery, moves, entries)
        if done.refusal is None:
            await moved_by_hand(work, platform, done.delivery, dialect)
            await note_move(connection, platform, delivery, done.delivery)
    return done.result()


async def note_move(
    connection: Connection, platform: Platform, before: Delivery, after: Delivery
) -> None:
    """Writes down, for the audit, that a delivery was moved by hand."""
    facts = {"status": [before.status, after.status]}
    await audit.note(
        connection, platform.by, AuditedAct.DELIVERY_MOVED, after.id, facts, of=after.scope
    )
