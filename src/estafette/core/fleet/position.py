"""Positions: where a driver was last, as the phone says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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
