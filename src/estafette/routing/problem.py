"""What is planned: vehicles, jobs, and the ways between the places where they begin and end.

Times are whole seconds since the beginning of the plan, places are numbers of the `ways`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from estafette.routing.ways import Ways

MOST_VEHICLES: Final = 500
MOST_JOBS: Final = 2_000
MOST_SECONDS: Final = 30 * 24 * 3600
"""The latest time of a plan: a month."""

MOST_SKILLS: Final = 32
"""The most different skills in a problem."""

MOST_AMOUNT: Final = 100_000_000
"""The most grams, or parcels, of a load or a capacity: a hundred tonnes."""


class Load(NamedTuple):
    """What is carried, or may be carried at a time."""

    grams: int
    parcels: int


class Window(NamedTuple):
    """From when to when something may begin."""

    start: int = 0
    end: int = MOST_SECONDS


ANY_TIME: Final = Window()


@dataclass(frozen=True, slots=True)
class Stop:
    """A pickup or a drop-off: where, when it may begin, and how many seconds it takes."""

    place: int
    window: Window = ANY_TIME
    service: int = 0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A driver with a vehicle.

    Attributes:
        start: the place where it is free to go elsewhere next: its next committed stop.
        shift: from when it is free there, until when it works.
        capacity: what it may carry at a time, with what it has on board already.
        end: the place where the tour ends, None: at its last stop.
        skills: what it can do besides.
        speed: how many times as fast as the ways say, from 0.1 to 5.
        takes_new: whether it may be given jobs that it does not have yet.
    """

    start: int
    shift: Window
    capacity: Load
    end: int | None = None
    skills: frozenset[str] = frozenset()
    speed: float = 1.0
    takes_new: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery: from a pickup to a drop-off.

    Attributes:
        pickup: None where the load is on board already.
        dropoff: where it goes.
        load: how much it is.
        skills: what a vehicle must be able to do.
        vehicle: the number of the one that must carry it, because it has it or has agreed; such
            jobs come before all others, and are planned late rather than not at all.
        priority: 0 to 99; of those that cannot all be carried, the higher come first.
        barred: the numbers of vehicles that must not be given it, because they refused.
        may_be_late: whether it is planned late where no vehicle can be in time for it.
    """

    pickup: Stop | None
    dropoff: Stop
    load: Load
    skills: frozenset[str] = frozenset()
    vehicle: int | None = None
    priority: int = 0
    barred: frozenset[int] = frozenset()
    may_be_late: bool = False

    def stops(self) -> tuple[Stop, ...]:
        """What is left to do of it, in this order."""
        return (self.dropoff,) if self.pickup is None else (self.pickup, self.dropoff)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is planned. Vehicles, jobs and places are numbered from 0. Raises ValueError.

    A ValueError says what is out of bounds, or names something that is not there.
    """

    vehicles: tuple[Vehicle, ...]
    jobs: tuple[Job, ...]
    ways: Ways

    def __post_init__(self) -> None:
        """Checks all of it, so that no solver is given what it would stumble over."""
        if len(self.vehicles) > MOST_VEHICLES or len(self.jobs) > MOST_JOBS:
            raise ValueError(
                f"{len(self.vehicles)} vehicles and {len(self.jobs)} jobs are more than the"
                f" {MOST_VEHICLES} and {MOST_JOBS} that are planned together"
            )
        skills: set[str] = set()
        for vehicle in self.vehicles:
            self._check_vehicle(vehicle)
            skills |= vehicle.skills
        for job in self.jobs:
            self._check_job(job)
            skills |= job.skills
        if len(skills) > MOST_SKILLS:
            raise ValueError(f"{len(skills)} different skills are more than {MOST_SKILLS}")

    def _check_vehicle(self, vehicle: Vehicle) -> None:
        for place in (vehicle.start, vehicle.end):
            if place is not None and not 0 <= place < self.ways.count:
                raise ValueError(f"a vehicle is at place {place} of {self.ways.count}")
        if not 0.1 <= vehicle.speed <= 5:
            raise ValueError(f"a vehicle is {vehicle.speed} times as fast")
        _check_window(vehicle.shift)
        _check_load(vehicle.capacity)

    def _check_job(self, job: Job) -> None:
        for stop in job.stops():
            if not 0 <= stop.place < self.ways.count:
                raise ValueError(f"a stop is at place {stop.place} of {self.ways.count}")
            if not 0 <= stop.service <= MOST_SECONDS:
                raise ValueError(f"a stop takes {stop.service} seconds")
            _check_window(stop.window)
        _check_load(job.load)
        if job.vehicle is None and job.pickup is None:
            raise ValueError("a job that is on board names no vehicle")
        if job.vehicle is not None and not 0 <= job.vehicle < len(self.vehicles):
            raise ValueError(f"a job is bound to vehicle {job.vehicle}, which is not there")
        if not 0 <= job.priority <= 99:
            raise ValueError(f"a job has priority {job.priority}")


def _check_window(window: Window) -> None:
    if not 0 <= window.start <= window.end <= MOST_SECONDS:
        raise ValueError(f"a window goes from {window.start} to {window.end} seconds")


def _check_load(load: Load) -> None:
    if not (0 <= load.grams <= MOST_AMOUNT and 0 <= load.parcels <= MOST_AMOUNT):
        raise ValueError(f"a load is {load.grams} g in {load.parcels} parcels")
