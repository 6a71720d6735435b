"""Events: facts that happened, numbered within their delivery, never changed or deleted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from estafette.core.deliveries.delivery import Status

NOTE_LIMIT = 500
"""How long the note of an event may be, in characters."""

EVENTS_SHOWN = 120
"""How many events of a delivery are shown, the newest: all of one that keeps to `EVENT_LIMIT`."""


def bounded_note(note: str | None) -> str | None:
    """Returns a note as it is kept: what is too long is cut, with a mark."""
    if note is None or len(note) <= NOTE_LIMIT:
        return note
    return note[: NOTE_LIMIT - 1] + "…"


class Actor(StrEnum):
    """Who caused an event."""

    SYSTEM = "system"
    MERCHANT = "merchant"
    COURIER = "courier"
    DRIVER = "driver"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of a delivery.

    `announced` are the types of the webhooks that the account's dialect sends for it, in order:
    none where the dialect does not show it, several where statuses were skipped.
    """

    id: UUID
    delivery_id: UUID
    seq: int
    status: Status
    milestone: Status
    actor: Actor
    note: str | None
    announced: tuple[str, ...]
    occurred_at: datetime
