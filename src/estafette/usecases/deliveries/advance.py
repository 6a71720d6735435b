"""Move deliveries from one status to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import EVENT_LIMIT, PIN_TRIES, Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor, Event, bounded_note
from estafette.core.errors import (
    DeliveryNotFound,
    HistoryFull,
    PinLocked,
    PinRequired,
    PinWrong,
    Refusal,
    TransitionRefused,
)
from estafette.core.ids import new_id
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.pins import is_right, open_pin
from estafette.usecases.platform import Platform, clock


@dataclass(frozen=True, slots=True)
class Move:
    """A transition somebody asks for; `pin` is what the recipient told the one who asks."""

    to: Status
    actor: Actor
    note: str | None = None
    pin: str | None = None


def moved(delivery: Delivery, move: Move, dialect: Dialect) -> JournalEntry:
    """The delivery after the move, with its event. Raises TransitionRefused or HistoryFull."""
    before = delivery.progress
    progress = before.moved(move.to)
    if progress is None:
        if move.to in before.connected():
            raise HistoryFull(before.status, move.to, EVENT_LIMIT)
        raise TransitionRefused(before.status, before.milestone, move.to)
    now = max(clock(), delivery.updated_at)  # time never runs backwards within a delivery
    event = Event(
        id=new_id(),
        delivery_id=delivery.id,
        seq=progress.seq,
        status=progress.status,
        milestone=progress.milestone,
        actor=move.actor,
        note=bounded_note(move.note),
        announced=dialect.announcements(before, progress),
        occurred_at=now,
    )
    after = replace(delivery, progress=progress, updated_at=now)
    return JournalEntry(after, event, before.status)


async def lock_one(connection: Connection, scope: Scope, delivery_id: UUID) -> Delivery:
    """The delivery, its row locked for this transaction. Raises DeliveryNotFound."""
    found = await deliveries.lock(connection, [(scope, delivery_id)])
    delivery = found.get((scope, delivery_id))
    if delivery is None:  # there is none, or it is of the account's other mode
        raise DeliveryNotFound(delivery_id)
    return delivery


def plan(delivery: Delivery, moves: Sequence[Move], dialect: Dialect) -> list[JournalEntry]:
    """The entries of moves that follow one another. Raises TransitionRefused or HistoryFull."""
    entries: list[JournalEntry] = []
    for move in moves:
        latest = entries[-1].delivery if entries else delivery
        entries.append(moved(latest, move, dialect))
    return entries


class Advanced(NamedTuple):
    """What has come of moves: all, or none and a `refusal` to be raised after the commit."""

    delivery: Delivery
    refusal: Refusal | None

    def result(self) -> Delivery:
        """The delivery after the moves. Raises what refused them."""
        if self.refusal is not None:
            raise self.refusal
        return self.delivery


async def carry_out(
    work: UnitOfWork,
    platform: Platform,
    delivery: Delivery,
    moves: Sequence[Move],
    entries: Sequence[JournalEntry],
) -> Advanced:
    """Writes planned moves of a locked delivery, unless the recipient's PIN is missing or wrong.

    A wrong one is counted, which the transaction has to keep.
    """
    refusals = [refusal for move in moves if (refusal := _pin_refusal(platform, delivery, move))]
    if refusals:
        if isinstance(refusals[0], PinWrong):
            failures = delivery.pin_failures + 1
            account_id = delivery.scope.account_id
            await deliveries.set_pin_failures(work.connection, account_id, delivery.id, failures)
        return Advanced(delivery, refusals[0])
    for entry in entries:
        await record.moves(work, platform, [entry])
        delivery = entry.delivery
    return Advanced(delivery, None)


async def advance(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID, moves: Sequence[Move]
) -> Delivery:
    """Makes the moves one after another, all or none; returns the delivery as it is then.

    Where the recipient's PIN is needed, only the operator marks a delivery delivered without it.

    Raises DeliveryNotFound, TransitionRefused, HistoryFull, PinRequired, PinWrong (the try is
    counted) or PinLocked.
    """
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        entries = plan(delivery, moves, dialect)
        done = await carry_out(work, platform, delivery, moves, entries)
    return done.result()


def _pin_refusal(platform: Platform, delivery: Delivery, move: Move) -> Refusal | None:
    """Why a delivery cannot be handed over with the PIN of a move, or None."""
    if delivery.pin is None or move.to is not Status.DELIVERED or move.actor is Actor.OPERATOR:
        return None
    if delivery.pin_is_locked:
        return PinLocked(delivery.id)
    if move.pin is None:
        return PinRequired(delivery.id)
    if is_right(platform.cipher, delivery, move.pin):
        return None
    return PinWrong(delivery.id, PIN_TRIES - delivery.pin_failures - 1)


async def unlock_pin(platform: Platform, scope: Scope, delivery_id: UUID) -> Delivery:
    """Lets the recipient's PIN be tried anew; the operator's way out. Raises DeliveryNotFound."""
    account = platform.connections.account(scope.account_id)
    async with account as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        await deliveries.set_pin_failures(connection, scope.account_id, delivery_id, 0)
        facts = {"failures": [delivery.pin_failures, 0]}
        await audit.note(
            connection, platform.by, AuditedAct.DELIVERY_PIN_UNLOCKED, delivery_id, facts, of=scope
        )
    return replace(delivery, pin_failures=0)


async def reveal_pin(platform: Platform, scope: Scope, delivery_id: UUID) -> str | None:
    """The recipient's PIN in clear text, None where there is none; the audit tells who saw it.

    Raises DeliveryNotFound or WrongSecretKeyError.
    """
    account = platform.connections.account(scope.account_id)
    async with account as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        pin = open_pin(platform.cipher, delivery)
        if pin is not None:
            act = AuditedAct.DELIVERY_PIN_REVEALED
            await audit.note(connection, platform.by, act, delivery_id, of=scope)
    return pin
