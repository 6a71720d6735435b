"""The ways between places: as somebody measured them, or as the crow flies and somewhat more."""

import math
from array import array
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

MOST_PLACES: Final = 4_600
"""For the most vehicles and jobs of a problem, each with places of its own."""

EARTH_METRES: Final = 6_371_008.8
DETOUR: Final = 1.4
"""How much longer streets are than the great circle, as measured in cities."""

LONGEST_WAY: Final = 10_000_000
"""The most seconds, or metres, of a way: a place that cannot be reached is that far."""


class Way(NamedTuple):
    """How long a way takes, and how long it is."""

    seconds: int
    metres: int


class Point(NamedTuple):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Ways(Protocol):
    """The ways between places with numbers below `count`."""

    @property
    def count(self) -> int:
        """How many places there are."""
        ...

    def between(self, origin: int, destination: int) -> Way:
        """The way from one to the other."""
        ...


@dataclass(frozen=True, slots=True)
class Crow:
    """Ways along the great circle, with a detour, at one speed. Raises ValueError.

    They are computed where they are needed: a table of all of them takes a process's time.
    """

    points: tuple[Point, ...]
    metres_per_second: float
    detour: float = DETOUR

    def __post_init__(self) -> None:
        """Checks the values."""
        if len(self.points) > MOST_PLACES:
            raise ValueError(f"{len(self.points)} places are more than {MOST_PLACES}")
        if not 0.1 <= self.metres_per_second <= 100 or not 1 <= self.detour <= 10:
            raise ValueError(f"{self.metres_per_second} m/s with a detour of {self.detour}")
        for point in self.points:
            if not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):
                raise ValueError("a place is not on the earth")

    @property
    def count(self) -> int:
        """How many places there are."""
        return len(self.points)

    def between(self, origin: int, destination: int) -> Way:
        """The way from one to the other."""
        crow = great_circle(self.points[origin], self.points[destination])
        metres = crow * self.detour
        return Way(round(metres / self.metres_per_second), round(metres))


@dataclass(frozen=True, slots=True)
class Table:
    """Ways that somebody measured: row by row, from each place to each. Raises ValueError."""

    count: int
    seconds: "array[int]"
    metres: "array[int]"

    def __post_init__(self) -> None:
        """Checks the sizes."""
        cells = self.count * self.count
        if self.count > MOST_PLACES or not len(self.seconds) == len(self.metres) == cells:
            raise ValueError(f"{len(self.seconds)} ways do not join {self.count} places")

    def between(self, origin: int, destination: int) -> Way:
        """The way from one to the other."""
        at = origin * self.count + destination
        return Way(self.seconds[at], self.metres[at])


def great_circle(one: Point, other: Point) -> float:
    """Returns the metres between two points on a sphere."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    half_height = math.sin((second - first) / 2)
    half_width = math.sin(math.radians(other.longitude - one.longitude) / 2)
    chord = half_height**2 + math.cos(first) * math.cos(second) * half_width**2
    return 2 * EARTH_METRES * math.asin(min(1.0, math.sqrt(chord)))
