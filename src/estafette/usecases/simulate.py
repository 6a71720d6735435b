"""Move deliveries as the simulated couriers of the sandbox do."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core import scenario
from estafette.core.account import Scope
from estafette.core.delivery import COURSE, Delivery, Status
from estafette.core.dialect import Dialect
from estafette.core.errors import TransitionRefused
from estafette.core.event import Actor
from estafette.core.scenario import Scenario
from estafette.store import journal, sandbox
from estafette.store.journal import Entry
from estafette.store.pool import Connection
from estafette.usecases.advance import Move, lock_one, moved
from estafette.usecases.platform import Platform

_AT_ONCE = 200


class Tick(NamedTuple):
    """How many deliveries moved, and when the next one is due; None when none is waiting."""

    moved: int
    next_due: datetime | None


async def tick(platform: Platform) -> Tick:
    """Makes every step that is due, up to a bound; call again at once while it moved any."""
    entries: list[Entry] = []
    async with platform.pool.acquire() as connection:
        async with connection.transaction():
            for run in await sandbox.claim_due(connection, _AT_ONCE):
                dialect = platform.dialects[run.dialect]
                entry = _next(run.delivery, run.step, dialect, platform.sandbox_step)
                if entry is None:
                    await sandbox.stop(connection, run.delivery.scope.account_id, run.delivery.id)
                else:
                    entries.append(entry)
            enqueued = await journal.move(connection, entries)
        next_due = await sandbox.next_due(connection)
    if enqueued:
        platform.outbox_signal.wake()
    return Tick(len(entries), next_due)


async def step_by_hand(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID
) -> Delivery:
    """Makes the next step of a delivery's scenario now; returns the delivery as it is then.

    Raises DeliveryNotFound, or TransitionRefused when its script is at the end.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        step = await sandbox.step(connection, scope.account_id, delivery_id)
        entry = _next(delivery, step or 0, dialect, platform.sandbox_step)
        if entry is None:
            raise TransitionRefused(delivery.status, delivery.milestone, Status.DELIVERED)
        enqueued = await journal.move(connection, [entry])
    if enqueued:
        platform.outbox_signal.wake()
    return entry.delivery


async def move_by_hand(
    platform: Platform,
    scope: Scope,
    dialect: Dialect,
    delivery_id: UUID,
    to: Status,
    note: str | None,
) -> Delivery:
    """Brings a delivery to a status through whatever the table of transitions asks for between.

    Raises DeliveryNotFound, or TransitionRefused when no way leads there.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        return await _through(connection, platform, delivery, dialect, to, note)


async def _through(
    connection: Connection,
    platform: Platform,
    delivery: Delivery,
    dialect: Dialect,
    to: Status,
    note: str | None,
) -> Delivery:
    enqueued = 0
    for status in _way(delivery, to):
        last = status is to
        move = Move(status, Actor.OPERATOR, note if last else None)
        entry = moved(delivery, move, dialect)
        enqueued += await journal.move(connection, [entry])
        delivery = entry.delivery
    if enqueued:
        platform.outbox_signal.wake()
    return delivery


def _way(delivery: Delivery, to: Status) -> list[Status]:
    """The statuses to pass on the way, the goal included."""
    progress = delivery.progress
    if to in progress.allowed():
        return [to]
    if progress.before_stall and to in COURSE:
        back = progress.moved(progress.before_stall)
        rest = _way(replace(delivery, progress=back), to) if back else [to]
        return [progress.before_stall, *rest]
    if progress.status in COURSE and to in COURSE:
        between = COURSE[COURSE.index(progress.status) + 1 : COURSE.index(to) + 1]
        if between:
            return list(between)
    if to is Status.FAILED and progress.status in COURSE and not progress.is_final:
        return [*_way(delivery, Status.IN_TRANSIT), to]
    return [to]


def _next(delivery: Delivery, step: int, dialect: Dialect, pace: timedelta) -> Entry | None:
    """The entry of the first step from `step` on that the delivery's state allows, or None."""
    script = _script(delivery, dialect)
    for number, planned in enumerate(script.steps[step:], step):
        if planned.to not in delivery.progress.allowed():
            continue  # somebody moved the delivery by hand meanwhile
        entry = moved(delivery, Move(planned.to, Actor.COURIER, planned.note), dialect)
        return entry._replace(
            delay_seconds=scenario.delay_seconds(planned.delay, pace),
            copies=script.copies,
            run_step=number + 1,
            run_due_at=_due(script, number + 1, pace, entry.event.occurred_at),
        )
    return None


def _due(script: Scenario, step: int, pace: timedelta, after: datetime) -> datetime | None:
    if not pace or step >= len(script.steps):
        return None
    return after + pace * script.steps[step].wait


def _script(delivery: Delivery, dialect: Dialect) -> Scenario:
    shown = dialect.announcements(Status.ASSIGNED, Status.PICKUP_READY)
    return scenario.script(delivery.scenario, with_pickup_ready=bool(shown))
