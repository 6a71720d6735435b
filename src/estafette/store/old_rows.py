"""Rows that are removed because of their age, or because their person is gone, some at a time.

A table's own file says from which moment its rows grow old: `forget = older("taps", "taken_at")`.
Tables in partitions lose whole days instead (`partitions.py`), and rows of deliveries go account by
account (`ends.py`).
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Final

from estafette.store.pool import Connection

AT_ONCE: Final = 1_000
"""How many rows one statement removes."""

Forget = Callable[[Connection, timedelta, int], Awaitable[int]]
"""Removes rows that are older, at most so many; counts them. Any number of processes may do it."""

Remove = Callable[[Connection, int], Awaitable[int]]
"""Removes rows that are over, in the same way."""

# What is asked for twice is asked for again of a row that somebody has changed meanwhile.
_REMOVE = """
delete from {table}
where ctid = any(array(select ctid from {table} where {over} limit {limit})) and {over}
"""


def older(table: str, since: str, where: str = "true") -> Forget:
    """Returns what removes rows of a table by their age.

    Args:
        table: it has no partitions.
        since: the column with the moment from which a row grows old; one without it stays.
        where: what else must hold of a row that is removed.
    """
    over = f"{since} < now() - $1::interval and {where}"
    statement = _REMOVE.format(table=table, over=over, limit="$2")

    async def forget(connection: Connection, kept: timedelta, limit: int) -> int:
        return _count(await connection.execute(statement, kept, limit))

    return forget


def orphaned(table: str) -> Remove:
    """Returns what removes rows of a table whose `person_id` is nobody's any more."""
    over = "not exists (select from people where people.id = person_id)"
    statement = _REMOVE.format(table=table, over=over, limit="$1")

    async def remove(connection: Connection, limit: int) -> int:
        return _count(await connection.execute(statement, limit))

    return remove


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def remove_all(
    connection: Connection, old: Iterable[tuple[Forget, timedelta]], over: Iterable[Remove] = ()
) -> None:
    """Removes all rows of several tables that are older than is said of each, and what is over."""
    for forget, kept in old:
        while await forget(connection, kept, AT_ONCE) >= AT_ONCE:
            pass
    for remove in over:
        while await remove(connection, AT_ONCE) >= AT_ONCE:
            pass
