"""Windows in which a parcel is brought, within the hours of whoever brings it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from estafette.core.couriers.company import Hours
from estafette.core.couriers.hours_text import read_hours
from estafette.core.deliveries.windows import (
    AS_USUAL,
    BOUNDS,
    MOST_OFFERED,
    WindowRules,
    next_window,
    offered,
)

LUANDA = ZoneInfo("Africa/Luanda")
ALMATY = ZoneInfo("Asia/Almaty")


def at(text: str, zone: ZoneInfo = LUANDA) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone)


def said(rules: WindowRules, hours: Hours | None, now: datetime) -> list[str]:
    """The windows in words: the day of the month, and from when to when."""
    return [f"{one.start:%d %H:%M}-{one.end:%H:%M}" for one in offered(rules, hours, LUANDA, now)]


def test_a_company_that_always_works_comes_by_day() -> None:
    found = said(WindowRules(hours=4, days=2), None, at("2026-11-29 09:30"))
    assert found == [
        *("29 12:00-16:00", "29 16:00-20:00"),
        *("30 08:00-12:00", "30 12:00-16:00", "30 16:00-20:00"),
    ]


def test_windows_are_within_the_hours_of_each_day_and_what_is_too_short_is_none() -> None:
    hours = read_hours("mon-fri 09:00-13:30, sat 09:00-12:00")  # 2026-11-27 is a Friday
    found = said(WindowRules(hours=2, days=4), hours, at("2026-11-27 06:00"))
    assert found == ["27 09:00-11:00", "27 11:00-13:00", "28 09:00-11:00", "28 11:00-12:00",
                     "30 09:00-11:00", "30 11:00-13:00"]  # fmt: skip


def test_a_span_over_midnight_goes_on_and_a_window_begins_in_an_hour_at_the_earliest() -> None:
    hours = read_hours("mon-sun 20:00-02:00")
    now = at("2026-11-29 19:00")
    assert said(WindowRules(hours=3, days=1), hours, now) == ["29 20:00-23:00", "29 23:00-02:00"]
    assert said(WindowRules(hours=3, days=1), hours, at("2026-11-29 19:01")) == ["29 23:00-02:00"]


def test_after_midnight_the_rest_of_yesterdays_span_is_offered_first() -> None:
    rules, hours = WindowRules(hours=2, days=1), read_hours("sat 20:00-06:00")
    night = at("2026-11-29 00:30")  # a Sunday, on which nobody begins to work
    assert said(rules, hours, night) == ["29 02:00-04:00", "29 04:00-06:00"]
    window = next_window(rules, hours, LUANDA, night)
    assert window is not None
    assert window.start == at("2026-11-29 02:00")
    assert said(rules, hours, at("2026-11-29 03:01")) == []


def test_the_day_is_that_of_the_companys_clock() -> None:
    now = at("2026-11-29 23:30", ZoneInfo("UTC"))  # the next morning there
    (first, *_) = offered(WindowRules(days=1), None, ALMATY, now)
    assert first.start == at("2026-11-30 08:00", ALMATY)


def test_it_is_tried_again_when_the_company_works_next_however_few_days_are_offered() -> None:
    rules, friday = WindowRules(days=1), at("2026-11-27 18:00")
    hours = read_hours("mon-fri 09:00-18:00")
    window = next_window(rules, hours, LUANDA, friday)
    assert window is not None
    assert window.start == at("2026-11-30 09:00")
    assert next_window(rules, Hours({}), LUANDA, friday) is None


def test_there_is_an_end_to_what_is_offered() -> None:
    every_hour = WindowRules(hours=1, days=14)
    assert len(offered(every_hour, None, LUANDA, at("2026-11-29 00:00"))) == MOST_OFFERED


@pytest.mark.parametrize("name", BOUNDS)
def test_rules_have_bounds(name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        assert getattr(WindowRules(**{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(ValueError, match=name):
            WindowRules(**{name: value})
    assert WindowRules() == AS_USUAL
