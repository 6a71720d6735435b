"""Distances are those of a globe."""

import pytest

from estafette.core.point import Point, kilometres_between, metres_between

ALMATY, ASTANA = Point(43.25, 76.92), Point(51.13, 71.43)


def test_distances_are_those_of_the_earth() -> None:
    assert kilometres_between(ALMATY, ASTANA) == pytest.approx(973, abs=10)
    assert kilometres_between(ALMATY, ASTANA) == kilometres_between(ASTANA, ALMATY)
    assert metres_between(ALMATY, ALMATY) == 0
    luanda, near = Point(-8.8383, 13.2344), Point(-8.8383, 13.2353)
    assert metres_between(luanda, near) == pytest.approx(99, abs=1)
    assert metres_between(Point(0, 0), Point(0, 180)) == pytest.approx(20_015_087, abs=10)
