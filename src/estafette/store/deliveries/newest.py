"""How the newest deliveries of an account stand, and why those that were cancelled were."""

from collections.abc import Sequence
from datetime import datetime

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Status
from estafette.store.pool import Connection

_STATUSES = """
select status, count(*) from (
    select status from deliveries
    where mode = $2 and account_id = $1 and created_at >= $3
    order by mode desc, account_id desc, created_at desc, id desc limit $4
) newest group by status
"""


async def statuses(
    connection: Connection, scope: Scope, since: datetime, limit: int
) -> dict[Status, int]:
    """Counts the newest deliveries by status: `limit` of those created from `since` on."""
    found = await connection.fetch(_STATUSES, *scope, since, limit)
    return {Status(row["status"]): row["count"] for row in found}


_CANCELLED = """
select note from (
    select id, seq from (
        select id, seq, status from deliveries
        where mode = $2 and account_id = $1 and created_at >= $3
        order by mode desc, account_id desc, created_at desc, id desc limit $4
    ) newest where status = 'cancelled' limit $5
) cancelled
join events on events.account_id = $1 and events.delivery_id = cancelled.id
    and events.seq = cancelled.seq
"""


async def reasons(
    connection: Connection, scope: Scope, since: datetime, limit: int, cancelled: int
) -> Sequence[str | None]:
    """Returns what was noted of those among the same deliveries that were cancelled.

    Of at most `cancelled` of them.
    """
    found = await connection.fetch(_CANCELLED, *scope, since, limit, cancelled)
    return [row["note"] for row in found]
