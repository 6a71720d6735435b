"""Open assignments whose deliveries have gone on without them."""

from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.store.pool import Connection


class Reached(NamedTuple):
    """An open assignment in the order of their index, and its delivery."""

    company_id: UUID
    driver_id: UUID
    id: UUID
    delivery_id: UUID


BEGINNING: Final = Reached(*[UUID(int=0)] * 4)

# The condition is `core.fleet.assignment.is_left_behind`, which decides when the rows are locked.
_PAGE = """
with looked as (
    select company_id, driver_id, id, account_id, delivery_id, state, picked_up_at
    from assignments
    where state in ('offered', 'accepted') and (company_id, driver_id, id) > ($1, $2, $3)
    order by company_id, driver_id, id limit $4
)
select looked.company_id, looked.driver_id, looked.id, looked.delivery_id,
    case
        when deliveries.status in ('delivered', 'cancelled', 'failed') then true
        when state = 'accepted' then deliveries.status = 'pending'
            or picked_up_at is null and deliveries.status in ('in_transit', 'out_for_delivery')
        else deliveries.status in ('in_transit', 'out_for_delivery')
    end as is_behind
from looked left join deliveries
    on deliveries.account_id = looked.account_id and deliveries.id = looked.delivery_id
order by looked.company_id, looked.driver_id, looked.id
"""


async def page(
    connection: Connection, after: Reached, limit: int
) -> tuple[list[Reached], Reached | None]:
    """Looks at the next open assignments, at most `limit`.

    Returns those that are behind, and after which one to go on; None: that was all.
    """
    found = await connection.fetch(_PAGE, *after[:3], limit)
    behind = [_reached(row) for row in found if row["is_behind"]]
    return behind, _reached(found[-1]) if len(found) == limit else None


def _reached(row: asyncpg.Record) -> Reached:
    return Reached(row["company_id"], row["driver_id"], row["id"], row["delivery_id"])
