"""Plus Codes, against the test data of github.com/google/open-location-code (Apache-2.0)."""

import pytest

from estafette.core.deliveries.plus_code import nearest, point_in
from estafette.core.point import Point


@pytest.mark.parametrize(
    ("code", "south", "west", "north", "east"),
    [  # test_data/decoding.csv: the codes that name an area small enough for a door
        ("7FG49QCJ+2V", 20.37, 2.782125, 20.370125, 2.78225),
        ("7FG49QCJ+2VX", 20.3701, 2.78221875, 20.370125, 2.78225),
        ("7FG49QCJ+2VXGJ", 20.370113, 2.782234375, 20.370114, 2.78223632813),
        ("8FVC2222+22", 47.0, 8.0, 47.000125, 8.000125),
        ("4VCPPQGP+Q9", -41.273125, 174.785875, -41.273, 174.786),
        ("22222222+22", -90.0, -180.0, -89.999875, -179.999875),
        ("6FH32222+222", 1, 1, 1.000025, 1.00003125),
        ("CFX3X2X2+X2", 89.9998750, 1, 90, 1.0001250),
        ("849VGJQF+VX7QR3J", 37.5396691200, -122.3750698242, 37.5396691600, -122.3750697021),
    ],
)
def test_a_whole_code_is_the_middle_of_its_area(
    code: str, south: float, west: float, north: float, east: float
) -> None:
    found = point_in(f"Rua 7, {code.lower()}, Luanda")
    assert found == pytest.approx(((south + north) / 2, (west + east) / 2), abs=1e-9)


@pytest.mark.parametrize(
    ("whole", "latitude", "longitude", "short"),
    [  # test_data/shortCodeTests.csv
        ("9C3W9QCJ+2VX", 51.3852125, -1.217765625, "9QCJ+2VX"),
        ("9C3W9QCJ+2VX", 51.3550125, -1.217765625, "9QCJ+2VX"),
        ("9C3W9QCJ+2VX", 51.3701125, -1.232865625, "9QCJ+2VX"),
        ("8FRCXGRF+PM", 47.00, 8.55, "XGRF+PM"),
        ("CFX22222+22", 89.6, 0.0, "2222+22"),
        ("2CXXXXXX+XX", -81.0, 0.0, "XXXXXX+XX"),
    ],
)
def test_a_short_code_is_the_nearest_of_its_name(
    whole: str, latitude: float, longitude: float, short: str
) -> None:
    before, _, after = short.partition("+")
    near = Point(latitude, longitude)
    assert nearest(before, after, near) == pytest.approx(point_in(whole), abs=1e-9)
    if len(before) in (4, 6):
        assert point_in(f"{short} Luanda", near) == pytest.approx(point_in(whole), abs=1e-9)
        assert point_in(f"{short} Luanda") is None


@pytest.mark.parametrize(
    "text",
    [  # test_data/validityTests.csv
        *("G+", "+", "8FWC2345+G", "8FWC2_45+G6", "8FWC2η45+G6", "8FWC2345+G6+", "8FWC2345G6+"),
        *("8FWC2300+G6", "WC2300+G6g", "WC2345+G", "WC2300+", "849VGJQF+VX7QR3U"),
        *("XXXXXXXX+XX", "a+b=c", "1+1", "+244 923 456 789", "", "CFXX+" * 1_000),
    ],
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert point_in(text, Point(47.3, 8.5)) is None
