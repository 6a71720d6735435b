"""What a driver's day was like: where they were, and what they had."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.position import Position
from estafette.store.fleet import assignments, position_history
from estafette.store.fleet.waiting import deliveries_of
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform

MOST_POSITIONS = 2_000
"""How many positions of a day are shown: as many as half a minute apart in a long shift."""

MOST_ASSIGNMENTS = 200


class Given(NamedTuple):
    """An assignment and its delivery; None: that is gone."""

    assignment: Assignment
    delivery: Delivery | None


class DriverDayReplay(NamedTuple):
    """A day of a driver. `track` is thinned evenly where it is long."""

    track: Sequence[Position]
    carried: Sequence[Given]


async def replay(
    platform: Platform, company_id: UUID, driver_id: UUID, since: datetime, until: datetime
) -> DriverDayReplay:
    """Returns where a driver was in a time, and what was offered to them. Raises Busy."""
    of = (company_id, driver_id, since, until)
    async with reading(platform) as connection:
        track = await position_history.of_driver(connection, *of, 10 * MOST_POSITIONS)
        given = await assignments.given_between(connection, *of, MOST_ASSIGNMENTS)
        found = await deliveries_of(connection, given)
    step = max(1, -(-len(track) // MOST_POSITIONS))
    carried = [Given(one, found.get((one.scope.account_id, one.delivery_id))) for one in given]
    return DriverDayReplay(track[::step], carried)
