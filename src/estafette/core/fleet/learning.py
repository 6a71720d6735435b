"""How fast drivers have proved to be: from the legs that they have made, whatever some of them say.

A leg is the way from one stop to the next. Its ratio is the time that it took to the time in which
it was expected, at the usual speed of the vehicle at that hour.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.quotes.place import City

LOOKED_BACK: Final = timedelta(days=28)
"""How old the legs are at most from which speeds are learned."""

MOST_ASSIGNMENTS: Final = 3_000
"""From how many of a company's assignments they are learned, the newest."""

LEARNED_EVERY: Final = timedelta(hours=6)
KEPT: Final = timedelta(days=35)
"""How long a speed holds that could not be learned anew."""

SHORTEST_METRES: Final = 300.0
LONGEST_METRES: Final = 50_000.0
"""Shorter and longer legs say more of stops, or of the places that were told, than of speed."""

LONGEST_LEG: Final = timedelta(hours=2)
_RATIOS: Final = (0.3, 4.0)
"""A leg that was quicker or slower than that was none: somebody told the tap late, or forged it."""

_LEAST_LEGS: Final = 30
_LEAST_DRIVERS: Final = 2
_MOST_OF_ONE: Final = 60
"""How many legs of one driver count, so that the company's speed is not one driver's."""

_USUAL_WEIGHT: Final = 30
"""As how many legs the usual speed counts, beside those that were made."""

_BOUNDS: Final = (0.5, 2.0)
"""From how much to how much of the usual time is believed, however many legs say so."""


class Visit(NamedTuple):
    """A stop that a driver has made.

    `accepted_at` is since when the driver knew of it, `arrived_at` when they were there, where that
    is known, and `at` when they were done.
    """

    driver_id: UUID
    accepted_at: datetime
    arrived_at: datetime | None
    at: datetime
    latitude: float
    longitude: float
    service: timedelta
    city: City | None


class Leg(NamedTuple):
    """The way from a stop that was done to the next one."""

    start: Visit
    end: Visit

    def took(self, arrived_at: datetime | None) -> timedelta:
        """Returns how long it took; `arrived_at` is when positions have the driver there first."""
        known = [at for at in (self.end.arrived_at, arrived_at) if at is not None]
        return min(known, default=self.end.at - self.end.service) - self.start.at


class Learned(NamedTuple):
    """How long ways take, to the usual time, and from how many legs that is known."""

    ratio: float
    legs: int


def legs_of(visits: Sequence[Visit]) -> list[Leg]:
    """Returns the legs between a driver's visits, in order: those that were driven at once."""
    ordered = sorted(visits, key=lambda one: one.at)
    return [
        Leg(start, end)
        for start, end in pairwise(ordered)
        if end.accepted_at <= start.at < end.at <= start.at + LONGEST_LEG
    ]


def learn(ratios: Sequence[tuple[UUID, float]]) -> Learned | None:
    """Returns what legs say, each with its driver, the newest first; None: it is too little.

    It is the median, drawn towards the usual time as long as legs are few.
    """
    least, most = _RATIOS
    by_driver: dict[UUID, list[float]] = defaultdict(list)
    for driver_id, ratio in ratios:
        own = by_driver[driver_id]
        if least <= ratio <= most and len(own) < _MOST_OF_ONE:
            own.append(ratio)
    believed = [ratio for own in by_driver.values() for ratio in own]
    drivers = sum(bool(own) for own in by_driver.values())
    if len(believed) < _LEAST_LEGS or drivers < _LEAST_DRIVERS:
        return None
    weight = len(believed) / (len(believed) + _USUAL_WEIGHT)
    drawn = math.exp(weight * math.log(statistics.median(believed)))
    return Learned(min(max(drawn, _BOUNDS[0]), _BOUNDS[1]), len(believed))
