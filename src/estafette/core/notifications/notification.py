"""What a recipient is told of a delivery by phone, and for how long it is still worth telling."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor


class NotificationKind(StrEnum):
    """What is told, of which each account chooses some, or none."""

    CREATED = "created"
    OUT_FOR_DELIVERY = "out_for_delivery"
    FAILED = "failed"
    """An attempt to deliver, or the delivery, has failed."""
    RESCHEDULED = "rescheduled"
    """The recipient has chosen another time."""
    DELIVERED = "delivered"


WORTH: dict[NotificationKind, timedelta] = {
    NotificationKind.CREATED: timedelta(hours=24),
    NotificationKind.OUT_FOR_DELIVERY: timedelta(hours=2),
    NotificationKind.FAILED: timedelta(hours=12),
    NotificationKind.RESCHEDULED: timedelta(hours=12),
    NotificationKind.DELIVERED: timedelta(hours=12),
}
"""For how long after the event a notification of each kind is tried to be sent."""

_STATUSES = {
    Status.PENDING: NotificationKind.CREATED,
    Status.OUT_FOR_DELIVERY: NotificationKind.OUT_FOR_DELIVERY,
    Status.FAILED: NotificationKind.FAILED,
    Status.DELIVERED: NotificationKind.DELIVERED,
}
_BEGINS = frozenset({None, Status.AWAITING_PAYMENT})


def told_of(
    before: Status | None, after: Status, actor: Actor | None = None
) -> NotificationKind | None:
    """Returns what a move to the status `after` is told as; None: the recipient is told nothing.

    What a driver stalls is an attempt to deliver that failed.

    `before` is None for a new delivery. What waits for its payment is told of once it is paid; what
    a courier gave back, or what moves again after a stall, was told of before; a driver who sets
    out once more is on the way again.
    """
    if after is Status.STALLED and actor is Actor.DRIVER:
        return NotificationKind.FAILED
    if (before, after, actor) == (Status.STALLED, Status.FAILED, Actor.SYSTEM):
        return None  # it was the last attempt, which is told already
    kind = _STATUSES.get(after)
    if kind is NotificationKind.CREATED and before not in _BEGINS:
        return None
    if kind is NotificationKind.OUT_FOR_DELIVERY and before is Status.STALLED:
        return kind if actor is Actor.DRIVER else None
    return kind


_TRUE_WHILE: dict[NotificationKind, Collection[Status]] = {
    NotificationKind.OUT_FOR_DELIVERY: {Status.OUT_FOR_DELIVERY},
    NotificationKind.FAILED: {Status.FAILED, Status.STALLED},
    NotificationKind.DELIVERED: {Status.DELIVERED},
}
_OVER = frozenset({Status.CANCELLED, Status.FAILED, Status.DELIVERED})


def is_overtaken(kind: NotificationKind, status: Status) -> bool:
    """Returns whether a delivery of that status has gone on, so that telling would mislead."""
    if kind in (NotificationKind.CREATED, NotificationKind.RESCHEDULED):
        return status in _OVER
    return status not in _TRUE_WHILE[kind]
