"""Give a delivery to a driver by hand: a dispatcher's, or the operator's, decision."""

from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import (
    DeliveryTaken,
    GivenToAnother,
    NotOnBoard,
    OfferedAlready,
    ParcelOnBoard,
)
from estafette.core.fleet.taken import Taken
from estafette.usecases.fleet.give import become_assigned, must_be_carried, new_assignment
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.fleet.losses import is_told, loss, tell_taken
from estafette.usecases.fleet.note import note
from estafette.usecases.fleet.room import must_take
from estafette.usecases.platform import Platform


async def assign(
    platform: Platform,
    company_id: UUID,
    delivery_id: UUID,
    driver_id: UUID,
    *,
    instead_of: UUID | None = None,
    took_over: bool = False,
    reason: str | None = None,
) -> Assignment:
    """Gives a delivery to a driver, who need not be on shift yet; open offers of it end.

    `instead_of` is the driver from whom it is taken, as whoever decides sees it: two who decide at
    a time do not undo each other's decision. With `took_over`, the new driver has met the other
    one, and has the parcel; else nothing is taken from whoever has it on board. Who had accepted it
    is sent a message.

    Raises NotOfCompany, NotNow, DeliveryTaken, GivenToAnother, OfferedAlready, ParcelOnBoard,
    NotOnBoard, FleetFull, or what `must_take` does.
    """
    async with holding(platform, company_id, delivery_id) as held:
        before = held.accepted
        _must_be_as_seen(held, driver_id, instead_of)
        on_board = held.delivery.progress.picked_up
        if on_board and not took_over:
            raise ParcelOnBoard(delivery_id, before.driver_id if before else driver_id)
        if took_over and not on_board:
            raise NotOnBoard(delivery_id)
        must_be_carried(held)
        await must_take(held, driver_id, on_shift=False)
        await become_assigned(held, Actor.COURIER)
        moved = [
            one.moved(AssignmentState.RELEASED, held.now, Noted.GIVEN_AWAY) for one in held.open
        ]
        over = [*filter(None, moved)]
        await held.write(*over)
        why = Taken.CHANGED_HANDS if on_board else Taken.GIVEN_AWAY
        lost = [loss(one, held.delivery, why) for one in over if is_told(one, platform.by)]
        await tell_taken(held.work, lost, held.now)
        await held.leave_tour()
        given = await new_assignment(
            held,
            driver_id,
            AssignmentState.ACCEPTED,
            reason,
            picked_up_at=held.now if on_board else None,
        )
        await held.add_to_tour(given)
        facts = {"driver": [before and before.driver_id, driver_id], "took_over": took_over}
        await note(held, AuditedAct.DELIVERY_ASSIGNED, facts)
    return given


def _must_be_as_seen(held: Held, driver_id: UUID, instead_of: UUID | None) -> None:
    """Raises what says that the delivery is not with whom the decision assumes."""
    delivery_id, before = held.delivery.id, held.accepted
    if before is None and instead_of is not None:
        raise GivenToAnother(delivery_id, instead_of)
    if before is not None and before.driver_id == driver_id:
        raise OfferedAlready(delivery_id, driver_id)
    if before is not None and before.driver_id != instead_of:
        raise DeliveryTaken(delivery_id, before.driver_id)
