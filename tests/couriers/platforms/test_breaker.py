"""The circuit breaker, by a clock that the test moves."""

import pytest

from estafette.core.couriers.company import CourierResting
from estafette.couriers.platforms.breaker import (
    FAILURES,
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    Breaker,
)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.begin()
        breaker.failed()
    return breaker


def test_failures_in_a_row_open_it_and_others_do_not(clock: Clock) -> None:
    heard: list[bool] = []
    breaker = Breaker(clock, heard.append)
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert not breaker.is_open
    breaker.failed()
    assert breaker.is_open
    assert heard == [True]


def test_open_it_holds_everything_back_and_says_for_how_long(opened: Breaker, clock: Clock) -> None:
    clock.now += FIRST_REST_SECONDS - 5
    with pytest.raises(CourierResting) as refused:
        opened.begin()
    assert refused.value.seconds == 5


def test_one_probe_passes_after_the_rest_and_its_success_closes_it(
    opened: Breaker, clock: Clock
) -> None:
    clock.now += FIRST_REST_SECONDS
    opened.begin()
    with pytest.raises(CourierResting):
        opened.begin()
    opened.succeeded()
    opened.begin()
    opened.begin()
    assert opened.rests_for == 0


def test_each_probe_that_fails_doubles_the_rest_up_to_a_bound(
    opened: Breaker, clock: Clock
) -> None:
    rest = FIRST_REST_SECONDS
    for _ in range(8):
        clock.now += rest
        opened.begin()
        opened.failed()
        rest = min(rest * 2, LONGEST_REST_SECONDS)
        assert opened.rests_for == rest
    assert rest == LONGEST_REST_SECONDS
    clock.now += rest
    opened.begin()
    opened.succeeded()
    for _ in range(FAILURES):
        opened.failed()
    assert opened.rests_for == FIRST_REST_SECONDS


def test_a_probe_that_was_given_up_lets_the_next_one_pass(opened: Breaker, clock: Clock) -> None:
    clock.now += FIRST_REST_SECONDS
    opened.begin()
    opened.abandoned()
    opened.begin()


def test_a_late_failure_of_a_request_from_before_changes_nothing(
    opened: Breaker, clock: Clock
) -> None:
    opened.failed()
    assert opened.rests_for == FIRST_REST_SECONDS
    clock.now += FIRST_REST_SECONDS
    opened.begin()
