"""Rows that are removed because of their age, some at a time.

A table's own file says from which moment its rows grow old: `forget = older("taps", "taken_at")`.
Tables in partitions lose whole days instead (`partitions.py`), and rows of deliveries go account by
account (`ends.py`).
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from estafette.store.pool import Connection

Forget = Callable[[Connection, timedelta, int], Awaitable[int]]
"""Removes rows that are older, at most so many; counts them. Any number of processes may do it."""

# What is asked for twice is asked for again of a row that somebody has changed meanwhile.
_REMOVE = """
delete from {table} where ctid = any(array(select ctid from {table} where {old} limit $2)) and {old}
"""


def older(table: str, since: str, where: str = "true") -> Forget:
    """Returns what removes rows of a table by their age.

    Args:
        table: it has no partitions.
        since: the column with the moment from which a row grows old; one without it stays.
        where: what else must hold of a row that is removed.
    """
    old = f"{since} < now() - $1::interval and {where}"
    statement = _REMOVE.format(table=table, old=old)

    async def forget(connection: Connection, kept: timedelta, limit: int) -> int:
        status = await connection.execute(statement, kept, limit)
        return int(status.rpartition(" ")[2])

    return forget
