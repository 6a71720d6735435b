"""Where the work is: what a map shows at first, and what is too far from all else for that."""

from collections.abc import Sequence
from statistics import median_low
from typing import Final, NamedTuple

from estafette.core.point import Point, kilometres_between

FAR_KM: Final = 500.0
"""How far from the median place a point is far off."""

_MOST_FAR: Final = 1 / 3
"""Where more than this part of all points would be far off, the work is in several places."""


class Frame(NamedTuple):
    """The part of the earth between two parallels and two meridians, in degrees."""

    west: float
    south: float
    east: float
    north: float


def far_off(points: Sequence[Point]) -> list[bool]:
    """Returns of each point whether it is far off: over FAR_KM from the median of all.

    Where over a third would be, none is: nobody can tell which of them are wrong.
    """
    if not points:
        return []
    # The lower one of two in the middle is a place where somebody is, and no mean of two cities.
    middle = Point(
        median_low(one.latitude for one in points), median_low(one.longitude for one in points)
    )
    found = [kilometres_between(middle, one) > FAR_KM for one in points]
    return found if sum(found) <= _MOST_FAR * len(found) else [False] * len(found)


def frame(points: Sequence[Point]) -> Frame | None:
    """Returns the least frame with all points but those that are far off; None: there are none."""
    near = [one for one, far in zip(points, far_off(points), strict=True) if not far]
    if not near:
        return None
    latitudes, longitudes = [one.latitude for one in near], [one.longitude for one in near]
    return Frame(min(longitudes), min(latitudes), max(longitudes), max(latitudes))
