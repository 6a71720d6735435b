"""Which vehicles are near a job, and what keeps each of them from it, whatever else they carry."""

from typing import Final

from estafette.routing.plan import Candidate, Candidates, Obstacle
from estafette.routing.problem import Job, Load, Problem, Vehicle
from estafette.routing.ways import Way

NEAREST: Final = 5
"""How many vehicles are told for each job, besides the one that has it."""


def obstacle(problem: Problem, vehicle: Vehicle, job: Job) -> Obstacle | None:
    """Returns what keeps a vehicle from a job that would be its first, None where nothing does."""
    if not job.skills <= vehicle.skills:
        return Obstacle.SKILLS
    if job.vehicle is None and not vehicle.takes_new:
        return Obstacle.TAKES_NOTHING_NEW
    if not fits(job.load, vehicle.capacity):
        return Obstacle.CAPACITY
    stops = job.stops()
    begins = direct(problem, vehicle, job)
    if any(begin > stop.window.end for begin, stop in zip(begins, stops, strict=True)):
        return Obstacle.TOO_LATE
    time = begins[-1] + stops[-1].service
    if vehicle.end is not None:
        time += _on_the_way(problem.ways.between(stops[-1].place, vehicle.end), vehicle)
    return Obstacle.SHIFT_ENDS if time > vehicle.shift.end else None


def direct(problem: Problem, vehicle: Vehicle, job: Job) -> list[int]:
    """Returns when a vehicle could begin each stop of a job at the earliest, going straight."""
    at, time, begins = vehicle.start, vehicle.shift.start, list[int]()
    for stop in job.stops():
        time += _on_the_way(problem.ways.between(at, stop.place), vehicle)
        begins.append(max(time, stop.window.start))
        time = begins[-1] + stop.service
        at = stop.place
    return begins


def candidates(problem: Problem, most: int = NEAREST) -> tuple[Candidates, ...]:
    """Returns the vehicles that are nearest to the pickup of each job of nobody in particular."""
    found: list[Candidates] = []
    for number, job in enumerate(problem.jobs):
        if job.vehicle is not None or job.pickup is None:
            continue
        place = job.pickup.place
        ways = [
            (problem.ways.between(vehicle.start, place), index)
            for index, vehicle in enumerate(problem.vehicles)
        ]
        ways.sort(key=lambda one: (one[0].metres, one[1]))
        nearest = tuple(_candidate(problem, index, way, job) for way, index in ways[:most])
        found.append(Candidates(number, nearest))
    return tuple(found)


def fits(load: Load, capacity: Load) -> bool:
    """Whether a vehicle may carry so much at a time."""
    return load.grams <= capacity.grams and load.parcels <= capacity.parcels


def _candidate(problem: Problem, index: int, way: Way, job: Job) -> Candidate:
    vehicle = problem.vehicles[index]
    seconds = _on_the_way(way, vehicle)
    barred = index in job.barred
    why = Obstacle.REFUSED if barred else obstacle(problem, vehicle, job)
    return Candidate(index, way.metres, seconds, why)


def _on_the_way(way: Way, vehicle: Vehicle) -> int:
    return round(way.seconds / vehicle.speed)
