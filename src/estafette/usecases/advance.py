"""Move deliveries from one status to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from estafette.core import scenario
from estafette.core.account import Mode, Scope
from estafette.core.delivery import Delivery, Status
from estafette.core.dialect import Dialect
from estafette.core.errors import DeliveryNotFound, TransitionRefused
from estafette.core.event import Actor, Event
from estafette.core.ids import new_id
from estafette.store import deliveries, journal
from estafette.store.journal import Entry
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform, clock


@dataclass(frozen=True, slots=True)
class Move:
    """A transition somebody asks for."""

    to: Status
    actor: Actor
    note: str | None = None


def moved(delivery: Delivery, move: Move, dialect: Dialect, pace: timedelta) -> Entry:
    """The delivery after the move, with its event. Raises TransitionRefused.

    In the sandbox, where a step lasts `pace`, it is told as faultily as its scenario wants.
    """
    before = delivery.progress
    progress = before.moved(move.to)
    if progress is None:
        raise TransitionRefused(before.status, before.milestone, move.to)
    now = max(clock(), delivery.updated_at)  # time never runs backwards within a delivery
    event = Event(
        id=new_id(),
        delivery_id=delivery.id,
        seq=progress.seq,
        status=progress.status,
        milestone=progress.milestone,
        actor=move.actor,
        note=move.note,
        announced=_announced(before.milestone, progress.milestone, dialect),
        occurred_at=now,
    )
    entry = Entry(replace(delivery, progress=progress, updated_at=now), event)
    if delivery.scope.mode is Mode.LIVE:
        return entry
    script = scenario.script(delivery.scenario, with_pickup_ready=True)
    delay_seconds = scenario.delay_seconds(script.delay_of(move.to), pace)
    return entry._replace(delay_seconds=delay_seconds, copies=script.copies)


def _announced(before: Status, after: Status, dialect: Dialect) -> tuple[str, ...]:
    return () if before == after else dialect.announcements(before, after)


async def lock_one(connection: Connection, scope: Scope, delivery_id: UUID) -> Delivery:
    """The delivery, its row locked for this transaction. Raises DeliveryNotFound."""
    found = await deliveries.lock(connection, [(scope, delivery_id)])
    delivery = found.get((scope, delivery_id))
    if delivery is None:  # there is none, or it is of the account's other mode
        raise DeliveryNotFound(delivery_id)
    return delivery


async def advance(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID, moves: Sequence[Move]
) -> Delivery:
    """Makes the moves one after another, all or none; returns the delivery as it is then.

    Raises DeliveryNotFound or TransitionRefused.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        enqueued = 0
        for move in moves:
            entry = moved(delivery, move, dialect, platform.sandbox_step)
            enqueued += await journal.move(connection, [entry])
            delivery = entry.delivery
    if enqueued:
        platform.outbox_signal.wake()
    return delivery
