"""Simulated couriers hear of what is recorded, in its transaction: their plans follow from it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Connector
from estafette.core.deliveries.delivery import Delivery, Progress, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.quotes.quote import Quote
from estafette.core.sandbox import scenario
from estafette.core.sandbox.scenario import Scenario, ScenarioStep
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.sandbox import plans
from estafette.store.sandbox.plans import NextStep
from estafette.store.webhooks.messages import AS_IT_IS, Sending
from estafette.store.work import UnitOfWork
from estafette.usecases.platform import Platform


def first_steps(
    platform: Platform, entries: Sequence[JournalEntry], quotes: Mapping[UUID, Quote]
) -> list[NextStep]:
    """The plans of those of new deliveries that simulated couriers carry.

    They are written by the statement that writes the deliveries. What awaits its payment has a
    plan that does not begin by itself.
    """
    new: list[NextStep] = []
    for delivery in (entry.delivery for entry in entries):
        if not _is_simulated(delivery, quotes.get(delivery.id)):
            continue
        is_awaited = delivery.status is Status.AWAITING_PAYMENT
        new.append(next_step(platform, delivery, 0, by_itself=not is_awaited))
    return new


def _is_simulated(delivery: Delivery, quote: Quote | None) -> bool:
    if quote is None or quote.connector is None:
        return delivery.scope.mode is Mode.SANDBOX
    return quote.connector is Connector.SANDBOX


def sendings_of_new(
    platform: Platform, entries: Sequence[JournalEntry], quotes: Mapping[UUID, Quote]
) -> list[Sending]:
    """How the webhooks of creations are sent: simulated ones as faultily as the scenario says."""
    return [
        _sending(platform, entry)
        if _is_simulated(entry.delivery, quotes.get(entry.delivery.id))
        else AS_IT_IS
        for entry in entries
    ]


def sendings(platform: Platform, entries: Sequence[JournalEntry]) -> list[Sending]:
    """How the webhooks of moves are sent: in the sandbox as faultily as the scenario says."""
    return [
        AS_IT_IS if entry.delivery.scope.mode is Mode.LIVE else _sending(platform, entry)
        for entry in entries
    ]


def _sending(platform: Platform, entry: JournalEntry) -> Sending:
    script = scenario.script(entry.delivery.scenario, with_pickup_ready=True)
    delay = scenario.delay_seconds(script.delay_of(entry.event.status), platform.sandbox_step)
    return Sending(delay, script.copies)


async def moved(work: UnitOfWork, platform: Platform, entries: Sequence[JournalEntry]) -> None:
    """Begins the plans of deliveries that awaited something until now, where they have one.

    Plans that had ended with what nobody took go on, once somebody has decided about it.
    """
    pending = [entry for entry in entries if entry.delivery.status is Status.PENDING]
    released = [
        next_step(platform, entry.delivery, 0)
        for entry in pending
        if entry.before is Status.AWAITING_PAYMENT
    ]
    await plans.go_on(work.connection, released)
    let_go = [entry.delivery for entry in pending if entry.before is Status.STALLED]
    if platform.sandbox_step and let_go:
        await plans.resume(work.connection, let_go, platform.sandbox_step)


def next_step(
    platform: Platform,
    delivery: Delivery,
    number: int,
    script: Scenario | None = None,
    *,
    by_itself: bool = True,
) -> NextStep:
    """The plan to make a delivery's step of that number, a full wait from now."""
    script = script or scenario.script(delivery.scenario, with_pickup_ready=True)
    due = scenario.due_in_seconds(script, number, platform.sandbox_step) if by_itself else None
    return NextStep(delivery.scope.account_id, delivery.id, number, due)


async def moved_by_hand(
    work: UnitOfWork, platform: Platform, delivery: Delivery, dialect: Dialect
) -> None:
    """Lets a scenario go on from where somebody has brought its delivery, a full wait later.

    One that is stalled by hand stays so until it is moved by hand again.
    """
    step = await plans.step(work.connection, delivery.scope.account_id, delivery.id)
    if step is None:
        return
    script = script_of(delivery.scenario, dialect)
    number = upcoming(script, step, delivery.progress)
    is_held = number is None or delivery.status is Status.STALLED
    at = step if number is None else number
    planned = next_step(platform, delivery, at, script, by_itself=not is_held)
    await plans.go_on(work.connection, [planned])


def upcoming(script: Scenario, step: int, progress: Progress) -> int | None:
    """The number of the first step from `step` on that may follow.

    Somebody may have moved the delivery by hand, onwards or back: when none of the steps left may
    follow, the earlier ones are tried.
    """
    course = script.course
    numbers = [*range(step, len(course)), *range(min(step, len(course)))]
    return next((n for n in numbers if course[n].to in progress.allowed()), None)


def planned_of(
    platform: Platform, delivery: Delivery, dialect_name: str, step: int
) -> ScenarioStep | None:
    """Returns what comes next by a delivery's plan; None at its end, or in an unknown dialect."""
    dialect = platform.dialects.get(dialect_name)
    if dialect is None:
        return None
    script = script_of(delivery.scenario, dialect)
    number = upcoming(script, step, delivery.progress)
    return None if number is None else script.course[number]


def is_silent(platform: Platform, delivery: Delivery, dialect_name: str, step: int | None) -> bool:
    """Returns whether nothing is heard of the driver of a delivery, because its plan says so."""
    planned = None if step is None else planned_of(platform, delivery, dialect_name, step)
    return planned is not None and planned.vanished


def script_of(name: str | None, dialect: Dialect) -> Scenario:
    """The scenario of that name (None: the default one) as an account of that dialect sees it."""
    assigned = Progress(Status.ASSIGNED, Status.ASSIGNED)
    ready = Progress(Status.PICKUP_READY, Status.PICKUP_READY)
    shown = dialect.announcements(assigned, ready)
    return scenario.script(name, with_pickup_ready=bool(shown))
