"""Deliveries that something becomes due of when time passes."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.due_moves import WatchLimits, next_look
from estafette.store.claims import Queue
from estafette.store.deliveries import rows
from estafette.store.pool import Connection


class Watched(NamedTuple):
    """A delivery to look after and the dialect of its account."""

    delivery: Delivery
    dialect: str


QUEUE: Final = Queue("deliveries", "watch_at", id="id")

_CLAIM = QUEUE.due(
    "deliveries.*, accounts.dialect",
    joins="join accounts on accounts.id = deliveries.account_id",
    where="accounts.dialect = any($2)",
    limit="$1",
)


async def claim_due(connection: Connection, dialects: Sequence[str], limit: int) -> list[Watched]:
    """Returns at most `limit` deliveries to look after now, locked for this transaction.

    Only those of accounts that speak one of `dialects`: while versions change, a process may not
    know them all.
    """
    found = await connection.fetch(_CLAIM, limit, dialects)
    return [Watched(rows.delivery(row), row["dialect"]) for row in found]


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
