"""What the core's words are called on pages: the statuses of deliveries, and who acts."""

from typing import Final

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.http.texts import N_, gettext

_STATUSES: Final = {
    Status.AWAITING_PAYMENT: N_("Awaiting payment"),
    Status.PENDING: N_("Pending"),
    Status.ASSIGNED: N_("Assigned"),
    Status.PICKUP_READY: N_("At the pickup"),
    Status.IN_TRANSIT: N_("In transit"),
    Status.OUT_FOR_DELIVERY: N_("Out for delivery"),
    Status.DELIVERED: N_("Delivered"),
    Status.CANCELLED: N_("Cancelled"),
    Status.FAILED: N_("Failed"),
    Status.STALLED: N_("Stalled"),
}
_ACTORS: Final = {
    Actor.SYSTEM: N_("By time"),
    Actor.MERCHANT: N_("By the merchant"),
    Actor.COURIER: N_("By the courier"),
    Actor.DRIVER: N_("By the driver"),
    Actor.OPERATOR: N_("By the operator"),
}


def status_name(status: Status) -> str:
    """Returns what a status is called."""
    return gettext(_STATUSES[status])


def actor_name(actor: Actor) -> str:
    """Returns by whom something was done."""
    return gettext(_ACTORS[actor])
