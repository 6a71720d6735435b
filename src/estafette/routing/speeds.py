"""How fast vehicles are in a city, by the hour: the way from door to door, with its stops."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

KILOMETRES_AN_HOUR: Final[Mapping[str, float]] = {
    "foot": 4.5,
    "bicycle": 13.0,
    "motorcycle": 24.0,
    "car": 22.0,
    "van": 20.0,
}
"""Of each vehicle, where nothing is in its way."""

_IN_TRAFFIC: Final[Mapping[str, float]] = {"motorcycle": 0.85, "car": 0.65, "van": 0.65}
"""What is left of it in the hours in which everybody drives."""

_BUSY_HOURS: Final = frozenset({7, 8, 9, 17, 18, 19})
_NIGHT_HOURS: Final = frozenset({22, 23, 0, 1, 2, 3, 4, 5})


class Hours(StrEnum):
    """A class of hours of the day, in which traffic is much the same."""

    BUSY = "busy"
    DAY = "day"
    NIGHT = "night"


HOUR_OF: Final[Mapping[Hours, int]] = {Hours.BUSY: 8, Hours.DAY: 12, Hours.NIGHT: 0}
"""An hour of each class."""


def hours_of(hour: int) -> Hours:
    """Returns the class of a local hour, 0 to 23."""
    if hour in _BUSY_HOURS:
        return Hours.BUSY
    return Hours.NIGHT if hour in _NIGHT_HOURS else Hours.DAY


def traffic(vehicle: str, hour: int) -> float:
    """Returns what is left of a vehicle's speed in the traffic of a local hour, 1 at the most."""
    return _IN_TRAFFIC.get(vehicle, 1.0) if hour in _BUSY_HOURS else 1.0


def metres_per_second(vehicle: str, hour: int) -> float:
    """Returns the speed of a vehicle in a local hour, 0 to 23. Raises KeyError for another one."""
    return KILOMETRES_AN_HOUR[vehicle] * traffic(vehicle, hour) / 3.6
