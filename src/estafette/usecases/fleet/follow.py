"""Have assignments follow their deliveries, whoever moves these: a driver, time, the operator."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Event
from estafette.core.fleet.assignment import ENDING, ON_BOARD, AssignmentState, state_after
from estafette.core.fleet.tour import StopKind
from estafette.store import signals
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.fleet import assignments, tours
from estafette.store.fleet.assignments import Came
from estafette.store.work import UnitOfWork

_FOLLOWED = ENDING | ON_BOARD


async def follow(work: UnitOfWork, entries: Sequence[JournalEntry]) -> None:
    """Brings assignments and tours to where their deliveries are now, in the transaction of that.

    A delivery that ends, or is pending again, is no driver's any more; one that is under way has
    been picked up. The caller has locked the deliveries' rows.
    """
    await bring(work, [one for entry in entries if (one := came(entry.delivery, entry.event))])


async def bring(work: UnitOfWork, reached: Sequence[Came]) -> None:
    """Does it for what has become of deliveries, as `came` tells, whose rows are locked."""
    if not reached or not (followed := await assignments.follow(work.connection, reached)):
        return
    work.signal(signals.FLEET)
    left: dict[tuple[UUID, bool], list[tuple[UUID, UUID]]] = defaultdict(list)
    for one in reached:
        if one[:3] in followed:
            left[one.company_id, one.on_board].append((one.account_id, one.delivery_id))
    for (company_id, on_board), deliveries in left.items():
        kinds = [StopKind.PICKUP] if on_board else list(StopKind)
        await tours.leave(work.connection, company_id, deliveries, kinds)


def came(delivery: Delivery, event: Event) -> Came | None:
    """Returns what becomes of a delivery's assignments by its last event; None: nothing."""
    status, company_id = delivery.status, delivery.company_id
    if company_id is None or delivery.remote or status not in _FOLLOWED:
        return None
    return Came(
        company_id,
        delivery.scope.account_id,
        delivery.id,
        event.occurred_at,
        state_after(status, was=AssignmentState.OFFERED),
        state_after(status, was=AssignmentState.ACCEPTED),
        status in ON_BOARD,
        event.note or f"the delivery is {status}",
    )
