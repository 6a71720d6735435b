"""Change the order in which a driver makes the stops, or when each is planned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.fleet.refusals import DriverNotFound, TourChanged
from estafette.core.fleet.tour import GAP, StopKind, TourStop
from estafette.store import signals
from estafette.store.fleet import drivers, tours
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.platform import Platform


class PlannedStop(NamedTuple):
    """A stop of a tour, and when the driver is planned to arrive there; None: not planned."""

    delivery_id: UUID
    kind: StopKind
    planned_at: datetime | None = None


async def reorder(
    platform: Platform, company_id: UUID, driver_id: UUID, order: Sequence[PlannedStop]
) -> list[TourStop]:
    """Puts all stops of a driver into an order; returns them so.

    Raises DriverNotFound, or TourChanged where these are not exactly the driver's stops now, or a
    drop-off stands before its pickup.
    """
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        if driver_id not in await drivers.lock(connection, company_id, [driver_id]):
            raise DriverNotFound(driver_id)
        known = {
            (stop.delivery_id, stop.kind): stop
            for stop in await tours.of_driver(connection, company_id, driver_id)
        }
        wanted = [(one.delivery_id, one.kind) for one in order]
        if len(wanted) != len(known) or set(wanted) != known.keys() or not _is_possible(wanted):
            raise TourChanged(driver_id)
        changed = [
            replace(
                known[one.delivery_id, one.kind],
                place=GAP * (number + 1),
                planned_at=one.planned_at,
            )
            for number, one in enumerate(order)
        ]
        await tours.replan(connection, changed)
        work.signal(signals.FLEET)
    return changed


async def tour_of(platform: Platform, company_id: UUID, driver_id: UUID) -> list[TourStop]:
    """Returns the stops that a driver still has, in the order of work. Raises Busy."""
    async with platform.connections.batch(LANE) as connection:
        return await tours.of_driver(connection, company_id, driver_id)


def _is_possible(order: Sequence[tuple[UUID, StopKind]]) -> bool:
    """Returns whether each pickup stands before its drop-off."""
    left = {id for id, kind in order if kind is StopKind.PICKUP}
    for id, kind in order:
        if kind is StopKind.PICKUP:
            left.discard(id)
        elif id in left:
            return False
    return True
