"""How a simulated driver gets on: along streets that run north and east, in time for the plan."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.tour import StopKind
from estafette.core.point import Point
from estafette.core.sandbox.scenario import Scenario

FASTEST: Final = 40.0
"""How many times as fast as on a street a simulated driver is at most, so as not to be late."""

_METRES_A_DEGREE: Final = 111_195.0
_THERE_METRES: Final = 1.0


class Ridden(NamedTuple):
    """Where a driver is after a while, and where the driver looks, in degrees from the north."""

    spot: Point
    course: float


def metres_by_streets(start: Point, end: Point) -> float:
    """Returns how long the way is along streets that run north and east."""
    north, east = _legs(start, end)
    return abs(north) + abs(east)


def ride(start: Point, end: Point, metres: float) -> Ridden | None:
    """Returns where a driver is who rides so far towards `end`, north or south first.

    None: the driver is there already.
    """
    north, east = _legs(start, end)
    if abs(north) + abs(east) <= _THERE_METRES:
        return None
    if metres >= abs(north) + abs(east):
        return Ridden(end, _course(north, east))
    first = math.copysign(min(abs(north), metres), north)
    then = math.copysign(min(abs(east), metres - abs(first)), east)
    spot = Point(
        start.latitude + first / _METRES_A_DEGREE,
        start.longitude + then / _wide(start.latitude),
    )
    return Ridden(spot, _course(first, then))


def pace(metres: float, seconds: float | None, usual: float) -> float:
    """Returns the speed, in metres a second, that brings a driver there within so many seconds.

    It is the vehicle's `usual` speed at least, also where nobody says by when (None).
    """
    if seconds is None:
        return usual
    in_time = metres / max(seconds, 1.0)
    return min(max(in_time, usual), usual * FASTEST)


def seconds_until(
    script: Scenario, number: int, due_in_seconds: float | None, kind: StopKind, step: timedelta
) -> float | None:
    """Returns in how many seconds a plan has a delivery leave a stop.

    `number` is the step that comes next, which is due in so many seconds. None: it does not by
    itself.
    """
    leaves = Status.IN_TRANSIT if kind is StopKind.PICKUP else Status.DELIVERED
    if due_in_seconds is None or not step:
        return None
    seconds = due_in_seconds
    for at, planned in enumerate(script.course[number:]):
        seconds += planned.wait * step.total_seconds() if at else 0.0
        if planned.to is leaves:
            return max(seconds, 0.0)
    return None


def nearest(to: Point | None, spots: Sequence[Point | None], loads: Sequence[int]) -> int | None:
    """Returns which driver takes a parcel: of those with the fewest parcels, the nearest one.

    `spots` are where drivers are, `loads` how many parcels they have. None: there is no driver.
    """
    if not loads:
        return None

    def distance(spot: Point | None) -> float:
        return math.inf if to is None or spot is None else metres_by_streets(spot, to)

    return min(range(len(loads)), key=lambda one: (loads[one], distance(spots[one])))


def _legs(start: Point, end: Point) -> tuple[float, float]:
    north = (end.latitude - start.latitude) * _METRES_A_DEGREE
    east = (end.longitude - start.longitude) * _wide(start.latitude)
    return north, east


def _wide(latitude: float) -> float:
    """Returns how many metres a degree of longitude is there; at a pole not quite none."""
    return max(math.cos(math.radians(latitude)), 1e-6) * _METRES_A_DEGREE


def _course(north: float, east: float) -> float:
    return math.degrees(math.atan2(east, north)) % 360
