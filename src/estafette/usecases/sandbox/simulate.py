"""Move deliveries as the simulated couriers of the sandbox do."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import Act
from estafette.core.deliveries.delivery import Delivery, Progress, Status, way
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import TransitionRefused
from estafette.core.sandbox import scenario
from estafette.core.sandbox.scenario import Scenario
from estafette.store.deliveries.journal import Entry
from estafette.store.pool import Connection
from estafette.store.sandbox import plans
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, carry_out, lock_one, moved, plan
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_one_or_apart

_AT_ONCE = 200


class Tick(NamedTuple):
    """How many deliveries were looked after, and in how many seconds the next one is due.

    `due_in_seconds` is None when none is waiting, and not above zero when one was due that
    another process is busy with.
    """

    done: int
    due_in_seconds: float | None


async def tick(platform: Platform) -> Tick:
    """Makes every step that is due, up to a bound; call again at once while it did any.

    Where nothing is due it costs one look into an index.
    """
    async with platform.pool.acquire() as connection:
        due_in_seconds = await plans.QUEUE.due_in_seconds(connection)
        if due_in_seconds is None or due_in_seconds > 0:
            return Tick(0, due_in_seconds)

        async def claim() -> Sequence[plans.Run]:
            return await plans.claim_due(connection, list(platform.dialects), _AT_ONCE)

        async def make_steps(work: UnitOfWork, runs: Sequence[plans.Run]) -> None:
            await _make_steps(work, platform, runs)

        async def put_off(run: plans.Run) -> None:
            delivery = run.delivery
            await plans.QUEUE.put_off(connection, delivery.scope.account_id, delivery.id)

        begin = partial(platform.transaction, connection)
        done = await in_one_or_apart(begin, "sandbox couriers", claim, make_steps, put_off)
    return Tick(done, due_in_seconds)


async def _make_steps(work: UnitOfWork, platform: Platform, runs: Sequence[plans.Run]) -> None:
    """Makes the next step of each run, and stops those at their end."""
    entries: list[Entry] = []
    for run in runs:
        dialect = platform.dialects[run.dialect]
        entry = _next(run.delivery, run.step, dialect, platform.sandbox_step)
        if entry is None:
            await plans.stop(work.connection, run.delivery.scope.account_id, run.delivery.id)
        else:
            entries.append(entry)
    await record.moves(work, platform, entries)


async def step_by_hand(
    platform: Platform,
    scope: Scope,
    dialect: Dialect,
    delivery_id: UUID,
    note: str | None = None,
) -> Delivery:
    """Makes the next step of a delivery's scenario now; returns the delivery as it is then.

    `note` takes the place of the courier's own. Raises DeliveryNotFound, or TransitionRefused when
    the script has no step that may follow.
    """
    account = platform.places.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        step = await plans.step(connection, scope.account_id, delivery_id)
        entry = _next(delivery, step or 0, dialect, platform.sandbox_step, note)
        if entry is None:
            raise TransitionRefused(delivery.status, delivery.milestone, Status.DELIVERED)
        await record.moves(work, platform, [entry])
        await _note(connection, platform, delivery, entry.delivery)
    return entry.delivery


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

    It is the operator who does so; with a `pin`, a courier to whom the recipient has told it. Its
    scenario goes on from there, a full wait later. A delivery that is stalled by hand stays so
    until it is moved by hand again.

    Raises DeliveryNotFound, TransitionRefused when no way leads there, HistoryFull when it has had
    too many events for that, PinWrong (the try is counted) or PinLocked.
    """
    actor = Actor.OPERATOR if pin is None else Actor.COURIER
    account = platform.places.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        step = await plans.step(connection, scope.account_id, delivery_id) or 0
        script = script_of(delivery.scenario, dialect)
        passed = way(delivery.progress, to) or (to,)
        moves = [Move(status, actor, note if status is to else None, pin) for status in passed]
        entries = plan(delivery, moves, dialect, platform.sandbox_step)
        entries[-1] = _replanned(entries[-1], script, step, platform.sandbox_step)
        done = await carry_out(work, platform, delivery, moves, entries)
        if done.refusal is None:
            await _note(connection, platform, delivery, done.delivery)
    return done.result()


async def _note(
    connection: Connection, platform: Platform, before: Delivery, after: Delivery
) -> None:
    facts = {"status": [before.status, after.status]}
    await audit.note(connection, platform.by, Act.DELIVERY_MOVED, after.id, facts, of=after.scope)


def _replanned(entry: Entry, script: Scenario, step: int, pace: timedelta) -> Entry:
    """The entry of a move by hand, with the next step that then makes sense at its full wait."""
    number = _upcoming(script, step, entry.delivery.progress)
    if number is None:
        return entry._replace(run_step=step)
    held = entry.delivery.status is Status.STALLED
    due = None if held else scenario.due_in_seconds(script, number, pace)
    return entry._replace(run_step=number, run_in_seconds=due)


def _next(
    delivery: Delivery, step: int, dialect: Dialect, pace: timedelta, note: str | None = None
) -> Entry | None:
    """The entry of the step that comes next; None at the end of the script.

    The courier knows the recipient's PIN, unless others have guessed until it was locked: then the
    parcel waits for the operator.
    """
    script = script_of(delivery.scenario, dialect)
    number = _upcoming(script, step, delivery.progress)
    if number is None:
        return None
    planned = script.steps[number]
    if planned.to is Status.DELIVERED and delivery.pin_is_locked:
        return None
    move = Move(planned.to, Actor.COURIER, planned.note if note is None else note)
    entry = moved(delivery, move, dialect, pace)
    return entry._replace(
        delay_seconds=scenario.delay_seconds(planned.delay, pace),
        run_step=number + 1,
        run_in_seconds=scenario.due_in_seconds(script, number + 1, pace),
    )


def _upcoming(script: Scenario, step: int, progress: Progress) -> int | None:
    """The number of the first step from `step` on that may follow.

    Somebody may have moved the delivery by hand, onwards or back: when none of the steps left may
    follow, the earlier ones are tried.
    """
    numbers = [*range(step, len(script.steps)), *range(min(step, len(script.steps)))]
    return next((n for n in numbers if script.steps[n].to in progress.allowed()), None)


def script_of(name: str | None, dialect: Dialect) -> Scenario:
    """The scenario of that name (None: the default one) as an account of that dialect sees it."""
    assigned = Progress(Status.ASSIGNED, Status.ASSIGNED)
    ready = Progress(Status.PICKUP_READY, Status.PICKUP_READY)
    shown = dialect.announcements(assigned, ready)
    return scenario.script(name, with_pickup_ready=bool(shown))
