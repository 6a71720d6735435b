"""How simulated drivers get on."""

from datetime import timedelta

import pytest

from estafette.core.fleet.tour import StopKind
from estafette.core.point import Point
from estafette.core.sandbox.ride import (
    FASTEST,
    metres_by_streets,
    nearest,
    pace,
    ride,
    seconds_until,
)
from estafette.core.sandbox.scenario import SCENARIOS

HERE, THERE = Point(43.2500, 76.9000), Point(43.2400, 76.9300)


def test_a_driver_gets_as_much_nearer_as_was_ridden_and_arrives() -> None:
    far = metres_by_streets(HERE, THERE)
    assert 3_400 < far < 3_700
    spot, left = HERE, far
    while there := ride(spot, THERE, 500):
        assert metres_by_streets(there.spot, THERE) == pytest.approx(max(left - 500, 0), abs=5)
        spot, left = there.spot, metres_by_streets(there.spot, THERE)
    assert metres_by_streets(spot, THERE) < 2


def test_a_driver_goes_along_one_street_after_the_other() -> None:
    south = ride(HERE, THERE, 500)
    assert south is not None
    assert (south.spot.longitude, south.course) == (HERE.longitude, 180)
    east = ride(Point(THERE.latitude, HERE.longitude), THERE, 500)
    assert east is not None
    assert (east.spot.latitude, east.course) == (THERE.latitude, 90)


def test_a_driver_hurries_for_the_plan_and_no_more_than_can_be() -> None:
    assert pace(1_000, None, 6) == 6
    assert pace(1_000, 1_000, 6) == 6
    assert pace(1_000, 50, 6) == 20
    assert pace(100_000, 0, 6) == 6 * FASTEST


def test_a_plan_tells_when_a_parcel_leaves_each_stop() -> None:
    script, step = SCENARIOS["delivered"], timedelta(seconds=5)
    assert seconds_until(script, 1, 4.0, StopKind.PICKUP, step) == 9
    assert seconds_until(script, 1, 4.0, StopKind.DROPOFF, step) == 19
    assert seconds_until(script, 3, -1.0, StopKind.DROPOFF, step) == 4
    assert seconds_until(script, 1, None, StopKind.PICKUP, step) is None
    assert seconds_until(SCENARIOS["no_courier"], 0, 1.0, StopKind.PICKUP, step) is None


def test_of_the_drivers_with_the_fewest_parcels_the_nearest_one_goes() -> None:
    assert nearest(HERE, [], []) is None
    assert nearest(HERE, [THERE, HERE, HERE], [0, 1, 0]) == 2
    assert nearest(HERE, [None, THERE], [0, 0]) == 1
    assert nearest(None, [None, THERE], [1, 0]) == 1
