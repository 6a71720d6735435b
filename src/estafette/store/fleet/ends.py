"""What is over of the fleet: removed drivers, shifts, assignments, old positions and decisions."""

from datetime import timedelta

from estafette.core.fleet import learning
from estafette.core.fleet.dispatching import PLANNED_KEPT
from estafette.core.fleet.session import IDLE
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
from estafette.store.old_rows import remove_all
from estafette.store.pool import Connection


async def forget(connection: Connection, retention: Retention) -> None:
    """Removes all of it. Any number of processes may do it.

    Who carried what is kept as long as the personal data of a delivery.
    """
    old = (
        (assignments.forget, retention.personal_data),
        (shifts.forget, retention.personal_data),
        (drivers.forget, retention.personal_data),
        (positions.forget, retention.positions),
        (decisions.forget, retention.positions),
        (driver_messages.forget, retention.positions),
        (taps.forget, KEPT),
        (learned_speeds.forget, learning.KEPT),
        (planned_drivers.forget, PLANNED_KEPT),
        (codes.forget, timedelta()),
        (sessions.forget_ended, timedelta()),
        (sessions.forget_unused, IDLE),
    )
    await remove_all(connection, old, [position_tokens.forget])
