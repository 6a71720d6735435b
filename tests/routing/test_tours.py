"""Tours keep to what is possible, and to what drivers have already."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.city import City, busy
from estafette.routing import nearest, pyvrp_solver, vroom_solver
from estafette.routing.easing import SLACK
from estafette.routing.plan import Action, Engine, Plan
from estafette.routing.problem import Load, Problem, Window
from estafette.routing.tables import tables
from tests.routing.feasible import check


def by_vroom(problem: Problem, effort: int = 0) -> Plan:
    return vroom_solver.solve(problem, tables(problem.ways), effort=effort, threads=1, seconds=5)


def improved(problem: Problem, plan: Plan, seconds: float = 0.5) -> Plan:
    measured = tables(problem.ways)
    return pyvrp_solver.improve(problem, plan, measured, seconds=seconds, seed=1)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    city = City(draw(st.integers(0, 1_000)))
    skills = st.frozensets(st.sampled_from(["cold", "age"]))
    for _ in range(draw(st.integers(1, 4))):
        city.vehicle(
            skills=draw(skills),
            capacity=Load(5_000, draw(st.integers(1, 3))),
            end=draw(st.sampled_from([None, city.anywhere()])),
            speed=draw(st.sampled_from([0.5, 1.0, 2.0])),
        )
    for _ in range(draw(st.integers(0, 8))):
        until = draw(st.sampled_from([600, 3_600, 14_400]))
        city.job(
            pickup=city.stop(until),
            dropoff=city.stop(until),
            load=Load(draw(st.sampled_from([1_000, 6_000])), 1),
            skills=draw(skills),
            priority=draw(st.sampled_from([0, 50])),
            barred=draw(st.frozensets(st.integers(0, 3), max_size=2)),
        )
    for vehicle, able in enumerate(tuple(city.vehicles)):
        if draw(st.booleans()):
            city.job(pickup=None, dropoff=city.stop(14_400), vehicle=vehicle, skills=able.skills)
    return city.problem()


@given(problems())
@settings(max_examples=60, deadline=None)
def test_no_plan_does_what_cannot_be_done(problem: Problem) -> None:
    vroom = by_vroom(problem)
    check(problem, vroom)
    check(problem, nearest.plan(problem))
    better = improved(problem, vroom, 0.01)
    check(problem, better)
    assert len(better.unassigned) <= len(vroom.unassigned)


def test_what_is_on_board_stays_with_its_driver_and_comes_before_everything_else() -> None:
    city = City()
    far, near = city.at(43.30, 76.95), city.at(43.20, 76.80)
    holder, other = city.vehicle(start=far), city.vehicle(start=near)
    mine = city.job(pickup=None, dropoff=city.stop(1_000_000, near), vehicle=holder)
    plan = by_vroom(city.problem())
    assert {tour.vehicle: tour.jobs for tour in plan.tours} == {holder: (mine,)}
    assert other not in {tour.vehicle for tour in plan.tours}


@pytest.mark.parametrize("fetched", [False, True])
def test_what_a_driver_has_is_planned_late_rather_than_not_at_all(fetched: bool) -> None:
    city = City()
    holder = city.vehicle(start=city.at(43.30, 76.95), shift=Window(0, 60))
    goes_to = city.stop(1, city.at(43.20, 76.80))
    pickup = city.stop(1, city.at(43.21, 76.80)) if fetched else None
    late = city.job(pickup=pickup, dropoff=goes_to, vehicle=holder)
    problem = city.problem()
    for plan in (by_vroom(problem), nearest.plan(problem)):
        assert [tour.jobs for tour in plan.tours] == [(late,)]
        check(problem, plan, late=frozenset({late}))


def test_a_late_parcel_of_one_driver_does_not_open_windows_or_shifts_of_others() -> None:
    city = City()
    near, far = city.at(43.20, 76.80), city.at(43.30, 76.95)
    late, free = city.vehicle(start=far, shift=Window(0, 60)), city.vehicle(start=near)
    city.job(pickup=None, dropoff=city.stop(1, near), vehicle=late)
    missed = city.job(pickup=city.stop(1, far), dropoff=city.stop(7_200, near))
    done = city.job(pickup=city.stop(600, near), dropoff=city.stop(7_200, near))
    plan = by_vroom(city.problem())
    assert plan.unassigned == (missed,)
    assert {tour.vehicle: tour.jobs for tour in plan.tours}[free] == (done,)


def test_what_somebody_gave_a_driver_by_hand_is_planned_though_it_does_not_fit() -> None:
    city = City()
    holder = city.vehicle(capacity=Load(500, 1))
    given = [
        city.job(pickup=None, dropoff=city.stop(), vehicle=holder),
        city.job(pickup=None, dropoff=city.stop(), vehicle=holder),
        city.job(vehicle=holder, load=Load(9_000, 1), skills=frozenset({"cold"})),
    ]
    plan = by_vroom(city.problem())
    assert plan.unassigned == ()
    assert sorted(plan.tours[0].jobs) == given


def test_who_takes_nothing_new_does_what_he_has_alone() -> None:
    city = City()
    ending = city.vehicle(takes_new=False)
    mine, anybodys = city.job(vehicle=ending), city.job()
    problem = city.problem()
    for plan in (by_vroom(problem), nearest.plan(problem), improved(problem, by_vroom(problem))):
        assert [tour.jobs for tour in plan.tours] == [(mine,)]
        assert plan.unassigned == (anybodys,)


def test_what_may_be_late_is_soon_where_nobody_can_be_in_time() -> None:
    city = City()
    near, far = city.at(43.20, 76.80), city.at(43.30, 76.95)
    city.vehicle(start=near)
    tomorrow = [city.job(pickup=city.stop(90_000, near), dropoff=city.stop(90_000, near))]
    late = city.job(pickup=city.stop(1, far), dropoff=city.stop(2, near), may_be_late=True)
    missed = city.job(pickup=city.stop(1, far), dropoff=city.stop(2, near))
    problem = city.problem()
    plan = by_vroom(problem)
    assert plan.unassigned == (missed,)
    assert sorted(plan.tours[0].jobs) == [*tomorrow, late]
    soonest = problem.ways.between(near, far).seconds
    fetched = next(visit.arrival for visit in plan.tours[0].visits if visit.job == late)
    assert soonest <= fetched <= soonest + SLACK


def test_of_jobs_that_cannot_all_be_done_the_more_urgent_are() -> None:
    city = City()
    city.vehicle(start=city.at(43.20, 76.80))
    one, other = (city.stop(1_800, city.at(*point)) for point in ((43.25, 76.80), (43.15, 76.80)))
    ordinary = city.job(pickup=one, dropoff=one)
    urgent = city.job(pickup=other, dropoff=other, priority=50)
    for plan in (by_vroom(city.problem()), nearest.plan(city.problem())):
        assert [tour.jobs for tour in plan.tours] == [(urgent,)]
        assert plan.unassigned == (ordinary,)


def test_a_solver_needs_far_fewer_metres_than_giving_each_to_the_nearest() -> None:
    problem = busy(60, 15, 5)
    solved, simple = by_vroom(problem), nearest.plan(problem)
    carried, fewer = (len(problem.jobs) - len(plan.unassigned) for plan in (solved, simple))
    assert carried > fewer
    assert solved.metres / carried < 0.7 * simple.metres / fewer


def test_pyvrp_begins_with_the_plan_that_it_is_given_and_makes_it_better() -> None:
    problem = busy(60, 15, 0)
    plan = nearest.plan(problem)
    first, better = improved(problem, plan, 0.001), improved(problem, plan, 1.5)
    check(problem, better)
    assert better.engine is Engine.PYVRP
    assert sum(tour.seconds for tour in better.tours) < sum(tour.seconds for tour in plan.tours)
    assert sum(tour.seconds for tour in better.tours) <= sum(tour.seconds for tour in first.tours)


def test_pyvrp_leaves_alone_those_who_carry_something() -> None:
    problem = busy(30, 10, 4)
    plan = by_vroom(problem)
    better = improved(problem, plan, 0.5)
    check(problem, better)
    carrying = {number: tour for tour in plan.tours if (number := tour.vehicle) < 4}
    assert {tour.vehicle: tour for tour in better.tours if tour.vehicle < 4} == carrying


def test_pyvrp_carries_what_was_left_where_it_can() -> None:
    problem = busy(20, 6, 0)
    nothing = Plan((), tuple(range(len(problem.jobs))), Engine.NEAREST)
    better = improved(problem, nothing, 1.5)
    check(problem, better)
    assert better.unassigned == ()


def test_nobody_means_that_everything_is_left() -> None:
    problem = replace(busy(3, 1, 0), vehicles=())
    for plan in (by_vroom(problem), nearest.plan(problem)):
        assert plan.tours == ()
        assert plan.unassigned == (0, 1, 2)
        assert improved(problem, plan, 0.01) == plan


def test_a_visit_of_a_tour_tells_what_is_done_there_and_when() -> None:
    city = City()
    start, pickup, dropoff = (city.at(43.20 + north, 76.80) for north in (0.0, 0.01, 0.03))
    city.vehicle(start=start)
    job = city.job(pickup=city.stop(7_200, pickup), dropoff=city.stop(7_200, dropoff))
    problem = city.problem()
    there, on = problem.ways.between(start, pickup), problem.ways.between(pickup, dropoff)
    for plan in (by_vroom(problem), nearest.plan(problem)):
        (tour,) = plan.tours
        assert [visit[:2] for visit in tour.visits] == [
            (job, Action.PICKUP),
            (job, Action.DROPOFF),
        ]
        first, second = (visit.arrival for visit in tour.visits)
        assert abs(first - there.seconds) <= 1
        assert abs(second - (there.seconds + 120 + on.seconds)) <= 2
        assert abs(tour.metres - there.metres - on.metres) <= 2
