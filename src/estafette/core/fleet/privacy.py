"""What a driver may see of a delivery, from the offer to some time after its end."""

from dataclasses import replace
from datetime import datetime, timedelta

from estafette.core.deliveries.delivery import Delivery, Stop
from estafette.core.fleet.assignment import Assignment, AssignmentState

CONTACTS_KEPT = timedelta(hours=2)
"""How long after the end a driver still sees whom to call: a forgotten bag, a wrong floor."""


def sees_contacts(assignment: Assignment, now: datetime) -> bool:
    """Returns whether the driver sees names, phones and notes: from acceptance to the end.

    And some time after it, where the driver had accepted it.
    """
    if assignment.state is AssignmentState.ACCEPTED:
        return True
    ended = assignment.ended_at
    return assignment.accepted_at is not None and ended is not None and now < ended + CONTACTS_KEPT


def as_seen(delivery: Delivery, assignment: Assignment, now: datetime) -> Delivery:
    """Returns the delivery as the driver of an assignment sees it.

    Of an offer the places and the parcel's weight, for without them nobody can decide; names,
    phones, notes and what is in the parcel from acceptance on. After the end and its time only the
    cities are left. The PIN is never shown.
    """
    seen = replace(delivery, pin=None, metadata=None)
    if sees_contacts(assignment, now):
        return seen
    is_offer = assignment.state is AssignmentState.OFFERED
    hide = _place if is_offer else _city
    parcel = replace(delivery.parcel, description=None, declared_value=None)
    return replace(
        seen, pickup=hide(delivery.pickup), dropoff=hide(delivery.dropoff), parcel=parcel
    )


def _place(stop: Stop) -> Stop:
    """Returns where a stop is, without whom it is for."""
    return replace(stop, name=None, phone=None, phone_e164=None, notes=None)


def _city(stop: Stop) -> Stop:
    """Returns the city of a stop alone."""
    return Stop(stop.city or "", city=stop.city, province=stop.province)
