"""What a driver has already is planned whatever it takes: late, over the limit, after the shift.

A solver drops what does not fit. What a driver has on board, or has agreed to fetch, cannot be
dropped by a plan; so what stands in its way is eased, and the driver who works beyond the shift for
it is given nothing new.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from estafette.routing.obstacles import direct, obstacle
from estafette.routing.plan import Obstacle
from estafette.routing.problem import (
    ANY_TIME,
    MOST_SECONDS,
    Job,
    Load,
    Problem,
    Stop,
    Vehicle,
    Window,
)

SLACK: Final = 1_800
"""How many seconds after the earliest time at which it can be done what is late may be done."""


def eased(problem: Problem) -> Problem:
    """Returns the problem without what already keeps a vehicle from a job that it has.

    A job of nobody that may be late has more time where every vehicle is too late for it.
    """
    vehicles, jobs = list(problem.vehicles), list(problem.jobs)
    for number, job in enumerate(problem.jobs):
        whose = job.vehicle
        if whose is None:
            if job.may_be_late:
                jobs[number] = _late_if_it_must(problem, job)
            continue
        vehicles[whose] = vehicle = _with_room(vehicles[whose], problem, job)
        jobs[number] = job = replace(job, skills=frozenset())
        if obstacle(problem, vehicle, job) is Obstacle.TOO_LATE:
            jobs[number] = job = _late(job, direct(problem, vehicle, job))
        if obstacle(problem, vehicle, job) is Obstacle.SHIFT_ENDS:
            vehicles[whose] = _without_end(vehicle)
    return replace(problem, vehicles=tuple(vehicles), jobs=tuple(jobs))


def _late_if_it_must(problem: Problem, job: Job) -> Job:
    soonest: list[int] | None = None
    for number, vehicle in enumerate(problem.vehicles):
        found = obstacle(problem, vehicle, job)
        if number in job.barred or found not in (None, Obstacle.TOO_LATE):
            continue
        if found is None:
            return job
        begins = direct(problem, vehicle, job)
        soonest = begins if soonest is None else min(soonest, begins, key=lambda one: one[-1])
    return job if soonest is None else _late(job, soonest)


def _late(job: Job, begins: list[int]) -> Job:
    """The job, whose stops may begin somewhat after these times."""
    stops = [_until(stop, at + SLACK) for stop, at in zip(job.stops(), begins, strict=True)]
    return replace(job, pickup=stops[0] if job.pickup else None, dropoff=stops[-1])


def _until(stop: Stop, end: int) -> Stop:
    """The stop, which may begin until then at least."""
    start = stop.window.start
    latest = min(max(stop.window.end, end, start), MOST_SECONDS)
    return replace(stop, window=Window(start, latest))


def opened(problem: Problem, left: Collection[int]) -> Problem:
    """Returns the problem in which vehicles have all the time for what they have.

    `left` are the numbers of jobs that a plan has left; those of their vehicles are opened.
    """
    overdue = {problem.jobs[number].vehicle for number in left} - {None}
    vehicles = tuple(
        _without_end(one) if number in overdue else one
        for number, one in enumerate(problem.vehicles)
    )
    jobs = tuple(_at_any_time(job) if job.vehicle in overdue else job for job in problem.jobs)
    return replace(problem, vehicles=vehicles, jobs=jobs)


def _with_room(vehicle: Vehicle, problem: Problem, job: Job) -> Vehicle:
    """The vehicle with room for a job, and for all that it has on board."""
    on_board = [one.load for one in problem.jobs if one.vehicle == job.vehicle and not one.pickup]
    grams = max(sum(load.grams for load in on_board), job.load.grams, vehicle.capacity.grams)
    parcels = max(
        sum(load.parcels for load in on_board), job.load.parcels, vehicle.capacity.parcels
    )
    return replace(vehicle, capacity=Load(grams, parcels))


def _without_end(vehicle: Vehicle) -> Vehicle:
    return replace(vehicle, shift=Window(vehicle.shift.start), takes_new=False)


def _at_any_time(job: Job) -> Job:
    pickup = job.pickup and replace(job.pickup, window=Window(job.pickup.window.start))
    return replace(job, pickup=pickup, dropoff=replace(job.dropoff, window=ANY_TIME))
