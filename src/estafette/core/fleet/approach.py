"""The courier on the way to a recipient: what of that the recipient is told."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from estafette.core.point import Point

AREA_METRES: Final = 500
"""The least cell in which a recipient's own stop is shown, whatever the operator sets: the page
says that its link tells nobody where the recipient lives."""

FRESH: Final = timedelta(minutes=3)
"""How old a position may be that a recipient is shown: an older one shows where nobody is."""

_METRES_A_DEGREE: Final = 111_195.0
_NEAREST_POLE: Final = 0.01
"""The least that a degree of longitude counts for, so that a grid has cells at the poles too."""


@dataclass(frozen=True, slots=True)
class Approach:
    """The courier on the way to one recipient, as coarsely as the recipient is told.

    `courier` is the middle of a cell of the grid, `stop` that of one of AREA_METRES at least; it is
    None where the merchant has sent no point. `arrives_at` is None where nobody can
    tell.
    """

    courier: Point
    stop: Point | None
    arrives_at: datetime | None


def coarse(point: Point, metres: int) -> Point:
    """Returns the middle of the cell in which a point is, of a grid with cells of so many metres.

    The grid is the same for everybody, so that many positions tell no more than one.
    """
    height = metres / _METRES_A_DEGREE
    latitude = (math.floor(point.latitude / height) + 0.5) * height
    width = height / max(math.cos(math.radians(latitude)), _NEAREST_POLE)
    longitude = (math.floor(point.longitude / width) + 0.5) * width
    return Point(round(min(max(latitude, -90), 90), 6), round(min(max(longitude, -180), 180), 6))


def to_the_minute(moment: datetime) -> datetime:
    """Returns the next whole minute: nobody is told seconds of what is estimated."""
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)
