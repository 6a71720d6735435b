"""The time at which a driver did something, by a clock that may be wrong."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from estafette.core.fleet.tap import CLOCK_TOLERANCE, Tap, TapKind, corrected

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def tap(at: datetime) -> Tap:
    return Tap(uuid4(), 1, TapKind.ARRIVED, at, uuid4())


spans = st.timedeltas(timedelta(days=-4000), timedelta(days=4000))


@given(error=spans, ago=st.lists(st.integers(0, 100_000), max_size=10))
def test_a_clock_that_is_wrong_by_the_same_all_day_changes_nothing(
    error: timedelta, ago: list[int]
) -> None:
    ago = sorted(ago, reverse=True)
    times = corrected([tap(NOW + error - each * SECOND) for each in ago], NOW + error, NOW)
    for found, each in zip(times, ago, strict=True):
        assert abs(found - (NOW - each * SECOND)) <= CLOCK_TOLERANCE


@given(phone_now=spans, at=st.lists(spans, max_size=10))
def test_times_are_in_order_and_none_is_to_come(phone_now: timedelta, at: list[timedelta]) -> None:
    times = corrected([tap(NOW + each) for each in at], NOW + phone_now, NOW)
    assert times == sorted(times)
    assert all(each <= NOW for each in times)
