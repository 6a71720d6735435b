"""What follows the attempts to deliver that fail in the sandbox: the policy that holds says it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import (
    ENDS_ATTEMPTS,
    LEFT,
    AfterAttempts,
    AttemptReason,
    FailedAttempt,
    HeldPolicy,
    in_english,
)
from estafette.core.sandbox.scenario import ScenarioStep
from estafette.store.couriers import companies
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection, now
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries.failing import policies_of
from estafette.usecases.fleet.bring_back import returned
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.drivers import Planned


async def policies(connection: Connection, of: Sequence[Delivery]) -> Mapping[UUID, HeldPolicy]:
    """Returns the policies that hold for deliveries of the sandbox, by delivery."""
    held: dict[UUID, HeldPolicy] = {}
    for delivery in of:
        company = None
        if delivery.company_id is not None:
            company = await companies.find(connection, delivery.company_id)
        held |= await policies_of(connection, [delivery], company)
    return held


def decided(
    of: Delivery, held: HeldPolicy | None, planned: ScenarioStep, reason: AttemptReason
) -> ScenarioStep:
    """Returns the step that an attempt becomes; without a policy it is as the scenario has it."""
    if held is None:
        return planned
    if held.may_leave(len(of.attempts)) and reason not in ENDS_ATTEMPTS:
        return replace(planned, to=Status.DELIVERED, note=LEFT, returns=False)
    attempts = (*of.attempts, FailedAttempt(of.progress.seq + 1, reason, of.updated_at))
    follows = held.follows(attempts)
    if follows is None:
        return replace(planned, to=Status.STALLED, note=in_english(reason), returns=False)
    times = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
    is_back = follows is AfterAttempts.RETURN
    what = "returned" if is_back else "discarded"
    return replace(planned, to=Status.FAILED, note=f"{times}: {what}", returns=is_back)


async def write(work: UnitOfWork, platform: Platform, made: Planned) -> None:
    """Writes down what became of an attempt, after its move; makes the return that is due."""
    reason = made.step.reason
    if reason is None:
        return
    moved = made.entry.delivery
    of = await deliveries.find(work.connection, moved.scope, moved.id)
    if of is None:
        return
    if made.step.to is Status.DELIVERED:
        await deliveries.set_terms(work.connection, replace(of, left_at_door=True))
        return
    attempt = FailedAttempt(of.progress.seq, reason, of.updated_at)
    of = replace(of, attempts=(*of.attempts, attempt))
    await deliveries.set_terms(work.connection, of)
    if made.step.returns and of.return_id is None:
        await returned(work, platform, of, made.dialect, await now(work.connection))
