"""When a numbered delivery is created, and so in which year's series its number is."""

from collections.abc import Collection
from datetime import datetime, timedelta

AHEAD = timedelta(seconds=5)
"""How far a delivery may be dated before the clock, to come after those that are there.

A delivery that is dated further ahead was dated by a wrong clock. Later deliveries get their right
times then, although their numbers are higher: lists are sorted by time, and one wrong clock would
otherwise date everything that follows.
"""

_APART = timedelta(milliseconds=1)
_EDGE = timedelta(hours=1)


def years_near(moment: datetime) -> set[int]:
    """Returns the years (UTC) in which an order of about that moment may be created."""
    return {(moment - _EDGE).year, (moment + _EDGE).year}


def is_wrong(now: datetime, last: datetime | None) -> bool:
    """Returns whether `last` is so far ahead that later deliveries need not come after it."""
    return last is not None and last > now + AHEAD


def created_at(now: datetime, lasts: Collection[datetime | None]) -> datetime:
    """Returns when the next delivery of an account and mode is created.

    Later than its `lasts`, the times of the last of each series, even where the clock was set back
    a little: so a list grows at its newest end. The year of that moment names the series.
    """
    kept = [last + _APART for last in lasts if last is not None and not is_wrong(now, last)]
    return max([now, *kept])
