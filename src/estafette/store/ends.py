"""Rows that have had their time: removed in small steps, account by account.

Each table here has a key that begins with the account and the delivery, whose ids are in the order
of time: a step takes the rows of some deliveries after a place, and removes those that are over.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.store.pool import Connection


class Ending(NamedTuple):
    """A table whose rows end.

    `over` is the condition for that: $4 and $5 are times before which they end, the second for what
    has failed.
    """

    table: str
    over: str


_LAST_OF_STEP = """
select delivery_id from {table}
where account_id = $1 and delivery_id > $2 and delivery_id < $3
order by delivery_id offset {size} limit 1
"""
_REMOVE = """
delete from {table} where account_id = $1 and delivery_id > $2 and delivery_id <= $3 and {over}
"""


class RemovalStep(NamedTuple):
    """How many rows a step removed, and the delivery that it came to; None: it was the last."""

    removed: int
    after: UUID | None


async def step(
    connection: Connection,
    ending: Ending,
    account_id: UUID,
    after: UUID,
    before: UUID,
    over: tuple[datetime, datetime],
    size: int,
) -> RemovalStep:
    """Removes what is over of the next `size` rows of an account's deliveries.

    Those of deliveries after one and before another; `over` are the times of `Ending`.
    """
    last = await connection.fetchval(
        _LAST_OF_STEP.format(table=ending.table, size=size), account_id, after, before
    )
    status = await connection.execute(
        _REMOVE.format(table=ending.table, over=ending.over),
        account_id,
        after,
        before if last is None else last,
        *over,
    )
    return RemovalStep(_count(status), last)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def note(connection: Connection, name: str, removed: int, *, completed: bool) -> None:
    """Adds to what the upkeep of a kind of rows has done."""
    await connection.execute(
        "insert into upkeep as known (name, removed, completed_at)"
        " values ($1, $2, case when $3 then now() end)"
        " on conflict (name) do update set removed = known.removed + excluded.removed,"
        " completed_at = coalesce(excluded.completed_at, known.completed_at)",
        name,
        removed,
        completed,
    )


class Removed(NamedTuple):
    """What the upkeep of a kind of rows has removed, and when it was last complete."""

    name: str
    removed: int
    completed_at: datetime | None


async def done(connection: Connection) -> list[Removed]:
    """How the upkeep of each kind of rows stands."""
    found = await connection.fetch("select name, removed, completed_at from upkeep")
    return [Removed(**row) for row in found]


async def hold(connection: Connection, name: int) -> bool:
    """Whether this process may do a work that one does at a time, until `let_go`."""
    return await connection.fetchval("select pg_try_advisory_lock($1)", name)


async def let_go(connection: Connection, name: int) -> None:
    """Lets another process do it."""
    if not connection.is_closed():
        await connection.execute("select pg_advisory_unlock($1)", name)
