"""What comes out of planning: tours, and what no tour has."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Engine(StrEnum):
    """What made a plan."""

    VROOM = "vroom"
    PYVRP = "pyvrp"
    NEAREST = "nearest"


class Action(StrEnum):
    """What is done at a visit."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"


class Visit(NamedTuple):
    """A stop on a tour: of which job, what is done, and when the vehicle arrives (seconds).

    It may have to wait there for the window to begin.
    """

    job: int
    action: Action
    arrival: int


@dataclass(frozen=True, slots=True)
class Tour:
    """What a vehicle does, in this order. `metres` and `seconds` are on the way, without stops."""

    vehicle: int
    visits: tuple[Visit, ...]
    metres: int
    seconds: int

    @property
    def jobs(self) -> tuple[int, ...]:
        """Its jobs, in the order of their first visits."""
        return tuple(dict.fromkeys(visit.job for visit in self.visits))


@dataclass(frozen=True, slots=True)
class Plan:
    """Tours of vehicles that have something to do, by their number, and the jobs of nobody.

    Attributes:
        tours: by the vehicles' numbers.
        unassigned: the numbers of jobs that no tour has.
        engine: what made it.
        candidates: for jobs that are bound to no vehicle, those that are nearest to the pickup.
    """

    tours: tuple[Tour, ...]
    unassigned: tuple[int, ...]
    engine: Engine
    candidates: "tuple[Candidates, ...]" = ()

    @property
    def metres(self) -> int:
        """How far all vehicles go."""
        return sum(tour.metres for tour in self.tours)


class Obstacle(StrEnum):
    """Why a vehicle cannot carry a job, whatever else it has to do."""

    REFUSED = "refused"
    TAKES_NOTHING_NEW = "takes_nothing_new"
    SKILLS = "skills"
    CAPACITY = "capacity"
    TOO_LATE = "too_late"
    SHIFT_ENDS = "shift_ends"


class Candidate(NamedTuple):
    """A vehicle, how far it is from a pickup (metres, seconds), and what keeps it from the job."""

    vehicle: int
    metres: int
    seconds: int
    obstacle: Obstacle | None


class Candidates(NamedTuple):
    """The vehicles that are nearest to a job's pickup, the nearest first."""

    job: int
    nearest: tuple[Candidate, ...]
