"""The planner works in a process of its own, which may die."""

import os
import signal
from array import array
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest

from bench.city import City, busy
from estafette.routing import wire
from estafette.routing.obstacles import candidates
from estafette.routing.plan import Obstacle
from estafette.routing.planner import NoPlan, NoPlanError, Planner
from estafette.routing.problem import Job, Load, Problem, Vehicle, Window
from estafette.routing.ways import Crow, Point, Table, great_circle
from tests.routing.feasible import check


@pytest.fixture
async def planner() -> AsyncIterator[Planner]:
    one = Planner(grace_seconds=60)
    yield one
    await one.close()


def measured(problem: Problem) -> Problem:
    """The same problem with a table of its ways."""
    count = problem.ways.count
    ways = [problem.ways.between(a, b) for a in range(count) for b in range(count)]
    seconds, metres = array("I", [w.seconds for w in ways]), array("I", [w.metres for w in ways])
    return replace(problem, ways=Table(count, seconds, metres))


async def test_a_planner_plans_again_after_its_process_was_killed(planner: Planner) -> None:
    problem = busy(20, 5, 2)
    plan = await planner.plan(problem, seconds=5)
    check(problem, plan)
    first = planner.pid
    assert await planner.plan(problem, seconds=5) == plan
    assert planner.pid == first
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(NoPlanError) as failed:
        await planner.plan(problem, seconds=5)
    assert failed.value.reason is NoPlan.DIED
    assert await planner.plan(problem, seconds=5) == plan
    assert planner.pid != first


async def test_the_same_ways_measured_or_as_the_crow_flies_make_the_same_plan(
    planner: Planner,
) -> None:
    problem = busy(10, 3, 1)
    plan = await planner.plan(problem, seconds=5)
    assert await planner.plan(measured(problem), seconds=5) == plan
    assert [one.job for one in plan.candidates] == list(range(2, 12))
    better = await planner.plan(problem, seconds=0.5, improve=True)
    assert len(better.unassigned) <= len(plan.unassigned)


async def test_a_search_that_does_not_end_is_ended() -> None:
    planner = Planner(grace_seconds=0.01)
    await planner.plan(busy(1, 1, 0), seconds=60)  # the process has started
    process = planner.pid
    with pytest.raises(NoPlanError) as failed:
        await planner.plan(busy(600, 60, 0), seconds=0.01, effort=5)
    assert failed.value.reason is NoPlan.TIMED_OUT
    assert planner.pid is None
    assert process is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_what_the_solver_refuses_is_said_in_words(planner: Planner) -> None:
    class Wrong(Problem):
        def __post_init__(self) -> None:
            """Lets everything pass."""

    wrong = Wrong((Vehicle(7, Window(), Load(1, 1)),), busy(1, 1, 0).jobs, busy(1, 1, 0).ways)
    with pytest.raises(NoPlanError, match="a vehicle is at place 7") as failed:
        await planner.plan(wrong, seconds=1)
    assert failed.value.reason is NoPlan.REFUSED
    assert (await planner.plan(busy(1, 1, 0), seconds=5)).unassigned == ()


def test_what_is_said_to_the_process_arrives_as_it_was() -> None:
    for problem in (busy(5, 3, 2), measured(busy(5, 3, 2)), City().problem()):
        task = wire.Task(problem, 1.5, 3, 1, True, 7, 9.0)
        line, _, table = wire.question(task).partition(b"\n")
        assert len(table) == wire.table_bytes(line)
        assert wire.task(line, table) == task


def test_the_vehicles_that_are_near_are_told_with_what_keeps_them() -> None:
    city = City()
    base = city.at(43.2, 76.8)
    pickup, dropoff = city.stop(900, base), city.stop(1_800, city.at(43.21, 76.8))
    skilled = frozenset({"cold"})
    near = [city.at(43.2 + 0.001 * number, 76.8) for number in range(1, 6)]
    city.vehicle(start=near[0], skills=skilled)
    city.vehicle(start=near[1])
    city.vehicle(start=near[2], skills=skilled, capacity=Load(500, 9))
    city.vehicle(start=near[3], skills=skilled, shift=Window(0, 300))
    city.vehicle(start=near[4], skills=skilled, takes_new=False)
    city.vehicle(start=city.at(43.3, 76.8), skills=skilled)
    city.job(pickup=pickup, dropoff=dropoff, skills=skilled)
    ((job, found),) = candidates(city.problem())
    assert job == 0
    assert [(one.vehicle, one.obstacle) for one in found] == [
        (0, None),
        (1, Obstacle.SKILLS),
        (2, Obstacle.CAPACITY),
        (3, Obstacle.SHIFT_ENDS),
        (4, Obstacle.TAKES_NOTHING_NEW),
    ]
    ((_, far),) = candidates(replace(city.problem(), vehicles=(*city.vehicles[5:],)))
    assert [one.obstacle for one in far] == [Obstacle.TOO_LATE]
    assert [one.metres for one in found] == sorted(one.metres for one in found)
    assert found[0].metres == round(1.4 * great_circle(Point(43.2, 76.8), Point(43.201, 76.8)))


def _changed(**changes: Any) -> dict[str, Any]:
    """What makes a vehicle or a job of a problem out of bounds."""
    problem = busy(3, 3, 0)
    field, number = ("jobs", 0) if changes.keys() & {"load", "priority"} else ("vehicles", 0)
    one = getattr(problem, field)[number]
    return {field: (replace(one, **changes),)}


_ONE: Final = busy(3, 3, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vehicles": _ONE.vehicles * 200}, "are more than the"),
        ({"jobs": _ONE.jobs * 700}, "are more than the"),
        ({"jobs": (Job(None, _ONE.jobs[0].dropoff, Load(1, 1)),)}, "names no vehicle"),
        ({"jobs": (replace(_ONE.jobs[0], vehicle=9),)}, "vehicle 9"),
        (_changed(priority=100), "priority 100"),
        (_changed(load=Load(-1, 1)), "-1 g"),
        ({"ways": Crow((Point(0, 0),), 6.0)}, "is at place"),
        (_changed(speed=0.0), "times as fast"),
        (_changed(shift=Window(5, 4)), "from 5 to 4"),
        (_changed(skills=frozenset(map(str, range(33)))), "33 different skills"),
    ],
)
def test_a_problem_out_of_bounds_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(_ONE, **changes)


def test_the_great_circle_is_as_long_as_others_measure_it() -> None:
    almaty, astana = Point(43.238949, 76.889709), Point(51.169392, 71.449074)
    assert great_circle(almaty, astana) == pytest.approx(971_000, rel=0.005)  # pyright: ignore[reportUnknownMemberType]
    assert great_circle(Point(0, 0), Point(0, 180)) == pytest.approx(20_015_115, rel=1e-4)  # pyright: ignore[reportUnknownMemberType]
