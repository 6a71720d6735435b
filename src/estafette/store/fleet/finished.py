"""The stops that drivers have made, and when, which tell how fast they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from estafette.core.deliveries.delivery import Stop
from estafette.core.fleet.driver import Vehicle
from estafette.store.pool import Connection


class Finished(NamedTuple):
    """What a driver has done of a delivery: its stops, and when, by the driver's own clock."""

    driver_id: UUID
    vehicle: Vehicle
    accepted_at: datetime
    arrived_at: datetime | None
    picked_up_at: datetime
    handed_over_at: datetime | None
    pickup: Stop
    dropoff: Stop


_FINISHED: Final = """
select assignments.driver_id, drivers.vehicle, assignments.accepted_at, assignments.arrived_at,
    assignments.picked_up_at,
    case when assignments.state = 'done' then assignments.ended_at end as handed_over_at,
    deliveries.pickup, deliveries.dropoff
from (
    select * from assignments where company_id = $1 and id > $2 and mode = 'live'
        and accepted_at is not null and picked_up_at is not null
    order by id desc limit $3
) assignments
join drivers on drivers.company_id = assignments.company_id and drivers.id = assignments.driver_id
join deliveries on deliveries.account_id = assignments.account_id
    and deliveries.id = assignments.delivery_id
order by assignments.id desc
"""


async def finished(
    connection: Connection, company_id: UUID, after: UUID, limit: int
) -> list[Finished]:
    """Returns what drivers have fetched, and handed over, of assignments after an id, newest first.

    Whoever has changed the vehicle since is taken to have had it then.
    """
    return [
        Finished(
            row["driver_id"],
            Vehicle(row["vehicle"]),
            row["accepted_at"],
            row["arrived_at"],
            row["picked_up_at"],
            row["handed_over_at"],
            Stop(**orjson.loads(row["pickup"])),
            Stop(**orjson.loads(row["dropoff"])),
        )
        for row in await connection.fetch(_FINISHED, company_id, after, limit)
    ]


class Sought(NamedTuple):
    """A place where a driver must have arrived between two times."""

    driver_id: UUID
    since: datetime
    until: datetime
    latitude: float
    longitude: float


_NEAR_DEGREES: Final = 0.0015
"""So near a driver is there: some 160 metres."""

_ARRIVALS: Final = """
select sought.number, there.at
from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::float8[], $6::float8[])
    with ordinality as sought (driver, since, until, latitude, longitude, number),
lateral (
    select at from position_history
    where company_id = $1 and driver_id = sought.driver
        and received_at >= sought.since and received_at < sought.until + interval '1 minute'
        and at > sought.since and at <= sought.until
        and abs(position_history.latitude - sought.latitude) < $7
        and abs(position_history.longitude - sought.longitude)
            < $7 / greatest(cos(radians(sought.latitude)), 0.1)
    order by received_at limit 1
) there
"""


async def arrivals(
    connection: Connection, company_id: UUID, sought: Sequence[Sought]
) -> dict[int, datetime]:
    """Returns when positions have drivers near places first, by the number of what is sought."""
    found = await connection.fetch(
        _ARRIVALS,
        company_id,
        [one.driver_id for one in sought],
        [one.since for one in sought],
        [one.until for one in sought],
        [one.latitude for one in sought],
        [one.longitude for one in sought],
        _NEAR_DEGREES,
    )
    return {row["number"] - 1: row["at"] for row in found}
