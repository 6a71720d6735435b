"""What dispatching looks at: deliveries that no driver has, who was asked, who gives signs of life.

Each is one statement for all deliveries or drivers of a company.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

_PICKUP_AT: Final = "(deliveries.terms ->> 'pickup_at')::timestamptz"
_OF_NOBODY = f"""
select {rows.OF_DELIVERIES} from deliveries
where company_id = $1 and mode = 'live' and status = 'pending' and not exists (
    select from assignments where assignments.company_id = $1
        and assignments.account_id = deliveries.account_id
        and assignments.delivery_id = deliveries.id and assignments.state in ('offered', 'accepted')
)
"""  # noqa: S608 - the columns are a constant
_WAITING = f"{_OF_NOBODY} and coalesce({_PICKUP_AT} <= $3, true) order by id limit $2"
_LOOKED_AT: Final = 5_000
"""Among how many pending deliveries of a company, the oldest, scheduled ones are looked for."""

_SCHEDULED = f"""
select * from ({_OF_NOBODY} order by id limit {_LOOKED_AT}) deliveries
where {_PICKUP_AT} > $3 and {_PICKUP_AT} <= $4 order by {_PICKUP_AT}, id limit $2
"""  # noqa: S608 - the parts are constants


async def waiting(
    connection: Connection, company_id: UUID, until: datetime, limit: int
) -> list[Delivery]:
    """Returns live deliveries that are offered to nobody and carried by nobody, oldest first.

    Those that are to be fetched after `until` are left out.
    """
    found = await connection.fetch(_WAITING, company_id, limit, until)
    return [rows.delivery(row) for row in found]


async def scheduled(
    connection: Connection, company_id: UUID, after: datetime, until: datetime, limit: int
) -> list[Delivery]:
    """Returns such deliveries that are to be fetched between two times, the soonest first."""
    found = await connection.fetch(_SCHEDULED, company_id, limit, after, until)
    return [rows.delivery(row) for row in found]


async def deliveries_of(
    connection: Connection, assignments: Sequence[Assignment]
) -> dict[tuple[UUID, UUID], Delivery]:
    """Returns the deliveries of assignments, by account and id."""
    found = await connection.fetch(
        f"select {rows.OF_DELIVERIES} from deliveries join unnest($1::uuid[], $2::uuid[])"  # noqa: S608 - a constant
        " as wanted (of_account, of_id) on account_id = of_account and id = of_id",
        [one.scope.account_id for one in assignments],
        [one.delivery_id for one in assignments],
    )
    return {(row["account_id"], row["id"]): rows.delivery(row) for row in found}


class Asked(NamedTuple):
    """A driver who has had an offer of a delivery, or the delivery, and what became of it."""

    driver_id: UUID
    state: AssignmentState
    at: datetime


_ASKED = """
select assignments.account_id, assignments.delivery_id, driver_id, state, ended_at
from unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) as wanted (of_account, of_id, since)
join assignments on assignments.company_id = $1 and assignments.account_id = of_account
    and assignments.delivery_id = of_id
where assignments.ended_at >= wanted.since - $5::interval
order by assignments.number
"""


async def asked(
    connection: Connection, company_id: UUID, deliveries: Sequence[Delivery], before: timedelta
) -> dict[tuple[UUID, UUID], list[Asked]]:
    """Returns who was asked about each delivery since so long before it was pending, in order."""
    found = await connection.fetch(
        _ASKED,
        company_id,
        [one.scope.account_id for one in deliveries],
        [one.id for one in deliveries],
        [one.updated_at for one in deliveries],
        before,
    )
    by_delivery: dict[tuple[UUID, UUID], list[Asked]] = defaultdict(list)
    for row in found:
        of = (row["account_id"], row["delivery_id"])
        state = AssignmentState(row["state"])
        by_delivery[of].append(Asked(row["driver_id"], state, row["ended_at"]))
    return by_delivery


_SEEN = """
select driver_id, max(greatest(
    accepted_at, arrived_at, picked_up_at, case when state in ('done', 'refused') then ended_at end
)) as at
from assignments where company_id = $1 and driver_id = any($2::uuid[]) and id > $3
group by driver_id
"""


async def acted(
    connection: Connection, company_id: UUID, drivers: Collection[UUID], after: UUID
) -> dict[UUID, datetime]:
    """Returns when drivers last did something with an assignment whose id is after one."""
    found = await connection.fetch(_SEEN, company_id, list(drivers), after)
    return {row["driver_id"]: row["at"] for row in found if row["at"] is not None}
