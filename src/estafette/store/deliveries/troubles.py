"""Deliveries of all accounts that somebody has to look after: stalled, late, or disputed.

Each kind is found by an index that holds little besides; how far is looked is bounded.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

LOOKED_AT = 20_000
"""Among how many is looked: of those that are stalled, or under way, or disputed."""

MOST_COUNTED = 1_000
"""As far as each kind is counted."""


class Troubled(NamedTuple):
    """A delivery, since when it is in trouble, and what the company's platform says of it."""

    delivery: Delivery
    since: datetime
    upstream_id: str | None = None
    error: str | None = None


_STALLED = f"""
select {rows.DELIVERY_COLUMNS}, updated_at as since from (
    select * from deliveries where status = 'stalled' and mode = $1 limit $5
) stalled
where (updated_at, id) > ($2, $3) order by updated_at, id limit $4
"""  # noqa: S608 - the columns are a constant

# What is under way is watched: the index of what is to be looked after holds it. Those of the page
# alone are read whole.
_LATE = f"""
select {rows.DELIVERY_COLUMNS}, deliver_by as since from (
    select account_id as of_account, id as of_id from (
        select account_id, id, deliver_by from deliveries
        where watch_at is not null and mode = $1 order by watch_at limit $5
    ) under_way
    where deliver_by < now() and (deliver_by, id) > ($2, $3) order by deliver_by, id limit $4
) late
join deliveries on account_id = of_account and id = of_id
order by deliver_by, id
"""  # noqa: S608 - the columns are a constant

_DISPUTED = f"""
select {rows.DELIVERY_COLUMNS}, disputed.since, disputed.upstream_id, disputed.last_error from (
    select account_id as of_account, delivery_id, created_at as since, upstream_id, last_error
    from dispatches where state = 'disputed' and mode = $1 limit $5
) disputed
join deliveries on account_id = of_account and id = delivery_id
where (since, id) > ($2, $3) order by since, id limit $4
"""  # noqa: S608 - the columns are a constant


async def stalled(
    connection: Connection, mode: Mode, after: tuple[datetime, UUID], limit: int
) -> list[Troubled]:
    """The deliveries of a mode that are stalled, those first that have been so for longest."""
    found = await connection.fetch(_STALLED, mode, *after, limit, LOOKED_AT)
    return [_troubled(row) for row in found]


async def late(
    connection: Connection, mode: Mode, after: tuple[datetime, UUID], limit: int
) -> list[Troubled]:
    """The deliveries of a mode that are under way past their promised time, the latest first."""
    found = await connection.fetch(_LATE, mode, *after, limit, LOOKED_AT)
    return [_troubled(row) for row in found]


async def disputed(
    connection: Connection, mode: Mode, after: tuple[datetime, UUID], limit: int
) -> list[Troubled]:
    """The deliveries of a mode that a company's platform tells of otherwise, the oldest first."""
    found = await connection.fetch(_DISPUTED, mode, *after, limit, LOOKED_AT)
    return [
        _troubled(row)._replace(upstream_id=row["upstream_id"], error=row["last_error"])
        for row in found
    ]


def _troubled(row: asyncpg.Record) -> Troubled:
    return Troubled(rows.delivery(row), row["since"])


_COUNTS = """
select (select count(*) from (
        select from deliveries where status = 'stalled' and mode = $1 limit $3
    ) stalled) as stalled,
    (select count(*) from (
        select from (
            select deliver_by from deliveries where watch_at is not null and mode = $1
            order by watch_at limit $2
        ) under_way where deliver_by < now() limit $3
    ) late) as late,
    (select count(*) from (
        select from dispatches where state = 'disputed' and mode = $1 limit $3
    ) disputed) as disputed
"""


class TroubleCounts(NamedTuple):
    """How many deliveries are stalled, late and disputed; at most `MOST_COUNTED` of each."""

    stalled: int
    late: int
    disputed: int


async def count(connection: Connection, mode: Mode) -> TroubleCounts:
    """Counts them, of all accounts."""
    row = await connection.fetchrow(_COUNTS, mode, LOOKED_AT, MOST_COUNTED)
    assert row is not None  # noqa: S101 - the statement gives one row
    return TroubleCounts(**row)
