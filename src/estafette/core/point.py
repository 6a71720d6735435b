"""Points of the earth, and how far two places are from each other as the crow flies."""

from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple, Protocol

_EARTH_RADIUS_KM: Final = 6_371.0


class Point(NamedTuple):
    """A point of the earth, in degrees of WGS 84."""

    latitude: float
    longitude: float


class _Located(Protocol):
    """Whatever is somewhere: a point, a city, a position."""

    @property
    def latitude(self) -> float:
        """Degrees north."""
        ...

    @property
    def longitude(self) -> float:
        """Degrees east."""
        ...


def kilometres_between(one: _Located, other: _Located) -> float:
    """Returns the distance along the great circle, in kilometres."""
    south, north = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    chord = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin(across / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


def metres_between(one: _Located, other: _Located) -> float:
    """Returns the same in metres."""
    return kilometres_between(one, other) * 1000
