"""Times as merchants' libraries write them."""

from datetime import UTC, datetime

import pytest

from estafette.http.moments import read_moment
from estafette.http.parameters import Unreadable, moment

MORNING = datetime(2026, 11, 27, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T07:30:00Z",
        "2026-11-27T08:30:00+01:00",
        "2026-11-27T08:30:00+0100",  # PHP's DATE_ISO8601, Python's %z
        "2026-11-27T08:30:00+01",  # PostgreSQL
        "2026-11-27T07:30Z",
        "2026-11-27T12:30+05:00",
        "2026-11-27 08:30:00+01:00",  # Python's str
        "2026-11-27T07:30:00.000Z",  # JavaScript
        "2026-11-27T07:30:00.000000000Z",  # Go, Java
        "2026-11-27T07:30:00,000Z",  # ISO 8601's other decimal sign
        "2026-11-26T23:30:00-08:00",
        "2026-11-27t07:30:00z",
    ],
)
def test_what_libraries_write_is_read(text: str) -> None:
    found = read_moment(text)
    assert found is not None
    assert found.at == MORNING


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T07:30:00",
        "2026-11-27",
        "2026-11-27T07Z",
        "2026-11-27T07:30:60Z",
        "2026-11-27T24:30:00Z",
        "2026-11-27T07:30:00+24:00",
        "2026-11-27T07:30:00+1",
        "2026-11-27T07:30:00+01:0",
        "2026-11-27T07:30:00.Z",
        "2026-11-27T07:30.5Z",
        "2026-11-27T07:30:00.0000000000Z",
        "2026-11-27  07:30:00Z",
        "2026-11-27T07:30:00Z ",
        "٢٠٢٦-11-27T07:30:00Z",
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    assert read_moment(text) is None


def test_fractions_are_kept_to_the_microsecond() -> None:
    found = read_moment("2026-11-27T07:30:00.1234567Z")
    assert found is not None
    assert (found.at.microsecond, found.is_whole) == (123_456, False)


@pytest.mark.parametrize("zone", [" 01:00", " 0100", " 01"])
@pytest.mark.parametrize(
    "time", ["2026-11-27T08:30", "2026-11-27T08:30:00", "2026-11-27 08:30:00.0"]
)
def test_plus_of_a_zone_may_have_become_a_space(time: str, zone: str) -> None:
    assert moment([time + zone]).at == MORNING


@pytest.mark.parametrize("text", ["2026-11-27 07:30", "2026-11-27 07", "2026-11-27 07:30:00"])
def test_hour_of_a_day_is_not_taken_for_a_zone(text: str) -> None:
    with pytest.raises(Unreadable):
        moment([text])
