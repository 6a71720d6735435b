"""What the planner and its child say to each other: a line of JSON, and tables of ways after it.

A question is a line with what is to be done and the problem, then the bytes of its table, if it has
one. The answer is one line: a plan, or what went wrong. Both sides are of one version.
"""

from array import array
from typing import Any, Final, NamedTuple

import orjson

from estafette.routing.plan import (
    Action,
    Candidate,
    Candidates,
    Engine,
    Obstacle,
    Plan,
    Tour,
    Visit,
)
from estafette.routing.problem import Job, Load, Problem, Stop, Vehicle, Window
from estafette.routing.ways import Crow, Point, Table, Ways

MOST_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""The most of an answer: 2,000 jobs take 0.3 MB with their candidates."""


class Task(NamedTuple):
    """What the child is asked to do.

    Attributes:
        problem: what is planned.
        seconds: for how long it may search.
        effort: VROOM's exploration level, 0 to 5.
        threads: how many processors it may use.
        improve: whether PyVRP improves VROOM's plan for the rest of the seconds.
        seed: of PyVRP's search.
        hard_seconds: after how many seconds the child ends itself, whatever it does.
    """

    problem: Problem
    seconds: float
    effort: int
    threads: int
    improve: bool
    seed: int
    hard_seconds: float


class Trouble(NamedTuple):
    """Why the child has no plan."""

    reason: str


def question(task: Task) -> bytes:
    """Returns what is written to the child."""
    problem = task.problem
    said = {
        **task._asdict(),
        "problem": {
            "vehicles": [_vehicle(one) for one in problem.vehicles],
            "jobs": [_job(one) for one in problem.jobs],
            "ways": _ways(problem.ways),
        },
    }
    ways = problem.ways
    table = b"" if not isinstance(ways, Table) else ways.seconds.tobytes() + ways.metres.tobytes()
    return orjson.dumps(said) + b"\n" + table


def table_bytes(line: bytes) -> int:
    """Returns how many bytes of a table follow the line of a question."""
    count = orjson.loads(line)["problem"]["ways"].get("count", 0)
    return 2 * count * count * array("I").itemsize


def task(line: bytes, table: bytes) -> Task:
    """Returns what a question asks. Raises ValueError."""
    said: dict[str, Any] = orjson.loads(line)
    told = said["problem"]
    vehicles = tuple(
        Vehicle(start, Window(*shift), Load(*capacity), end, frozenset(skills), speed, takes_new)
        for start, shift, capacity, end, skills, speed, takes_new in told["vehicles"]
    )
    jobs = tuple(
        Job(
            None if pickup is None else _stop(pickup),
            _stop(dropoff),
            Load(*load),
            frozenset(skills),
            vehicle,
            priority,
            frozenset(barred),
            late,
        )
        for pickup, dropoff, load, skills, vehicle, priority, barred, late in told["jobs"]
    )
    said["problem"] = Problem(vehicles, jobs, _read_ways(told["ways"], table))
    return Task(**said)


def answer(found: Plan | Trouble) -> bytes:
    """Returns what the child writes."""
    if isinstance(found, Trouble):
        return orjson.dumps({"trouble": found.reason}) + b"\n"
    tours = [
        [tour.vehicle, [tuple(visit) for visit in tour.visits], tour.metres, tour.seconds]
        for tour in found.tours
    ]
    candidates = [[one.job, [tuple(each) for each in one.nearest]] for one in found.candidates]
    said = {
        "tours": tours,
        "unassigned": found.unassigned,
        "engine": found.engine,
        "candidates": candidates,
    }
    return orjson.dumps(said) + b"\n"


def plan(line: bytes) -> Plan | Trouble:
    """Returns what an answer says. Raises ValueError where it is none."""
    said = orjson.loads(line)
    if "trouble" in said:
        return Trouble(said["trouble"])
    tours = tuple(
        Tour(vehicle, tuple(_visit(one) for one in visits), metres, seconds)
        for vehicle, visits, metres, seconds in said["tours"]
    )
    candidates = tuple(
        Candidates(job, tuple(_candidate(one) for one in nearest))
        for job, nearest in said["candidates"]
    )
    return Plan(tours, tuple(said["unassigned"]), Engine(said["engine"]), candidates)


def _vehicle(one: Vehicle) -> list[Any]:
    shift, capacity = tuple(one.shift), tuple(one.capacity)
    skills = sorted(one.skills)
    return [one.start, shift, capacity, one.end, skills, one.speed, one.takes_new]


def _job(one: Job) -> list[Any]:
    pickup = None if one.pickup is None else _told(one.pickup)
    skills = sorted(one.skills)
    rest = [one.vehicle, one.priority, sorted(one.barred), one.may_be_late]
    return [pickup, _told(one.dropoff), tuple(one.load), skills, *rest]


def _told(stop: Stop) -> list[Any]:
    return [stop.place, tuple(stop.window), stop.service]


def _stop(told: list[Any]) -> Stop:
    place, window, service = told
    return Stop(place, Window(*window), service)


def _ways(ways: Ways) -> dict[str, Any]:
    if isinstance(ways, Crow):
        return {
            "points": [tuple(point) for point in ways.points],
            "metres_per_second": ways.metres_per_second,
            "detour": ways.detour,
        }
    return {"count": ways.count}


def _read_ways(told: dict[str, Any], table: bytes) -> Ways:
    if "points" in told:
        points = tuple(Point(*point) for point in told["points"])
        return Crow(points, told["metres_per_second"], told["detour"])
    half = len(table) // 2
    seconds, metres = array("I"), array("I")
    seconds.frombytes(table[:half])
    metres.frombytes(table[half:])
    return Table(told["count"], seconds, metres)


def _visit(told: list[Any]) -> Visit:
    job, action, arrival = told
    return Visit(job, Action(action), arrival)


def _candidate(told: list[Any]) -> Candidate:
    vehicle, metres, seconds, obstacle = told
    return Candidate(vehicle, metres, seconds, None if obstacle is None else Obstacle(obstacle))
