"""What is over of the fleet: removed drivers, shifts, assignments, old positions and decisions."""

from estafette.core.fleet import learning
from estafette.core.fleet.dispatching import PLANNED_KEPT
from estafette.core.fleet.tap import KEPT
from estafette.core.retention import Retention
from estafette.store.fleet import (
    assignments,
    codes,
    decisions,
    driver_messages,
    drivers,
    learned_speeds,
    planned_drivers,
    position_tokens,
    positions,
    sessions,
    shifts,
    taps,
)
from estafette.store.pool import Connection

_AT_ONCE = 1_000


async def forget(connection: Connection, retention: Retention) -> None:
    """Removes all of it, a thousand rows at a time. Any number of processes may do it.

    Who carried what is kept as long as the personal data of a delivery.
    """
    for remove, kept in (
        (assignments.forget, retention.personal_data),
        (shifts.forget, retention.personal_data),
        (drivers.forget, retention.personal_data),
        (positions.forget, retention.positions),
        (decisions.forget, retention.positions),
        (driver_messages.forget, retention.positions),
        (taps.forget, KEPT),
        (learned_speeds.forget, learning.KEPT),
        (planned_drivers.forget, PLANNED_KEPT),
    ):
        while await remove(connection, kept, _AT_ONCE) >= _AT_ONCE:
            pass
    for remove_over in (codes.forget, sessions.forget, position_tokens.forget):
        while await remove_over(connection, _AT_ONCE) >= _AT_ONCE:
            pass
