"""Kaspi's own words: statuses, webhook types, ids and times as it writes them."""

from collections.abc import Sequence
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import from_base32, to_base32

CANCELLED = "cancelled"

SEQUENCE = ("created", "accepted", "in_transit", "out_for_delivery", "delivered")
"""Kaspi's statuses in their order; `cancelled` stands beside it."""

SHOWN: dict[Status, str] = {
    Status.AWAITING_PAYMENT: "created",
    Status.PENDING: "created",
    Status.ASSIGNED: "accepted",
    Status.PICKUP_READY: "accepted",
    Status.IN_TRANSIT: "in_transit",
    Status.OUT_FOR_DELIVERY: "out_for_delivery",
    Status.DELIVERED: "delivered",
    Status.CANCELLED: CANCELLED,
}
"""The status that Kaspi shows for a milestone."""

STATUSES = (*SEQUENCE, CANCELLED)

TYPES = tuple(f"delivery.{status}" for status in STATUSES)
"""The types of webhooks."""


def milestones_of(statuses: Sequence[str]) -> list[Status]:
    """The milestones that are shown as one of `statuses`."""
    return [milestone for milestone, shown in SHOWN.items() if shown in statuses]


def passed(shown: str | None, status: str) -> tuple[str, ...]:
    """The statuses to show after `shown` until `status` is reached, none of them left out."""
    if shown in (status, CANCELLED):
        return ()
    if status == CANCELLED:
        return (CANCELLED,)
    after = -1 if shown is None else SEQUENCE.index(shown)
    return SEQUENCE[after + 1 : SEQUENCE.index(status) + 1]


def delivery_id(id: UUID) -> str:
    """A delivery's id as Kaspi shows it."""
    return "dlv_" + to_base32(id)


def parse_id(text: str) -> UUID | None:
    """The id that `delivery_id` wrote, None when it wrote no such text."""
    return from_base32(text[4:]) if text.startswith("dlv_") else None


def quote_id(id: UUID) -> str:
    """A quote's id as Kaspi shows it."""
    return "quo_" + to_base32(id)


def parse_quote_id(text: str) -> UUID | None:
    """The id that `quote_id` wrote, None when it wrote no such text."""
    return from_base32(text[4:]) if text.startswith("quo_") else None


def event_id(id: UUID, ordinal: int) -> str:
    """The id of one announcement of an event; the second and later ones carry their place."""
    return f"wh_{to_base32(id)}{ordinal or ''}"


def id_of_test(id: UUID) -> str:
    """The id of a test webhook."""
    return "wh_test_" + to_base32(id)


def id_on_webhook(id: UUID, ordinal: int, *, is_test: bool) -> str:
    """The `eventId` that a receiver sees."""
    return id_of_test(id) if is_test else event_id(id, ordinal)
