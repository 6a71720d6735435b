"""Entrega's own words: ids, types of events, what a status is called by webhook."""

import re
from uuid import UUID

from estafette.core.deliveries.delivery import Status

CREATED = "delivery.created"
"""The first event of every delivery, whichever status it begins with."""

STATUSES = tuple(status.value for status in Status)
"""Entrega's statuses are the core's, by the same names."""

CANCELLABLE = (Status.AWAITING_PAYMENT, Status.PENDING, Status.ASSIGNED)
"""The statuses in which a merchant may cancel."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def parse_id(text: str) -> UUID | None:
    """The id that a text is, None when it is none: 36 characters, in either case."""
    return UUID(text) if _UUID.fullmatch(text) else None


def delivery_id(id: UUID) -> str:
    """A delivery's id as Entrega shows it."""
    return str(id)


def event_id(id: UUID) -> str:
    """An event's id, in the timeline and in webhooks alike."""
    return f"evt_{id}"


def id_on_webhook(id: UUID, ordinal: int, *, is_test: bool) -> str:
    """The same, for who looks at what was sent: each event is announced once."""
    return event_id(id)


def event_type(seq: int, status: Status) -> str:
    """What the event of that number in its delivery is called."""
    return CREATED if seq == 1 else f"delivery.{status}"
