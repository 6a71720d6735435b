"""Problems of a made-up city, which tests and the bench plan."""

import random
from dataclasses import dataclass, field
from typing import Final

from estafette.routing.problem import Job, Load, Problem, Stop, Vehicle, Window
from estafette.routing.ways import Crow, Point

CORNER: Final = Point(43.20, 76.80)
SIDES: Final = (0.10, 0.15)
METRES_PER_SECOND: Final = 6.0
SMALL: Final = Load(1_000, 1)
VAN: Final = Load(30_000, 10)


@dataclass
class City:
    """Makes a problem, a vehicle and a job after another."""

    seed: int = 1
    points: list[Point] = field(default_factory=list[Point])
    vehicles: list[Vehicle] = field(default_factory=list[Vehicle])
    jobs: list[Job] = field(default_factory=list[Job])

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def anywhere(self) -> int:
        """A new place in the city."""
        return self.at(
            CORNER.latitude + self._chance.random() * SIDES[0],
            CORNER.longitude + self._chance.random() * SIDES[1],
        )

    def at(self, latitude: float, longitude: float) -> int:
        """A new place there."""
        self.points.append(Point(latitude, longitude))
        return len(self.points) - 1

    def stop(self, until: int = 7_200, place: int | None = None) -> Stop:
        """A stop of two minutes that may begin until then."""
        return Stop(self.anywhere() if place is None else place, Window(0, until), 120)

    def vehicle(self, **different: object) -> int:
        """A vehicle that works for eight hours; returns its number."""
        given = {"start": self.anywhere(), "shift": Window(0, 28_800), "capacity": VAN}
        self.vehicles.append(Vehicle(**{**given, **different}))  # pyright: ignore[reportArgumentType] - what a test names
        return len(self.vehicles) - 1

    def job(self, **different: object) -> int:
        """A small parcel for anybody, within two hours; returns its number."""
        given = {"pickup": self.stop(5_400), "dropoff": self.stop(), "load": SMALL}
        self.jobs.append(Job(**{**given, **different}))  # pyright: ignore[reportArgumentType] - what a test names
        return len(self.jobs) - 1

    def problem(self) -> Problem:
        """All of it."""
        return Problem(
            tuple(self.vehicles), tuple(self.jobs), Crow(tuple(self.points), METRES_PER_SECOND)
        )


def busy(pending: int, drivers: int, carrying: int, seed: int = 1) -> Problem:
    """A city with so many pending jobs and drivers, of whom some carry two parcels each."""
    city = City(seed)
    for _ in range(drivers):
        city.vehicle()
    for vehicle in range(carrying):
        for _ in range(2):
            city.job(pickup=None, dropoff=city.stop(3_600), vehicle=vehicle)
    for _ in range(pending):
        city.job()
    return city.problem()
