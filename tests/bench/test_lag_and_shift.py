"""How the loop's lag is read from the metrics, and what a crowd costs other accounts."""

import pytest

from bench.crowd import Seen as Crowd
from bench.event_loop_lag import METRIC, WORST, Lag, lag_between
from bench.load import Seen
from bench.tenant_p99_shift import figure


def _metrics(*counts: int, worst: float = 0.4) -> str:
    bounds = ("0.01", "0.05", "0.5", "+Inf")
    lines = [f"# HELP {METRIC} x", f"# TYPE {METRIC} histogram"]
    lines += [
        f'{METRIC}_bucket{{process="server",le="{bound}"}} {count}.0'
        for bound, count in zip(bounds, counts, strict=True)
    ]
    lines += [f'{METRIC}_count{{process="server"}} {counts[-1]}.0', f"# TYPE {WORST} gauge"]
    return "\n".join([*lines, f'{WORST}{{process="server"}} {worst}', ""])


def test_the_lag_is_that_of_the_time_between_two_looks() -> None:
    before = _metrics(0, 0, 0, 500, worst=9.0)
    after = _metrics(985, 995, 1000, 1500)
    found = lag_between(before, after)
    assert found is not None
    assert (found.p99_ms, found.max_ms) == pytest.approx((30.0, 400.0))


def test_a_lag_is_no_later_than_the_latest() -> None:
    after = _metrics(0, 100, 100, 100, worst=0.02)
    assert lag_between(_metrics(0, 0, 0, 0), after) == Lag(20.0, 20.0)
    beyond = _metrics(0, 0, 0, 100, worst=4.0)
    assert lag_between(_metrics(0, 0, 0, 0), beyond) == Lag(4000.0, 4000.0)


def test_a_server_that_does_not_tell_or_had_no_time_has_no_lag() -> None:
    assert lag_between("", "# TYPE other counter\nother_total 1\n") is None
    assert lag_between(_metrics(1, 1, 1, 1), _metrics(1, 1, 1, 1)) is None


def _seen(p99_ms: float, refused: int = 0) -> Seen:
    return Seen(100, refused, 50, 1, 2, p99_ms, p99_ms + 1, 0, 0, 0)


def test_the_shift_is_the_middle_of_the_rounds() -> None:
    rounds = [(_seen(2), _seen(12)), (_seen(4), _seen(900)), (_seen(3), _seen(23))]
    found = figure(rounds, [Crowd({"200": 5}), Crowd({"503": 9})])
    assert (found.value, found.ok) == (20, True)
    assert found.detail["slowest_ms"] == 901
    assert found.detail["answers_to_the_crowd"] == [{"200": 5}, {"503": 9}]


def test_gets_that_were_refused_are_no_gets() -> None:
    found = figure([(_seen(2), _seen(3, refused=1))], [Crowd()])
    assert (found.value, found.missing) == (None, "1 GETs were refused")
