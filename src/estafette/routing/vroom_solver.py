"""VROOM: a problem in its words, and its routes as a plan. Only the child loads it."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

import numpy as np

from estafette.routing.easing import eased, opened
from estafette.routing.plan import Action, Engine, Plan, Tour, Visit
from estafette.routing.problem import Job, Problem, Stop, Vehicle, Window
from estafette.routing.tables import Matrix

_vroom: Any = import_module("vroom")  # it has no types
_BOUND_SKILLS: Final = 1_000
"""Skills above this are of one vehicle each."""

_TAKES_NEW: Final = 999
"""The skill of vehicles that are given jobs which they do not have yet."""

_NOT_BARRED: Final = 10_000
"""Skills above this are of all vehicles but a few."""

_FIRST: Final = 100
"""VROOM's highest priority."""


def solve(
    problem: Problem,
    tables: tuple[Matrix, Matrix],
    *,
    effort: int,
    threads: int,
    seconds: float,
) -> Plan:
    """Returns VROOM's plan, in which every vehicle has the jobs that are bound to it.

    What vehicles have and cannot do in time, with nothing else to do, has all the time. At effort 0
    VROOM does not look at priorities of jobs with a pickup: where they differ, or what is bound was
    left, it makes the effort 1. What is left even then has all the time as well.
    """
    problem = eased(problem)
    if len({job.priority for job in problem.jobs if job.vehicle is None}) > 1:
        effort = max(effort, 1)
    if late := _never_in_time(problem, tables, threads, seconds):
        problem = opened(problem, late)
    plan = _solve(problem, tables, effort, threads, seconds)
    if effort == 0 and _bound(problem, plan):
        effort = 1
        plan = _solve(problem, tables, effort, threads, seconds)
    if left := _bound(problem, plan):
        plan = _solve(opened(problem, left), tables, effort, threads, seconds)
    return plan


def _never_in_time(
    problem: Problem, tables: tuple[Matrix, Matrix], threads: int, seconds: float
) -> list[int]:
    """Returns the numbers of bound jobs that are left although nobody has anything else to do.

    They are few, so that it costs little to know it before all is planned.
    """
    numbers = [number for number, job in enumerate(problem.jobs) if job.vehicle is not None]
    for effort in (0, 1):
        alone = replace(problem, jobs=tuple(problem.jobs[number] for number in numbers))
        plan = _solve(alone, tables, effort, threads, seconds)
        if not plan.unassigned:
            return []
        left = [numbers[number] for number in plan.unassigned]
        whose = {problem.jobs[number].vehicle for number in left}
        numbers = [number for number in numbers if problem.jobs[number].vehicle in whose]
    return left


def _bound(problem: Problem, plan: Plan) -> list[int]:
    return [number for number in plan.unassigned if problem.jobs[number].vehicle is not None]


def _solve(
    problem: Problem, tables: tuple[Matrix, Matrix], effort: int, threads: int, seconds: float
) -> Plan:
    if not problem.vehicles or not problem.jobs:
        return Plan((), tuple(range(len(problem.jobs))), Engine.VROOM)
    given = _vroom.Input()
    given.set_durations_matrix("car", tables[0].astype(np.uint32))
    given.set_distances_matrix("car", tables[1].astype(np.uint32))
    skills = _numbers(problem)
    bars = _bars(problem)
    for number, vehicle in enumerate(problem.vehicles):
        given.add_vehicle(
            _vroom.Vehicle(
                number,
                start=vehicle.start,
                end=vehicle.end,
                capacity=list(vehicle.capacity),
                skills=_skills(number, vehicle, skills)
                | {skill for barred, skill in bars.items() if number not in barred},
                time_window=_window(vehicle.shift),
                speed_factor=vehicle.speed,
            )
        )
    for number, job in enumerate(problem.jobs):
        bar = {bars[job.barred]} if job.barred else set[int]()
        given.add_job(_job(number, job, skills, bar))
    solution = given.solve(
        exploration_level=effort, nb_threads=threads, timeout=timedelta(seconds=seconds)
    )
    return _plan(problem, solution, tables)


def _skills(number: int, vehicle: Vehicle, numbers: dict[str, int]) -> set[int]:
    new = {_TAKES_NEW} if vehicle.takes_new else set[int]()
    return {_BOUND_SKILLS + number} | new | {numbers[name] for name in vehicle.skills}


def _job(number: int, job: Job, numbers: dict[str, int], bar: set[int]) -> Any:
    whose = {_TAKES_NEW if job.vehicle is None else _BOUND_SKILLS + job.vehicle}
    asked: dict[str, Any] = {
        "skills": whose | bar | {numbers[name] for name in job.skills},
        "priority": job.priority if job.vehicle is None else _FIRST,
    }
    if job.pickup is None:
        stop = job.dropoff
        return _vroom.Job(number, delivery=list(job.load), **_stop(stop), **asked)
    return _vroom.Shipment(
        _vroom.ShipmentStep(number, **_stop(job.pickup)),
        _vroom.ShipmentStep(number, **_stop(job.dropoff)),
        amount=list(job.load),
        **asked,
    )


def _bars(problem: Problem) -> dict[frozenset[int], int]:
    """Skills of all vehicles but those that are barred from a job, by which these are."""
    barred = {job.barred for job in problem.jobs if job.barred}
    return {each: _NOT_BARRED + n for n, each in enumerate(sorted(barred, key=sorted))}


def _stop(stop: Stop) -> dict[str, Any]:
    return {
        "location": stop.place,
        "default_service": stop.service,
        "time_windows": [_window(stop.window)],
    }


def _window(window: Window) -> Any:
    return _vroom.TimeWindow(window.start, window.end)


def _numbers(problem: Problem) -> dict[str, int]:
    """The skills by number, as VROOM has them."""
    names = {name for one in (*problem.vehicles, *problem.jobs) for name in one.skills}
    return {name: number for number, name in enumerate(sorted(names), 1)}


def _plan(problem: Problem, solution: Any, tables: tuple[Matrix, Matrix]) -> Plan:
    routes: dict[int, list[Visit]] = {}
    frame = solution.routes
    columns = [frame[name] for name in ("vehicle_id", "type", "id", "arrival") if name in frame]
    for vehicle, kind, number, arrival in zip(*columns, strict=True) if len(columns) == 4 else ():
        if kind in ("job", "delivery", "pickup"):
            action = Action.PICKUP if kind == "pickup" else Action.DROPOFF
            routes.setdefault(int(vehicle), []).append(Visit(int(number), action, int(arrival)))
    tours = tuple(
        tour(problem, vehicle, tuple(visits), tables) for vehicle, visits in sorted(routes.items())
    )
    done = {visit.job for one in tours for visit in one.visits}
    unassigned = tuple(number for number in range(len(problem.jobs)) if number not in done)
    return Plan(tours, unassigned, Engine.VROOM)


def tour(
    problem: Problem, vehicle: int, visits: tuple[Visit, ...], tables: tuple[Matrix, Matrix]
) -> Tour:
    """Returns the tour of a vehicle with these visits, and how long it is."""
    of = problem.vehicles[vehicle]
    places = [of.start]
    for visit in visits:
        job = problem.jobs[visit.job]
        stop = job.pickup if visit.action is Action.PICKUP and job.pickup else job.dropoff
        places.append(stop.place)
    if of.end is not None:
        places.append(of.end)
    seconds, metres = (int(table[places[:-1], places[1:]].sum()) for table in tables)
    return Tour(vehicle, visits, metres, round(seconds / of.speed))
