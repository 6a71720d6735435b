"""Move deliveries as the simulated couriers of the sandbox do."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import PIN_TRIES, Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import HeldPolicy
from estafette.core.errors import TransitionRefused
from estafette.core.sandbox.scenario import Scenario
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection
from estafette.store.sandbox import plans
from estafette.store.sandbox.plans import NextStep
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.deliveries.move_by_hand import note_move
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_one_or_apart
from estafette.usecases.sandbox import attempts, drivers
from estafette.usecases.sandbox.drivers import Planned
from estafette.usecases.sandbox.plan import next_step, script_of, upcoming

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
    made: list[_Made] = []
    held = await _policies(work.connection, platform, runs)
    for run in runs:
        policy, dialect = held.get(run.delivery.id), platform.dialects[run.dialect]
        step = _next(platform, run.delivery, run.step, dialect, policy=policy)
        if step is None:
            await plans.stop(work.connection, run.delivery.scope.account_id, run.delivery.id)
        else:
            made.append(step)
    await _write(work, platform, made)


async def _write(work: UnitOfWork, platform: Platform, made: "Sequence[_Made]") -> None:
    """Writes steps: what drivers do, the moves, and when the next steps are due."""
    entries = await drivers.act(work, platform, [one.planned for one in made])
    await record.moves(work, platform, entries)
    await plans.go_on(work.connection, [one.next for one in made])
    await _lock_pins(work.connection, made)
    for one in made:
        await attempts.write(work, platform, one.planned)


async def _policies(
    connection: Connection, platform: Platform, runs: Sequence[plans.Run]
) -> Mapping[UUID, HeldPolicy]:
    """Returns the policies of those deliveries whose next step is an attempt that fails."""
    tried = [
        run.delivery
        for run in runs
        if _is_attempt(run.delivery, run.step, platform.dialects[run.dialect])
    ]
    return await attempts.policies(connection, tried) if tried else {}


def _is_attempt(delivery: Delivery, step: int, dialect: Dialect) -> bool:
    script = script_of(delivery.scenario, dialect)
    number = upcoming(script, step, delivery.progress)
    return number is not None and script.course[number].reason is not None


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
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        step = await plans.step(connection, scope.account_id, delivery_id)
        policy = None
        if _is_attempt(delivery, step or 0, dialect):
            policy = (await attempts.policies(connection, [delivery])).get(delivery.id)
        made = _next(platform, delivery, step or 0, dialect, note, policy)
        if made is None:
            raise TransitionRefused(delivery.status, delivery.milestone, Status.DELIVERED)
        await _write(work, platform, [made])
        after = made.planned.entry.delivery
        await note_move(connection, platform, delivery, after)
    return after


class _Made(NamedTuple):
    """A step, and when the one after it is due."""

    planned: Planned
    next: NextStep


async def _lock_pins(connection: Connection, made: Sequence[_Made]) -> None:
    """Locks the PINs that were guessed at, of deliveries that need one."""
    for delivery in (one.planned.before for one in made if one.planned.step.guesses):
        if delivery.pin is not None:
            account_id = delivery.scope.account_id
            await deliveries.set_pin_failures(connection, account_id, delivery.id, PIN_TRIES)


def _next(
    platform: Platform,
    delivery: Delivery,
    step: int,
    dialect: Dialect,
    note: str | None = None,
    policy: HeldPolicy | None = None,
) -> _Made | None:
    """The step that comes next; None at the end of the script.

    The courier knows the recipient's PIN, unless others have guessed until it was locked: then the
    parcel waits for the operator.
    """
    script = script_of(delivery.scenario, dialect)
    number = upcoming(script, step, delivery.progress)
    if number is None:
        return None
    planned = script.course[number]
    if planned.to is Status.DELIVERED and delivery.pin_is_locked:
        return None
    actor = Actor.COURIER
    if planned.reason is not None:
        planned, actor = attempts.decided(delivery, policy, planned, planned.reason), Actor.DRIVER
    entry = moved(
        delivery, Move(planned.to, actor, planned.note if note is None else note), dialect
    )
    is_last = number + 1 == len(script.steps)  # what comes afterwards waits for somebody
    if is_last and planned.reason is not None and planned.to is Status.STALLED:
        number, is_last = _at_the_door(script) - 1, False  # the courier tries again
    following = next_step(platform, delivery, number + 1, script, by_itself=not is_last)
    return _Made(Planned(delivery, dialect, planned, entry), following)


def _at_the_door(script: Scenario) -> int:
    """Returns the number of the step by which a courier goes to the door the last time."""
    numbers = range(len(script.steps))
    return max(n for n in numbers if script.steps[n].to is Status.OUT_FOR_DELIVERY)
