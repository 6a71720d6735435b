"""Where a list that an operator reads goes on, as commands print it and take it back."""

from datetime import UTC, datetime
from uuid import UUID


class CursorUnknownError(ValueError):
    """No page of a list ends there."""


def cursor_text(at: datetime, id: UUID) -> str:
    """Returns the place after what happened at a time and has this id."""
    return f"{at.isoformat()}~{id}"


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """Returns the time and id of such a place. Raises PlaceUnknownError for what is none."""
    at, _, id = text.partition("~")
    try:
        moment, last = datetime.fromisoformat(at), UUID(id)
        if moment.tzinfo is None:
            raise CursorUnknownError
        return moment.astimezone(UTC), last
    except (ValueError, OverflowError):  # the first and last hours of the calendar have no UTC
        raise CursorUnknownError from None
