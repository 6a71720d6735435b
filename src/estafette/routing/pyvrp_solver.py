"""PyVRP: makes a plan better, for as long as it is given. Only the child loads it.

A vehicle that has jobs of its own, which it carries or has agreed to, keeps its tour: plans of live
vehicles are VROOM's; so does one with a job that others have refused. The others, and the jobs of
nobody in particular, are planned anew from there.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

import numpy as np

from estafette.routing.plan import Action, Engine, Plan, Tour, Visit
from estafette.routing.problem import Job, Problem, Stop, Vehicle
from estafette.routing.tables import Matrix
from estafette.routing.vroom_solver import tour
from estafette.routing.ways import LONGEST_WAY

_pyvrp: Any = import_module("pyvrp")  # its numbers have no types that a checker knows
_FIRST_PART: Final = 0.7
"""The share of the time in which every job has to be carried; then some may be left."""

_MOST_PROFILES: Final = 8
"""Vehicles that differ in skills or speed need tables of their own; with more, it gives up."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The vehicles and jobs that are planned anew, by their numbers in the problem."""

    vehicles: tuple[int, ...]
    jobs: tuple[int, ...]


def improve(
    problem: Problem, plan: Plan, tables: tuple[Matrix, Matrix], *, seconds: float, seed: int
) -> Plan:
    """Returns a plan with more jobs, or as many and a shorter time on the way; else the same."""
    part = _part(problem, plan)
    profiles = {_profile_of(problem.vehicles[number]) for number in part.vehicles}
    if not part.vehicles or not part.jobs or len(profiles) > _MOST_PROFILES:
        return plan
    best = plan
    for every_job, share in ((True, _FIRST_PART), (False, 1 - _FIRST_PART)):
        if every_job or best.unassigned:
            allowed = seconds * (share if best.unassigned else 1)
            found = _search(problem, part, best, tables, allowed, seed, every_job)
            if found is not None and _cost(problem, found) < _cost(problem, best):
                best = found
            if not best.unassigned:
                break
    return best


def _cost(problem: Problem, plan: Plan) -> tuple[int, int]:
    left = sum(1 + problem.jobs[job].priority for job in plan.unassigned)
    return left, sum(tour.seconds for tour in plan.tours)


def _part(problem: Problem, plan: Plan) -> _Part:
    """What may be planned anew: all but what is bound, and what somebody has refused."""
    bound = {job.vehicle for job in problem.jobs} | {
        each.vehicle
        for each in plan.tours
        if any(problem.jobs[number].barred for number in each.jobs)
    }
    vehicles = tuple(
        n for n, one in enumerate(problem.vehicles) if one.takes_new and n not in bound
    )
    jobs = tuple(n for n, job in enumerate(problem.jobs) if job.vehicle is None and not job.barred)
    return _Part(vehicles, jobs)


def _profile_of(vehicle: Vehicle) -> tuple[frozenset[str], float]:
    return vehicle.skills, vehicle.speed


def _search(
    problem: Problem,
    part: _Part,
    plan: Plan,
    tables: tuple[Matrix, Matrix],
    seconds: float,
    seed: int,
    every_job: bool,
) -> Plan | None:
    """The best plan that was found in the time, None where none is feasible."""
    own = [each for each in plan.tours if each.vehicle in part.vehicles]
    kept = [each for each in plan.tours if each.vehicle not in part.vehicles]
    jobs_of_kept = {job for each in kept for job in each.jobs}
    part = replace(part, jobs=tuple(job for job in part.jobs if job not in jobs_of_kept))
    required = set(part.jobs) if every_job else {job for each in own for job in each.jobs}
    data, types = _data(problem, part, tables, required)
    result = _pyvrp.solve(
        data,
        stop=_pyvrp.stop.MaxRuntime(seconds),
        seed=seed,
        collect_stats=False,
        initial_solution=_start(data, part, types, own),
    )
    if not result.is_feasible():
        return None
    tours = [*kept, *_tours(problem, part, types, result.best, tables)]
    done = {visit.job for each in tours for visit in each.visits}
    left = tuple(number for number in range(len(problem.jobs)) if number not in done)
    return Plan(tuple(sorted(tours, key=lambda each: each.vehicle)), left, Engine.PYVRP)


def _types(problem: Problem, part: _Part) -> list[list[int]]:
    """The vehicles' numbers, those together that are alike."""
    alike: dict[Vehicle, list[int]] = {}
    for number in part.vehicles:
        alike.setdefault(problem.vehicles[number], []).append(number)
    return list(alike.values())


def _data(
    problem: Problem, part: _Part, tables: tuple[Matrix, Matrix], required: set[int]
) -> tuple[Any, list[list[int]]]:
    """The problem as PyVRP has it, and the vehicles of each of its types.

    Each stop is a location of its own, so that a table can bar it from vehicles without a skill.
    The last location is where tours end that end anywhere: no way there takes any time.
    """
    types = _types(problem, part)
    firsts = [problem.vehicles[numbers[0]] for numbers in types]
    places = sorted({p for one in firsts for p in (one.start, one.end) if p is not None})
    depots = {place: number for number, place in enumerate(places)}
    anywhere = len(places)
    stops = [stop for number in part.jobs for stop in _both(problem.jobs[number])]
    at = [*places, *(stop.place for stop in stops)]
    base = np.zeros((len(at) + 1, len(at) + 1), dtype=np.int64)
    base[:-1, :-1] = tables[0][np.ix_(at, at)]
    base[-1, :-1] = LONGEST_WAY
    profiles = sorted({_profile_of(one) for one in firsts}, key=repr)
    measured = [_barred(problem, part, base, len(places), *profile) for profile in profiles]
    vehicle_types = [
        _pyvrp.VehicleType(
            num_available=len(numbers),
            capacity=list(one.capacity),
            start_depot=depots[one.start],
            end_depot=anywhere if one.end is None else depots[one.end],
            tw_early=one.shift.start,
            tw_late=one.shift.end,
            profile=profiles.index(_profile_of(one)),
        )
        for numbers, one in zip(types, firsts, strict=True)
    ]
    data = _pyvrp.ProblemData(
        locations=[_pyvrp.Location(0, 0) for _ in range(len(at) + 1)],
        clients=[],
        depots=[_pyvrp.Depot(number) for number in range(len(places))] + [_pyvrp.Depot(len(at))],
        vehicle_types=vehicle_types,
        distance_matrices=measured,  # what is to be short is the time on the way
        duration_matrices=measured,
        shipments=[
            _shipment(problem.jobs[number], len(places) + 2 * index, number in required)
            for index, number in enumerate(part.jobs)
        ],
    )
    return data, types


def _both(job: Job) -> tuple[Stop, Stop]:
    assert job.pickup is not None  # noqa: S101 - of those that are bound to no vehicle
    return job.pickup, job.dropoff


def _barred(
    problem: Problem, part: _Part, base: Matrix, first: int, skills: frozenset[str], speed: float
) -> Matrix:
    """The seconds for vehicles with these skills: what asks for others is out of reach."""
    table = np.rint(base / speed).astype(np.int64)
    for index, number in enumerate(part.jobs):
        if not problem.jobs[number].skills <= skills:
            both = slice(first + 2 * index, first + 2 * index + 2)
            table[:, both] = LONGEST_WAY
    np.fill_diagonal(table, 0)
    return table


def _shipment(job: Job, location: int, is_required: bool) -> Any:
    pickup, dropoff = _both(job)
    return _pyvrp.Shipment(
        pickup_location=location,
        delivery_location=location + 1,
        pickup_tw_early=pickup.window.start,
        pickup_tw_late=pickup.window.end,
        pickup_service_duration=pickup.service,
        delivery_tw_early=dropoff.window.start,
        delivery_tw_late=dropoff.window.end,
        delivery_service_duration=dropoff.service,
        amount=list(job.load),
        prize=0 if is_required else LONGEST_WAY * (1 + job.priority),
        required=is_required,
    )


def _start(data: Any, part: _Part, types: list[list[int]], own: list[Tour]) -> Any:
    """The plan so far, as PyVRP has it."""
    activity, kind = _pyvrp.Activity, _pyvrp.ActivityType
    index = {number: at for at, number in enumerate(part.jobs)}
    type_of = {number: at for at, numbers in enumerate(types) for number in numbers}
    routes = [
        _pyvrp.Route(
            data,
            [
                activity(
                    kind.PICKUP if visit.action is Action.PICKUP else kind.DELIVERY,
                    index[visit.job],
                )
                for visit in each.visits
            ],
            type_of[each.vehicle],
        )
        for each in own
    ]
    return _pyvrp.Solution(data, routes)


def _tours(
    problem: Problem,
    part: _Part,
    types: list[list[int]],
    solution: Any,
    tables: tuple[Matrix, Matrix],
) -> list[Tour]:
    free = [list(reversed(numbers)) for numbers in types]
    tours: list[Tour] = []
    for route in solution.routes():
        visits = tuple(
            Visit(
                part.jobs[step.idx],
                Action.PICKUP if step.is_pickup() else Action.DROPOFF,
                int(step.start_time - step.wait_duration),
            )
            for step in route
            if step.is_shipment()
        )
        if visits:
            kind: int = route.vehicle_type()
            tours.append(tour(problem, free[kind].pop(), visits, tables))
    return tours
