"""Positions: where a driver was last, as the phone says."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MOST_AT_ONCE = 100
"""How many positions one request has at most."""

OLDEST = timedelta(hours=12)
"""How old a position may be that is still taken: nobody looks for what was before the shift."""

KEPT_EVERY = timedelta(seconds=10)
"""How much time is between two positions of a driver that are kept for the replay of a day."""

FASTEST_KMH = 300.0
LEAST_EXACT_METRES = 100_000.0


class PositionSource(StrEnum):
    """What told the position."""

    PAGE = "page"
    TRACCAR = "traccar"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a driver was `at` a time of the device's clock, which is never after `received_at`.

    Degrees of WGS 84. What the device did not say is None.
    """

    company_id: UUID
    driver_id: UUID
    at: datetime
    received_at: datetime
    latitude: float
    longitude: float
    source: PositionSource
    accuracy_metres: float | None = None
    speed_kmh: float | None = None
    course_degrees: float | None = None
    battery_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A position as a device tells it, which may be forged: `at` is by its clock."""

    at: datetime
    latitude: float
    longitude: float
    accuracy_metres: float | None = None
    speed_kmh: float | None = None
    course_degrees: float | None = None
    battery_percent: float | None = None

    @property
    def is_on_earth(self) -> bool:
        """Whether there is such a place; a device without a fix tells zeros."""
        if not (math.isfinite(self.latitude) and math.isfinite(self.longitude)):
            return False
        if self.latitude == 0 and self.longitude == 0:
            return False
        return abs(self.latitude) <= 90 and abs(self.longitude) <= 180


def _within(value: float | None, least: float, most: float) -> float | None:
    """Returns a number that can be true; None for another."""
    return value if value is not None and least <= value <= most else None


def position_of(
    place: Place,
    company_id: UUID,
    driver_id: UUID,
    source: PositionSource,
    now: datetime,
    error: timedelta = timedelta(),
) -> Position | None:
    """Returns what is kept of a place that a driver's device told; None: it is worth nothing.

    `error` is what has to be added to the device's clock. A time that is to come counts as `now`.
    """
    at = min(place.at + error, now)
    if not place.is_on_earth or at < now - OLDEST:
        return None
    return Position(
        company_id,
        driver_id,
        at,
        now,
        place.latitude,
        place.longitude,
        source,
        _within(place.accuracy_metres, 0, LEAST_EXACT_METRES),
        _within(place.speed_kmh, 0, FASTEST_KMH),
        _within(place.course_degrees, 0, 360),
        _within(place.battery_percent, 0, 100),
    )


def thinned(
    positions: Iterable[Position], kept_until: dict[tuple[UUID, UUID], datetime]
) -> list[Position]:
    """Returns those that are kept for the replay: of a driver one in each KEPT_EVERY.

    `kept_until` says of each driver the time of the last one, and is brought up to date.
    """
    kept: list[Position] = []
    for position in sorted(positions, key=lambda each: each.at):
        of = (position.company_id, position.driver_id)
        last = kept_until.get(of)
        if last is None or position.at - last >= KEPT_EVERY:
            kept.append(position)
            kept_until[of] = position.at
    return kept
