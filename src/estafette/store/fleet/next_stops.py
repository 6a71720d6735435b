"""Drivers whose next stop is the drop-off of a parcel that they have not set out with."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.position import Position
from estafette.store.deliveries import rows
from estafette.store.fleet import positions
from estafette.store.fleet.tours import PUT_OFF_UNTIL
from estafette.store.pool import Connection


class NextStop(NamedTuple):
    """The drop-off that is a driver's next stop.

    `left_at` is when the driver last ended another delivery, of those that were looked for, or was
    where nobody took what is still on board.
    """

    company_id: UUID
    driver_id: UUID
    picked_up_at: datetime
    left_at: datetime | None
    delivery: Delivery
    position: Position | None


_PLACE: Final = positions.POSITION.types
_NEXT: Final = f"""
with ended as materialized (
    select assignments.company_id, assignments.driver_id, max(assignments.ended_at) as left_at
    from assignments
    join deliveries on deliveries.account_id = assignments.account_id
        and deliveries.id = assignments.delivery_id
    where assignments.ended_at > now() - $2::interval and assignments.mode = 'live'
        and assignments.picked_up_at is not null
        and (assignments.state = 'done' or deliveries.status = 'failed')
    group by assignments.company_id, assignments.driver_id
), looked as (
    select company_id, driver_id from ended
    union
    select company_id, driver_id from positions
    where received_at > now() - $1::interval and source <> 'simulated'
), following as materialized (
    select looked.company_id, looked.driver_id, first.account_id, first.delivery_id
    from looked cross join lateral (
        select tour.account_id, tour.delivery_id, tour.kind
        from (
            select * from tour_stops
            where company_id = looked.company_id and driver_id = looked.driver_id
            order by place, delivery_id, kind desc offset 0
        ) tour
        join deliveries of_stop on of_stop.account_id = tour.account_id
            and of_stop.id = tour.delivery_id and of_stop.status <> 'stalled'
            and {PUT_OFF_UNTIL} is null
        order by tour.place, tour.delivery_id, tour.kind desc limit 1
    ) first
    where first.kind = 'dropoff' and looked.driver_id > $3
)
select following.company_id as of_company, following.driver_id as of_driver,
    mine.picked_up_at as got_at, greatest(ended.left_at, tried.tried_at) as left_at, on_it.*,
    {", ".join(f"seen.{name} as seen_{name}" for name in _PLACE)}
from following
join assignments mine on mine.company_id = following.company_id
    and mine.account_id = following.account_id and mine.delivery_id = following.delivery_id
    and mine.driver_id = following.driver_id and mine.state = 'accepted'
    and mine.picked_up_at is not null and mine.mode = 'live'
cross join lateral (
    select {rows.DELIVERY_COLUMNS} from deliveries
    where deliveries.account_id = following.account_id and deliveries.id = following.delivery_id
        and deliveries.status = 'in_transit'
) on_it
left join lateral (
    select max(of_stop.updated_at) as tried_at from tour_stops tour
    join deliveries of_stop on of_stop.account_id = tour.account_id
        and of_stop.id = tour.delivery_id and of_stop.status = 'stalled'
        and of_stop.terms -> 'attempts' is not null
    where tour.company_id = following.company_id and tour.driver_id = following.driver_id
) tried on true
left join ended on ended.company_id = following.company_id
    and ended.driver_id = following.driver_id
left join positions seen on seen.company_id = following.company_id
    and seen.driver_id = following.driver_id
order by following.driver_id limit $4
"""  # noqa: S608 - the columns are constants


async def next_stops(
    connection: Connection,
    seen: timedelta,
    left: timedelta,
    after: UUID,
    limit: int,
) -> list[NextStop]:
    """Returns some of those drivers, by their ids, who were seen or have ended something lately.

    A stop whose delivery is stalled is passed over: the driver waits there for nobody. So is one
    that is put off.
    """
    found = await connection.fetch(_NEXT, seen, left, after, limit)
    return [
        NextStop(
            row["of_company"],
            row["of_driver"],
            row["got_at"],
            row["left_at"],
            rows.delivery(row),
            None
            if row["seen_at"] is None
            else positions.read({name: row[f"seen_{name}"] for name in _PLACE}),
        )
        for row in found
    ]
