"""What a driver may see of a delivery, from the offer to some time after its end."""

from dataclasses import replace
from datetime import timedelta

from estafette.core.deliveries.delivery import Delivery, Stop
from estafette.core.fleet.assignment import Assignment

CONTACTS_KEPT = timedelta(hours=2)
"""How long after the end a driver still sees whom to call: a forgotten bag, a wrong floor."""


def as_seen(delivery: Delivery, assignment: Assignment) -> Delivery:
    """Returns the delivery as the driver of an assignment sees it.

    Of what was not accepted the places and the parcel's weight, for without them nobody can decide;
    names, phones, notes and what is in the parcel from acceptance on. The PIN is never shown.
    """
    seen = replace(delivery, pin=None, metadata=None)
    if assignment.accepted_at is not None:
        return seen
    parcel = replace(delivery.parcel, description=None, declared_value=None)
    return replace(
        seen, pickup=_place(delivery.pickup), dropoff=_place(delivery.dropoff), parcel=parcel
    )


def _place(stop: Stop) -> Stop:
    """Returns where a stop is, without whom it is for."""
    return replace(stop, name=None, phone=None, phone_e164=None, notes=None)
