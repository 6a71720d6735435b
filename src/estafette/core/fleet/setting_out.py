"""When a parcel on board is on its way to its recipient although its driver has not tapped so.

The driver has come near the recipient, or was at the stop before this one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from estafette.core.fleet.approach import FRESH
from estafette.core.fleet.position import FASTEST_KMH, Position
from estafette.core.point import Point, metres_between

NEAR_METRES: Final = 500
"""Within how many metres of the drop-off a driver is near it."""

ROUGHEST_METRES: Final = 150.0
"""How inexact a position may be, as the device says; one that says nothing is not believed."""

LOOKED_BACK: Final = timedelta(minutes=10)
"""Of how long the places before count, by which it is seen whether a driver can be at a place."""

JUST_DONE: Final = timedelta(minutes=10)
"""For how long it is looked for what follows a stop that was done."""

NEAR: Final = "the courier is near"
NEXT: Final = "this is the courier's next stop"


def why_set_out(
    stop: Point | None,
    position: Position | None,
    before: Iterable[Position],
    *,
    picked_up_at: datetime,
    left_at: datetime | None,
    now: datetime,
) -> str | None:
    """Returns why a driver is on the way to their next stop, where a parcel goes; None: is not.

    `left_at` is when the driver last handed a parcel over, or could not. `position` is
    where the driver was last, `before` the places of LOOKED_BACK.
    """
    if left_at is not None and left_at > picked_up_at:
        return NEXT  # the pickup itself does not count: from there a driver leaves when all is got
    if stop is None or position is None or not is_near(stop, position):
        return None
    if position.at <= max(picked_up_at, now - FRESH):
        return None
    return NEAR if all(_can_be_reached(one, position) for one in before) else None


def is_near(stop: Point, position: Position) -> bool:
    """Returns whether a position is near a stop, and exact enough to tell."""
    accuracy = position.accuracy_metres
    if accuracy is None or accuracy > ROUGHEST_METRES:
        return False
    return metres_between(stop, position) <= NEAR_METRES


def _can_be_reached(before: Position, position: Position) -> bool:
    """Whether a vehicle comes from one place to the other in the time between."""
    if before.at >= position.at:
        return True
    rough = (before.accuracy_metres or 0) + (position.accuracy_metres or 0)
    metres = metres_between(before, position) - rough
    return metres <= (position.at - before.at).total_seconds() * FASTEST_KMH / 3.6
