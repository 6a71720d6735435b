"""What a courier company has under way: what its people look at, and what they may steer."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

LOOKED_AT = 5_000
"""Among how many that a company has under way is chosen what comes first."""

_UNDER_WAY = """
company_id = $1 and mode = $2 and status in (
    'pending', 'assigned', 'pickup_ready', 'in_transit', 'out_for_delivery', 'stalled'
)
"""

_FIRST = f"""
select {rows.DELIVERY_COLUMNS} from (
    select * from deliveries where {_UNDER_WAY} limit {LOOKED_AT}
) under_way
order by status <> 'stalled', deliver_by, id limit $3
"""  # noqa: S608 - the parts are constants


async def under_way(
    connection: Connection, company_id: UUID, mode: Mode, limit: int
) -> list[Delivery]:
    """Returns what a company has under way: what is stalled, then by the promised time."""
    return [rows.delivery(row) for row in await connection.fetch(_FIRST, company_id, mode, limit)]


_FIND = f"""
select {rows.DELIVERY_COLUMNS} from deliveries where company_id = $1 and mode = $2 and id = $3
"""  # noqa: S608 - a constant


async def find(connection: Connection, company_id: UUID, mode: Mode, id: UUID) -> Delivery | None:
    """Returns a delivery that a company carries, or carried."""
    row = await connection.fetchrow(_FIND, company_id, mode, id)
    return None if row is None else rows.delivery(row)


class Standing(NamedTuple):
    """What differs after each change of what a company has under way: how many, and the last."""

    company_id: UUID
    mode: Mode
    text: str


_STANDINGS = f"""
select company_id, mode, (
    select count(*) || '.' || coalesce(
        (extract(epoch from max(updated_at)) * 1000)::bigint, 0
    ) || '.' || coalesce(sum(seq), 0) from (
        select updated_at, seq from deliveries
        where deliveries.company_id = asked.company_id and deliveries.mode = asked.mode
        and status in (
            'pending', 'assigned', 'pickup_ready', 'in_transit', 'out_for_delivery', 'stalled'
        ) limit {LOOKED_AT}
    ) under_way
) as standing
from unnest($1::uuid[], $2::text[]) asked (company_id, mode)
"""  # noqa: S608 - a constant


async def standings(connection: Connection, asked: Collection[tuple[UUID, Mode]]) -> list[Standing]:
    """Returns for each of these companies and modes a text that differs after each change."""
    found = await connection.fetch(
        _STANDINGS, [company_id for company_id, _ in asked], [mode for _, mode in asked]
    )
    return [Standing(row["company_id"], Mode(row["mode"]), row["standing"]) for row in found]
