"""What a map shows at first, and what is too far from all else for that."""

import pytest

from estafette.core.fleet.frame import Frame, far_off, frame
from estafette.core.point import Point

LUANDA = [Point(-8.83 - n / 100, 13.23 + n / 50) for n in range(4)]
BENGUELA = [Point(-12.58, 13.40), Point(-12.60, 13.42)]  # 420 km away
CITY = Frame(LUANDA[0].longitude, LUANDA[3].latitude, LUANDA[3].longitude, LUANDA[0].latitude)


@pytest.mark.parametrize(
    "wrong",
    [
        Point(0, 0),
        Point(90, 0),
        Point(-90, 180),
        Point(13.23, -8.83),  # latitude and longitude by each other's name
        Point(-3.83, 13.23),  # one digit
    ],
)
def test_one_wrong_point_is_far_off_and_the_map_shows_the_city(wrong: Point) -> None:
    for points in ([*LUANDA, wrong], [wrong, *LUANDA], [*LUANDA[:2], wrong, wrong, *LUANDA[2:]]):
        assert [one for one, far in zip(points, far_off(points), strict=True) if far] == [
            one for one in points if one == wrong
        ]
        assert frame(points) == CITY
    assert frame([LUANDA[0], LUANDA[0], wrong]) == Frame(13.23, -8.83, 13.23, -8.83)


def test_a_single_point_is_shown_wherever_it_is() -> None:
    assert frame([]) is None
    assert far_off([]) == []
    assert frame([Point(90, 0)]) == Frame(0, 90, 0, 90)


def test_where_the_work_is_in_two_places_both_are_shown() -> None:
    assert not any(far_off([*LUANDA, *BENGUELA]))
    almaty = [Point(43.2, 76.9), Point(43.3, 76.8), Point(43.1, 76.7)]
    assert not any(far_off([*LUANDA[:3], *almaty]))
    assert not any(far_off([LUANDA[0], almaty[0]])), "nobody can tell which of them is wrong"
    assert far_off([*LUANDA, almaty[0]]) == [*[False] * 4, True]
    at_the_date_line = [Point(-18, 179.9), Point(-18, -179.9), Point(-18, 179.8)]
    assert not any(far_off(at_the_date_line))
