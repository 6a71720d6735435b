"""Deliveries that something becomes due of when time passes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.due_moves import WatchLimits, next_look
from estafette.store.deliveries import rows
from estafette.store.pool import Connection


class Watched(NamedTuple):
    """A delivery to look after and the dialect of its account."""

    delivery: Delivery
    dialect: str


_CLAIM = """
select deliveries.*, accounts.dialect
from deliveries join accounts on accounts.id = deliveries.account_id
where deliveries.watch_at <= now() and accounts.dialect = any($2)
order by deliveries.watch_at limit $1
for update of deliveries skip locked
"""


async def claim_due(connection: Connection, dialects: Sequence[str], limit: int) -> list[Watched]:
    """At most `limit` deliveries to look after now, locked for this transaction.

    Only those of accounts that speak one of `dialects`: while versions change, a process may not
    know them all.
    """
    found = await connection.fetch(_CLAIM, limit, dialects)
    return [Watched(rows.delivery(row), row["dialect"]) for row in found]


async def due_in_seconds(connection: Connection) -> float | None:
    """In how many seconds the next delivery is to be looked after; None when none is."""
    return await connection.fetchval(
        "select extract(epoch from min(watch_at) - now())::float8 from deliveries"
        " where watch_at is not null"
    )


async def look_again(
    connection: Connection, deliveries: Sequence[Delivery], limits: WatchLimits
) -> None:
    """Plans the next look at deliveries that nothing was due of, their rows locked."""
    if deliveries:
        await connection.execute(
            "update deliveries set watch_at = input.watch_at"
            " from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])"
            " as input (account_id, id, watch_at)"
            " where deliveries.account_id = input.account_id and deliveries.id = input.id",
            [delivery.scope.account_id for delivery in deliveries],
            [delivery.id for delivery in deliveries],
            [next_look(delivery, limits) for delivery in deliveries],
        )


async def put_off(connection: Connection, delivery: Delivery) -> None:
    """Lets a delivery that cannot be looked after be claimed again in an hour, after others."""
    await connection.execute(
        "update deliveries set watch_at = now() + interval '1 hour'"
        " where account_id = $1 and id = $2",
        delivery.scope.account_id,
        delivery.id,
    )


async def now(connection: Connection) -> datetime:
    """The time at which the transaction began, by the database's clock."""
    return await connection.fetchval("select now()")
