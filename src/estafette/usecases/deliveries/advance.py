"""Move deliveries from one status to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import EVENT_LIMIT, PIN_TRIES, Delivery, Progress, Status
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
from estafette.core.proofs.proof import Proof, ProofKind, ProofStage
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.pool import Connection
from estafette.store.proofs import table as proofs
from estafette.store.proofs.table import NewProof
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.pins import is_right, open_pin
from estafette.usecases.platform import Platform, clock
from estafette.usecases.proofs.demanded import refusal_of


@dataclass(frozen=True, slots=True)
class Move:
    """A transition that somebody asks for; `pin` is the recipient's PIN as they entered it."""

    to: Status
    actor: Actor
    note: str | None = None
    pin: str | None = None


def moved(delivery: Delivery, move: Move, dialect: Dialect) -> JournalEntry:
    """Returns the delivery after the move, with its event; writes nothing.

    Raises TransitionRefused or HistoryFull.
    """
    before = delivery.progress
    progress = before.moved(move.to)
    if progress is None:
        if move.to in before.connected():
            raise HistoryFull(before.status, move.to, EVENT_LIMIT)
        raise TransitionRefused(before.status, before.milestone, move.to)
    return entry_of(delivery, progress, move.actor, move.note, dialect)


def entry_of(
    delivery: Delivery, progress: Progress, actor: Actor, note: str | None, dialect: Dialect
) -> JournalEntry:
    """Returns the delivery as it comes to `progress`, with the event of that; writes nothing."""
    before = delivery.progress
    now = max(clock(), delivery.updated_at)  # a delivery's events never go back in time
    event = Event(
        id=new_id(),
        delivery_id=delivery.id,
        seq=progress.seq,
        status=progress.status,
        milestone=progress.milestone,
        actor=actor,
        note=bounded_note(note),
        announced=dialect.announcements(before, progress),
        occurred_at=now,
    )
    after = replace(delivery, progress=progress, updated_at=now)
    return JournalEntry(after, event, before.status)


async def lock_one(connection: Connection, scope: Scope, delivery_id: UUID) -> Delivery:
    """Locks a delivery's row for this transaction; returns it. Raises DeliveryNotFound."""
    found = await deliveries.lock(connection, [(scope, delivery_id)])
    delivery = found.get((scope, delivery_id))
    if delivery is None:  # it does not exist, or it is of the account's other mode
        raise DeliveryNotFound(delivery_id)
    return delivery


async def lock_anywhere(connection: Connection, delivery_id: UUID) -> Delivery:
    """Locks the row of a delivery of whichever account; returns it. Raises DeliveryNotFound."""
    found = await deliveries.find_anywhere(connection, delivery_id)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return await lock_one(connection, found.scope, delivery_id)


def plan(delivery: Delivery, moves: Sequence[Move], dialect: Dialect) -> list[JournalEntry]:
    """Returns the journal entries of moves made one after another; writes nothing.

    Raises TransitionRefused or HistoryFull.
    """
    entries: list[JournalEntry] = []
    for move in moves:
        latest = entries[-1].delivery if entries else delivery
        entries.append(moved(latest, move, dialect))
    return entries


class Advanced(NamedTuple):
    """The result of moves: either all were made, or none was and `refusal` says why.

    The refusal is raised after the commit, because the transaction counts a wrong PIN.
    """

    delivery: Delivery
    refusal: Refusal | None

    def result(self) -> Delivery:
        """Returns the delivery after the moves. Raises the refusal where there is one."""
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
    """Writes planned moves of a locked delivery, unless its PIN is wrong or a proof is missing.

    A wrong PIN is counted in this transaction, so the caller has to commit it.
    """
    refusals = [refusal for move in moves if (refusal := _pin_refusal(platform, delivery, move))]
    if missing := await _missing(work.connection, delivery, moves):
        return Advanced(delivery, missing)
    if refusals:
        if isinstance(refusals[0], PinWrong):
            failures = delivery.pin_failures + 1
            account_id = delivery.scope.account_id
            await deliveries.set_pin_failures(work.connection, account_id, delivery.id, failures)
        return Advanced(delivery, refusals[0])
    for entry in entries:
        await record.moves(work, platform, [entry])
        delivery = entry.delivery
    if delivery.pin is not None and any(_tells_pin(move) for move in moves):
        await proofs.insert(work.connection, [_pin_proof(delivery)])
    return Advanced(delivery, None)


async def _missing(
    connection: Connection, delivery: Delivery, moves: Sequence[Move]
) -> Refusal | None:
    """Returns which proofs a driver has still to take; the other actors need none."""
    for move in moves:
        if move.actor is Actor.DRIVER:
            refusal = await refusal_of(connection, delivery, move.to)
            if refusal is not None:
                return refusal
    return None


def _tells_pin(move: Move) -> bool:
    return move.to is Status.DELIVERED and move.pin is not None and move.actor is not Actor.OPERATOR


def _pin_proof(delivery: Delivery) -> NewProof:
    """Returns the proof that the recipient has told the right PIN, which stands nowhere in it."""
    at = delivery.updated_at
    proof = Proof(new_id(), delivery.id, ProofKind.PIN, ProofStage.DROPOFF, at, at)
    return NewProof(delivery.scope, proof, b"")


def _pin_refusal(platform: Platform, delivery: Delivery, move: Move) -> Refusal | None:
    """Returns why a delivery cannot be handed over with the PIN of a move, or None if it can."""
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
    """Sets the count of wrong PINs to zero, for the operator: the PIN can be tried again.

    Returns the delivery as it is then. Raises DeliveryNotFound.
    """
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
    """Returns the recipient's PIN in clear text, or None where there is none; audits who saw it.

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
