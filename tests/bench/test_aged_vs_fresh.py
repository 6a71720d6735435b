"""How the ratios of an aged and a fresh database make one figure."""

import pytest

from bench.aged_vs_fresh import Measured, figure


def _measured(aged: list[list[float]], fresh: list[list[float]]) -> Measured:
    return Measured(
        [[ms / 1000 for ms in one] for one in aged], [[ms / 1000 for ms in one] for one in fresh]
    )


def test_an_operation_counts_by_the_middle_of_its_rounds_ratios() -> None:
    one = _measured([[1, 2], [30, 40], [1, 3]], [[1, 1], [10, 10], [1, 4]])
    assert one.ratio() == pytest.approx(2.0)
    assert one.p99s() == pytest.approx((3.0, 4.0))


def test_the_figure_is_the_worst_operation_of_any_phase() -> None:
    good, slow = _measured([[2]], [[2]]), _measured([[6]], [[2]])
    found = figure({"early": {"list": good, "get": slow}, "late": {"list": good, "get": good}}, {})
    assert (found.value, found.ok) == (3.0, False)
    assert found.shown.startswith("get, early: p99 6.0 ms against 2.0 ms; 1 of 2")
    assert figure({"late": {"list": good, "get": good}}, {}).ok


def test_a_wrong_answer_is_no_figure_however_fast_the_others_were() -> None:
    good, wrong = _measured([[2]], [[2]]), _measured([[1]], [[2]])
    wrong.refused = "500 in a list"
    found = figure({"late": {"get": good, "list": wrong}}, {})
    assert (found.value, found.ok) == (None, False)
    assert found.missing is not None
    assert "list: 500 in a list" in found.missing
    assert found.detail["worst"] == 1.0


def test_an_operation_that_was_too_slow_for_a_round_is_measured_by_the_others() -> None:
    assert _measured([[], [4]], [[], [2]]).ratio() == pytest.approx(2.0)
    assert _measured([[]], [[]]).ratio() is None
