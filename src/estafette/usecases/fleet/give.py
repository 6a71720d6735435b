"""Write a new assignment, and what a delivery becomes when a driver has it."""

from datetime import datetime
from uuid import UUID

from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import (
    LONGEST_REASON,
    MOST_ASSIGNMENTS,
    Assignment,
    AssignmentState,
    Step,
    moves_for,
)
from estafette.core.fleet.refusals import FleetFull, NotNow
from estafette.core.ids import new_id
from estafette.store import signals
from estafette.store.fleet import assignments
from estafette.usecases.fleet.hold import Held


async def new_assignment(
    held: Held,
    driver_id: UUID,
    state: AssignmentState,
    reason: str | None,
    *,
    answer_by: datetime | None = None,
    picked_up_at: datetime | None = None,
) -> Assignment:
    """Writes a further assignment of the held delivery.

    `picked_up_at`: the driver has the parcel already. Raises NotNow, or FleetFull where the
    delivery has had as many as it may.
    """
    must_be_carried(held)
    delivery, is_given = held.delivery, state is AssignmentState.ACCEPTED
    of = (held.company_id, delivery.scope.account_id, delivery.id)
    number = 1 + await assignments.last_number(held.work.connection, *of)
    if number > MOST_ASSIGNMENTS:
        raise FleetFull("assignments of this delivery", MOST_ASSIGNMENTS)
    assignment = Assignment(
        company_id=held.company_id,
        id=new_id(),
        scope=delivery.scope,
        delivery_id=delivery.id,
        number=number,
        driver_id=driver_id,
        state=state,
        grams=delivery.parcel.weight_grams,
        by=held.platform.by,
        created_at=held.now,
        reason=None if reason is None else reason[:LONGEST_REASON],
        answer_by=answer_by,
        accepted_at=held.now if is_given else None,
        picked_up_at=picked_up_at,
    )
    await assignments.insert(held.work.connection, assignment)
    held.work.signal(signals.FLEET)
    return assignment


def must_be_carried(held: Held) -> None:
    """Raises NotNow where the delivery is over, or still awaits its payment."""
    progress = held.delivery.progress
    if progress.is_final or moves_for(Step.ACCEPTED, progress) is None:
        raise NotNow(held.delivery.id, held.delivery.status)


async def become_assigned(held: Held, actor: Actor, note: str | None = None) -> None:
    """Moves the held delivery to where a driver's acceptance brings it. Raises NotNow."""
    passed = moves_for(Step.ACCEPTED, held.delivery.progress)
    if passed is None:
        raise NotNow(held.delivery.id, held.delivery.status)
    await held.move(passed, actor, note)
