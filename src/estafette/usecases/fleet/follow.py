"""Have assignments follow their deliveries, whoever moves these: a driver, time, the operator."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Event
from estafette.core.fleet.assignment import (
    ENDING,
    ON_BOARD,
    Assignment,
    AssignmentState,
    state_after,
)
from estafette.core.fleet.taken import Taken, why_taken
from estafette.core.fleet.tour import StopKind
from estafette.store import signals
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.fleet import assignments, tours
from estafette.store.fleet.assignments import Came
from estafette.store.work import UnitOfWork
from estafette.usecases.fleet.losses import Loss, is_told, loss, tell_taken

_FOLLOWED = ENDING | ON_BOARD


class Reached(NamedTuple):
    """A delivery that has moved, what becomes of its assignments, and why drivers lose them.

    `why` None: the driver has done it, or is told in another way.
    """

    delivery: Delivery
    came: Came
    why: Taken | None


async def follow(work: UnitOfWork, entries: Sequence[JournalEntry], by: By) -> None:
    """Brings assignments and tours to where their deliveries are now, in the transaction of that.

    A delivery that ends, or is pending again, is no driver's any more; one that is under way has
    been picked up. A driver who has lost one that somebody else has moved, not `by` themselves, is
    sent a message. The caller has locked the deliveries' rows.
    """
    reached = [one for entry in entries if (one := came(entry.delivery, entry.event))]
    await bring(work, reached, by)


async def bring(work: UnitOfWork, reached: Sequence[Reached], by: By) -> None:
    """Does it for what has become of deliveries, as `came` tells, whose rows are locked."""
    if not reached:
        return
    followed = await assignments.follow(work.connection, [one.came for one in reached])
    if not followed:
        return
    work.signal(signals.FLEET)
    had = {(one.company_id, one.scope.account_id, one.delivery_id) for one in followed}
    left: dict[tuple[UUID, bool], list[tuple[UUID, UUID]]] = defaultdict(list)
    for _, one, _ in reached:
        if one[:3] in had:
            left[one.company_id, one.on_board].append((one.account_id, one.delivery_id))
    for (company_id, on_board), deliveries in left.items():
        kinds = [StopKind.PICKUP] if on_board else list(StopKind)
        await tours.leave(work.connection, company_id, deliveries, kinds)
    await _tell(work, reached, followed, by)


async def _tell(
    work: UnitOfWork, reached: Sequence[Reached], followed: Sequence[Assignment], by: By
) -> None:
    """Tells drivers what others have taken from them of what they had accepted."""
    of = {(one.delivery.scope.account_id, one.delivery.id): one for one in reached if one.why}
    losses: list[Loss] = []
    for one in followed:
        lost = of.get((one.scope.account_id, one.delivery_id))
        if lost and lost.why and is_told(one, by):
            losses.append(loss(one, lost.delivery, lost.why))
    if losses:
        at = max(lost.came.at for lost in of.values())
        await tell_taken(work, losses, at)


def came(delivery: Delivery, event: Event) -> Reached | None:
    """Returns what becomes of a delivery's assignments by its last event; None: nothing."""
    status, company_id = delivery.status, delivery.company_id
    if company_id is None or delivery.remote or status not in _FOLLOWED:
        return None
    then = Came(
        company_id,
        delivery.scope.account_id,
        delivery.id,
        event.occurred_at,
        state_after(status, was=AssignmentState.OFFERED),
        state_after(status, was=AssignmentState.ACCEPTED),
        status in ON_BOARD,
        event.note or f"the delivery is {status}",
    )
    return Reached(delivery, then, why_taken(status, event.actor, event.note))
