"""When a numbered delivery is created, and which year's number it gets."""

from datetime import UTC, datetime, timedelta

from estafette.core.deliveries.numbering import AHEAD, created_at, is_wrong, years_near

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)


def test_it_comes_after_those_that_are_there_when_the_clock_was_set_back_a_little() -> None:
    now = NEW_YEAR + timedelta(days=60)
    assert created_at(now, []) == created_at(now, [None, now - INSTANT]) == now
    assert created_at(now, [now, None]) == now + INSTANT
    assert created_at(now, [now + AHEAD, now - AHEAD]) == now + AHEAD + INSTANT


def test_a_clock_that_was_far_ahead_dates_nothing_that_follows() -> None:
    now = NEW_YEAR + timedelta(days=60)
    far = now + timedelta(days=400)
    assert created_at(now, [far]) == now
    assert created_at(now, [far, now]) == now + INSTANT
    assert is_wrong(now, far)
    assert not is_wrong(now, now + AHEAD)
    assert not is_wrong(now, None)


def test_the_year_of_what_is_created_at_the_turn_is_among_those_that_are_locked() -> None:
    last = NEW_YEAR - INSTANT
    assert created_at(last, [last]) == NEW_YEAR  # in the next year's series
    for now in (last, NEW_YEAR, NEW_YEAR - AHEAD):
        assert years_near(now) == {2026, 2027}
        assert created_at(now, [now + AHEAD]).year in years_near(now)
    assert years_near(NEW_YEAR + timedelta(days=1)) == {2027}
