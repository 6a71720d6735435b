"""What a driver has already is planned whatever it takes: late, over the limit, after the shift.

A solver drops what does not fit. What a driver has on board, or has agreed to fetch, cannot be
dropped by a plan; so what stands in its way is eased, and the driver who works beyond the shift for
it is given nothing new.
"""

from collections.abc import Collection
from dataclasses import replace

from estafette.routing.obstacles import obstacle
from estafette.routing.plan import Obstacle
from estafette.routing.problem import ANY_TIME, Job, Load, Problem, Vehicle, Window


def eased(problem: Problem) -> Problem:
    """Returns the problem without what already keeps a vehicle from a job that it has."""
    vehicles, jobs = list(problem.vehicles), list(problem.jobs)
    for number, job in enumerate(problem.jobs):
        whose = job.vehicle
        if whose is None:
            continue
        vehicles[whose] = vehicle = _with_room(vehicles[whose], problem, job)
        jobs[number] = job = replace(job, skills=frozenset())
        if obstacle(problem, vehicle, job) is Obstacle.TOO_LATE:
            jobs[number] = job = _at_any_time(job)
        if obstacle(problem, vehicle, job) is Obstacle.SHIFT_ENDS:
            vehicles[whose] = _without_end(vehicle)
    return replace(problem, vehicles=tuple(vehicles), jobs=tuple(jobs))


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
