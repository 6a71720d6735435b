"""How the loop's lag is read from the metrics, and what a crowd costs other accounts."""

from bench.crowd import Seen as Crowd
from bench.event_loop_lag import METRIC, Lag, lag_between
from bench.steady import Seen
from bench.tenant_p99_shift import figure


def _histogram(*counts: int) -> str:
    bounds = ("0.005", "0.05", "0.5", "+Inf")
    lines = [f"# HELP {METRIC} x", f"# TYPE {METRIC} histogram"]
    lines += [
        f'{METRIC}_bucket{{le="{bound}"}} {count}.0'
        for bound, count in zip(bounds, counts, strict=True)
    ]
    return "\n".join([*lines, f"{METRIC}_count {counts[-1]}.0", f"{METRIC}_sum 1.0", ""])


def test_the_lag_is_that_of_the_time_between_two_looks() -> None:
    before, after = _histogram(0, 0, 50, 50), _histogram(985, 991, 1050, 1050)
    assert lag_between(before, after) == Lag(50.0, 500.0)
    assert lag_between(_histogram(0, 0, 0, 0), _histogram(99, 100, 100, 100)) == Lag(5.0, 50.0)


def test_a_server_that_does_not_tell_or_had_no_time_has_no_lag() -> None:
    assert lag_between("", "# TYPE other counter\nother_total 1\n") is None
    assert lag_between(_histogram(1, 1, 1, 1), _histogram(1, 1, 1, 1)) is None


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
