"""Kaspi's own words: its statuses, webhook types, ids and times."""

from collections.abc import Collection
from typing import Literal, assert_never, get_args
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import from_base32, to_base32

KaspiStatus = Literal[
    "created", "accepted", "in_transit", "out_for_delivery", "delivered", "cancelled"
]
STATUSES: tuple[KaspiStatus, ...] = get_args(KaspiStatus)
"""Kaspi's statuses: `cancelled` stands beside the others, which are in their order."""

CANCELLED: KaspiStatus = "cancelled"

SEQUENCE = STATUSES[:-1]
"""Kaspi's statuses on the way, from a delivery's creation to its end."""

TYPES = tuple(f"delivery.{status}" for status in STATUSES)
"""The types of webhooks."""


def _word(status: Status) -> KaspiStatus | None:
    """Returns what Kaspi shows for a milestone; None for a status that is no milestone.

    A new status in the core fails the type check here until it is decided how Kaspi shows it.
    """
    match status:
        case Status.AWAITING_PAYMENT | Status.PENDING:
            return "created"
        case Status.ASSIGNED | Status.PICKUP_READY:
            return "accepted"
        case Status.IN_TRANSIT:
            return "in_transit"
        case Status.OUT_FOR_DELIVERY:
            return "out_for_delivery"
        case Status.DELIVERED:
            return "delivered"
        case Status.CANCELLED:
            return "cancelled"
        case Status.FAILED | Status.STALLED:
            return None
        case _:
            assert_never(status)


_SHOWN: dict[Status, KaspiStatus] = {
    each: word for each in Status if (word := _word(each)) is not None
}


def shown(milestone: Status) -> KaspiStatus:
    """Returns the status that Kaspi shows for a milestone.

    Raises KeyError for a status that is no milestone.
    """
    return _SHOWN[milestone]


def milestones_of(statuses: Collection[str]) -> list[Status]:
    """Returns the milestones that are shown as one of `statuses`."""
    return [milestone for milestone in _SHOWN if _SHOWN[milestone] in statuses]


def passed(seen: KaspiStatus | None, status: KaspiStatus) -> tuple[KaspiStatus, ...]:
    """Returns the statuses to show after `seen` until `status` is reached, with none left out."""
    if seen in (status, CANCELLED):
        return ()
    if status == CANCELLED:
        return (CANCELLED,)
    after = -1 if seen is None else SEQUENCE.index(seen)
    return SEQUENCE[after + 1 : SEQUENCE.index(status) + 1]


def delivery_id(id: UUID) -> str:
    """Returns a delivery's id as Kaspi shows it."""
    return "dlv_" + to_base32(id)


def parse_id(text: str) -> UUID | None:
    """Returns the id in a text that `delivery_id` wrote, None for any other text."""
    return from_base32(text[4:]) if text.startswith("dlv_") else None


def quote_id(id: UUID) -> str:
    """Returns a quote's id as Kaspi shows it."""
    return "quo_" + to_base32(id)


def parse_quote_id(text: str) -> UUID | None:
    """Returns the id in a text that `quote_id` wrote, None for any other text."""
    return from_base32(text[4:]) if text.startswith("quo_") else None


def event_id(id: UUID, ordinal: int) -> str:
    """Returns the id of one announcement of an event.

    The ids of the second and later announcements hold their `ordinal`.
    """
    return f"wh_{to_base32(id)}{ordinal or ''}"


def id_of_test(id: UUID) -> str:
    """Returns the id of a test webhook."""
    return "wh_test_" + to_base32(id)


def id_on_webhook(id: UUID, ordinal: int, *, is_test: bool) -> str:
    """Returns the `eventId` that a receiver sees."""
    return id_of_test(id) if is_test else event_id(id, ordinal)
