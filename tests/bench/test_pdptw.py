"""Li & Lim's files are read as they are meant, and a plan is measured in exact numbers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import pdptw
from estafette.routing import pyvrp_solver, vroom_solver
from estafette.routing.plan import Plan, Tour
from estafette.routing.tables import tables

# Two corners of the unit square are fetched from and brought to from its others: one vehicle needs
# the square's four sides and the way to it; the windows leave time for exactly that, and no detour.
SQUARE = """\
5 10 1
0 0 0 0 0 100 0 0 0
1 10 0 6 0 10 1 0 2
2 20 0 -6 0 22 1 1 0
3 20 10 6 0 33 1 0 4
4 10 10 -6 0 44 1 3 0
"""


@pytest.fixture
def square(tmp_path: Path) -> pdptw.Instance:
    (tmp_path / "li_lim_100").mkdir()
    (tmp_path / "li_lim_100" / "square.txt").write_text(SQUARE)
    best = {"square": {"vehicles": 1, "distance": 54.142}}
    (tmp_path / "best_known.json").write_text(json.dumps(best))
    assert pdptw.names(tmp_path) == ["square"]
    return pdptw.read(tmp_path, "square")


def planned(instance: pdptw.Instance) -> Plan:
    problem = instance.problem()
    measured = tables(problem.ways)
    plan = vroom_solver.solve(problem, measured, effort=5, threads=1, seconds=1)
    return pyvrp_solver.improve(problem, plan, measured, seconds=0.2, seed=1)


def test_the_shortest_tour_of_a_problem_is_found_and_is_as_long_as_it_is(
    square: pdptw.Instance,
) -> None:
    length = square.length(planned(square))
    assert length == pytest.approx(square.distance, abs=0.001)  # pyright: ignore[reportUnknownMemberType]


def test_what_misses_a_window_exceeds_the_capacity_or_leaves_something_has_no_length(
    square: pdptw.Instance,
) -> None:
    plan = planned(square)
    (tour,) = plan.tours
    first_fetch, first_drop, *others = tour.visits
    wrong_order = (first_drop, first_fetch, *others)
    late = (*others, first_fetch, first_drop)
    heavy = (first_fetch, others[0], first_drop, others[1])
    for visits in (wrong_order, late, heavy):
        assert square.length(replace(plan, tours=(replace(tour, visits=visits),))) is None
    assert square.length(replace(plan, unassigned=(0,))) is None
    two = (tour, Tour(1, (), 0, 0))
    assert square.length(replace(plan, tours=two)) is None
