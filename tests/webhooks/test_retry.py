import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.webhooks.retry import (
    MAX_RETRY_AFTER_SECONDS,
    RetrySchedule,
    doubling,
    parse_retry_after,
)

DAY = 86400
MINUTE = 60

FOR_A_DAY = RetrySchedule(
    doubling(MINUTE, 10), timeout_seconds=5, jitter=0.1, last_attempt_seconds=DAY
)
TEN_ATTEMPTS = RetrySchedule(doubling(MINUTE, 9), timeout_seconds=5, jitter=0.1)

schedules = st.builds(
    RetrySchedule,
    delays_seconds=st.lists(st.floats(0.01, 1e5), max_size=12).map(tuple),
    timeout_seconds=st.just(5.0),
    jitter=st.floats(0, 0.99),
    last_attempt_seconds=st.none() | st.floats(0.01, 1e6),
)
chances = st.floats(0, 1, exclude_max=True)
wishes = st.none() | st.floats(0, 1e12)


def middle() -> float:
    return 0.5


def round_of(schedule: RetrySchedule, wish: float | None = None) -> list[float]:
    """The times of all attempts of a round, in seconds after the first, when each fails at once."""
    times = [0.0]
    while True:
        delay = schedule.next_attempt_delay(len(times), times[-1], wish, middle)
        if delay is None:
            return times
        times.append(times[-1] + delay)


def test_delays_double_and_a_last_attempt_follows_at_the_end_of_the_day():
    minutes = [1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1440]
    assert round_of(FOR_A_DAY) == [0.0, *(m * MINUTE for m in minutes)]
    assert FOR_A_DAY.max_attempts == 12


def test_a_schedule_without_a_deadline_ends_with_its_delays():
    assert round_of(TEN_ATTEMPTS) == [0.0, *((2**n - 1) * MINUTE for n in range(1, 10))]
    assert TEN_ATTEMPTS.max_attempts == 10


@pytest.mark.parametrize("schedule", [FOR_A_DAY, TEN_ATTEMPTS])
def test_a_round_whose_attempts_are_used_up_is_over_although_there_is_time_left(
    schedule: RetrySchedule,
):
    most = schedule.max_attempts
    assert schedule.next_attempt_delay(most - 1, 1.0, None, middle) is not None
    for used_up in (most, most + 1):
        assert schedule.next_attempt_delay(used_up, 1.0, None, middle) is None


def test_a_schedule_without_delays_or_deadline_has_one_attempt():
    assert round_of(RetrySchedule((), timeout_seconds=5)) == [0.0]


def test_a_receiver_may_ask_for_more_time():
    assert FOR_A_DAY.next_attempt_delay(1, 0, 600, middle) == 600


def test_a_receiver_cannot_ask_for_less_time():
    assert FOR_A_DAY.next_attempt_delay(5, 900, 0, middle) == 16 * MINUTE


def test_a_wish_for_decades_is_cut_to_the_longest_delay():
    assert FOR_A_DAY.next_attempt_delay(1, 0, 1e9, middle) == 512 * MINUTE
    assert TEN_ATTEMPTS.next_attempt_delay(1, 0, 1e9, middle) == 256 * MINUTE


def test_a_wish_for_decades_leaves_a_round_of_several_attempts_that_ends_in_time():
    assert round_of(FOR_A_DAY, 1e9) == [0.0, 512 * MINUTE, 1024 * MINUTE, DAY]


def test_the_last_attempt_takes_place_although_the_receiver_wishes_it_later():
    assert FOR_A_DAY.next_attempt_delay(11, DAY - 100, 3600, middle) == 100


def test_a_round_found_after_its_deadline_is_over():
    assert FOR_A_DAY.next_attempt_delay(2, DAY, None, middle) is None
    assert FOR_A_DAY.next_attempt_delay(2, DAY + 7200, 60, middle) is None


@given(schedules, st.integers(1, 20), st.floats(0, 2e6), wishes, chances)
def test_a_wait_stays_within_its_bounds(
    schedule: RetrySchedule, attempt: int, elapsed: float, wish: float | None, chance: float
):
    delay = schedule.next_attempt_delay(attempt, elapsed, wish, lambda: chance)
    last = schedule.last_attempt_seconds
    if delay is None:
        assert attempt >= schedule.max_attempts or (last is not None and elapsed >= last)
        return
    assert math.isfinite(delay)
    assert delay > 0
    if last is None:
        assert delay <= max(schedule.delays_seconds) * (1 + schedule.jitter)
    else:
        assert delay <= last - elapsed


@given(schedules, st.floats(0, 1e9), chances)
def test_every_round_ends_after_at_most_its_attempts(
    schedule: RetrySchedule, wish: float, chance: float
):
    attempts, elapsed = 1, 0.0
    while (
        delay := schedule.next_attempt_delay(attempts, elapsed, wish, lambda: chance)
    ) is not None:
        attempts, elapsed = attempts + 1, elapsed + delay
        assert attempts <= schedule.max_attempts
    assert schedule.last_attempt_seconds is None or elapsed <= schedule.last_attempt_seconds * 1.001


@given(st.integers(1, 10), chances)
def test_jitter_stays_within_a_tenth_either_way(attempt: int, chance: float):
    delay = FOR_A_DAY.next_attempt_delay(attempt, 0, None, lambda: chance)
    assert delay is not None
    assert 0.9 <= delay / (MINUTE * 2 ** (attempt - 1)) <= 1.1


@given(schedules, st.integers(1, 12), chances, st.floats(0, 1e12))
def test_a_wish_never_shortens_a_wait(
    schedule: RetrySchedule, attempt: int, chance: float, wish: float
):
    without = schedule.next_attempt_delay(attempt, 0, None, lambda: chance)
    with_wish = schedule.next_attempt_delay(attempt, 0, wish, lambda: chance)
    assert (without is None) == (with_wish is None)
    if without is not None and with_wish is not None:
        assert with_wish >= without


@pytest.mark.parametrize("bad", [0, -1, math.inf, math.nan])
def test_a_time_that_is_not_positive_and_finite_is_refused(bad: float):
    with pytest.raises(ValueError, match="positive"):
        RetrySchedule((60, bad), timeout_seconds=5)
    with pytest.raises(ValueError, match="positive"):
        RetrySchedule((60,), timeout_seconds=bad)
    with pytest.raises(ValueError, match="positive"):
        RetrySchedule((60,), timeout_seconds=5, last_attempt_seconds=bad)


@pytest.mark.parametrize("bad", [-0.1, 1.0, math.nan])
def test_a_jitter_that_is_no_fraction_is_refused(bad: float):
    with pytest.raises(ValueError, match="jitter"):
        RetrySchedule((60,), timeout_seconds=5, jitter=bad)


NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0000000000060", MAX_RETRY_AFTER_SECONDS),  # too long to be worth reading
        ("9" * 5000, MAX_RETRY_AFTER_SECONDS),
        (f"{NOW + timedelta(minutes=5):%a, %d %b %Y %H:%M:%S} GMT", 300),
        (f"{NOW - timedelta(minutes=5):%a, %d %b %Y %H:%M:%S} GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_SECONDS),
        ("Fri, 01 May 2026 12:10:00 -0000", 600),
        ("Fri, 31 Dec 9999 23:59:59 -2359", MAX_RETRY_AFTER_SECONDS),
        ("-1", None),
        ("+5", None),
        ("1.5", None),
        ("1e9", None),
        ("", None),
        ("٣", None),
        ("²", None),
        ("NaN", None),
        ("Fri, 99 May 2026 12:10:00 GMT", None),
        ("Fri, 01 May 99999999999999999999 12:10:00 GMT", None),
    ],
)
def test_a_wish_to_wait_is_read_or_ignored(value: str, seconds: int | None):
    assert parse_retry_after(value, NOW) == seconds
