"""Opening hours as people write them: `mon-fri 08:00-18:00, sat 09:00-13:00`, or `always`."""

import re
from datetime import time

from estafette.cli.output import misused
from estafette.core.courier import WEEKDAYS, Hours, Span

ALWAYS = "always"

_PART = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)"
)


def read_hours(text: str) -> Hours | None:
    """The hours that a text means; None for `always`."""
    written = text.strip().lower()
    if written == ALWAYS:
        return None
    days: dict[str, tuple[Span, ...]] = {}
    for part in written.split(","):
        found = _PART.fullmatch(part.strip())
        try:
            if found is None:
                raise ValueError
            first = WEEKDAYS.index(found["first"])
            last = WEEKDAYS.index(found["last"] or found["first"])
            span = (time.fromisoformat(found["opens"]), time.fromisoformat(found["closes"]))
        except ValueError:
            raise misused(
                f"{text!r} are no hours such as 'mon-fri 08:00-18:00, sat 09:00-13:00' or 'always'"
            ) from None
        for number in range((last - first) % len(WEEKDAYS) + 1):
            day = WEEKDAYS[(first + number) % len(WEEKDAYS)]
            days[day] = (*days.get(day, ()), span)
    return Hours(days)


def hours_text(hours: Hours | None) -> str:
    """The same for people, day by day."""
    if hours is None:
        return ALWAYS
    return ", ".join(
        f"{day} {opens:%H:%M}-{closes:%H:%M}"
        for day in WEEKDAYS
        for opens, closes in hours.days.get(day, ())
    )
