"""Opening hours as people write them."""

import pytest

from estafette.core.couriers.hours_text import HoursTextError, hours_text, read_hours


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mon 08:00-18:00", "mon 08:00-18:00"),
        ("mon 8:00-18:00", "mon 08:00-18:00"),
        ("Mon 8:00 - 18:00", "mon 08:00-18:00"),
        ("mon 8:00–18:00", "mon 08:00-18:00"),
        ("mon 08:00-24:00", "mon 08:00-24:00"),
        ("mon 0:00-24:00", "mon 00:00-24:00"),
        ("sat-sun 22:00-6:00", "sat 22:00-06:00, sun 22:00-06:00"),
    ],
)
def test_hours_are_read_in_every_usual_form(written: str, meant: str) -> None:
    assert hours_text(read_hours(written)) == meant


@pytest.mark.parametrize(
    "written",
    [
        "mon 24:00-08:00",
        "mon 8-18",
        "mon 08:00-24:01",
        "mon 008:00-18:00",
        "8:00-18:00",
        "",
        "mon 08:00-18:00," * 99 + "mon 08:00-18:00",
    ],
)
def test_what_are_no_hours_is_refused(written: str) -> None:
    with pytest.raises(HoursTextError, match="are no hours"):
        read_hours(written)
