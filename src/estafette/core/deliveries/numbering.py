"""When a numbered delivery is created, and so in which year's series its number is."""

from collections.abc import Collection
from datetime import datetime, timedelta

AHEAD = timedelta(seconds=5)
"""How far a delivery may be dated before the clock, to come after those that are there.

What is dated further ahead was dated by a wrong clock: the order of numbers gives way then, for a
list is read by its times, and one wrong clock would date all that follows.
"""

_APART = timedelta(milliseconds=1)
_EDGE = timedelta(hours=1)


def years_near(moment: datetime) -> set[int]:
    """The years (UTC) in which a delivery may be created that is asked for at about that moment."""
    return {(moment - _EDGE).year, (moment + _EDGE).year}


def is_wrong(now: datetime, last: datetime | None) -> bool:
    """Whether the time of the last delivery is so far ahead that no order is kept with it."""
    return last is not None and last > now + AHEAD


def created_at(now: datetime, lasts: Collection[datetime | None]) -> datetime:
    """When the next delivery of an account and mode is created.

    Later than its `lasts`, the times of the last of each series, even where the clock was set back
    a little: so a list grows at its newest end. The year of that moment names the series.
    """
    kept = [last + _APART for last in lasts if last is not None and not is_wrong(now, last)]
    return max([now, *kept])
