"""Opening hours as people write them: `mon-fri 08:00-18:00, sat 09:00-13:00`, or `always`."""

import re
from datetime import time

from estafette.core.couriers.company import WEEKDAYS, Hours, Span

ALWAYS = "always"

_LONGEST = 1_000
"""Characters of hours, as a person writes them."""

_PART = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<opens>[0-9]{1,2}:[0-9]{2})\s*[-–]\s*(?P<closes>[0-9]{1,2}:[0-9]{2})"
)
_DAY_END = "24:00"  # which is kept as 00:00: a span that ends at or before its beginning runs on


class HoursTextError(ValueError):
    """A text is no opening hours."""

    def __init__(self, text: str) -> None:
        """`text` is what was written."""
        super().__init__(
            f"{text!r} are no hours such as 'mon-fri 08:00-18:00, sat 09:00-13:00' or 'always'"
        )


def read_hours(text: str) -> Hours | None:
    """Returns the hours that a text means; None for `always`. Raises HoursTextError."""
    written = text[: _LONGEST + 1].strip().lower()
    if written == ALWAYS:
        return None
    days: dict[str, tuple[Span, ...]] = {}
    for part in written.split(","):
        found = _PART.fullmatch(part.strip())
        try:
            if found is None or len(written) > _LONGEST:
                raise ValueError
            first = WEEKDAYS.index(found["first"])
            last = WEEKDAYS.index(found["last"] or found["first"])
            span = (_time(found["opens"]), _closing(found["closes"]))
        except ValueError:
            raise HoursTextError(text[:_LONGEST]) from None
        for number in range((last - first) % len(WEEKDAYS) + 1):
            day = WEEKDAYS[(first + number) % len(WEEKDAYS)]
            days[day] = (*days.get(day, ()), span)
    return Hours(days)


def _time(text: str) -> time:
    """The time of "8:00" or "08:00". Raises ValueError."""
    return time.fromisoformat(text.zfill(5))


def _closing(text: str) -> time:
    return time(0) if text == _DAY_END else _time(text)


def _closing_text(closes: time) -> str:
    return f"{closes:%H:%M}" if closes != time(0) else _DAY_END


def hours_text(hours: Hours | None) -> str:
    """The same for people, day by day."""
    if hours is None:
        return ALWAYS
    return ", ".join(
        f"{day} {opens:%H:%M}-{_closing_text(closes)}"
        for day in WEEKDAYS
        for opens, closes in hours.days.get(day, ())
    )
