"""What is done once to the rows of versions before, in the background."""

from datetime import datetime
from typing import NamedTuple

from estafette.store.pool import Connection


class Chore(NamedTuple):
    """When it was begun, whether that is a day ago, and when it was done."""

    begun_at: datetime
    is_of_yesterday: bool
    done_at: datetime | None


async def begin(connection: Connection, name: str) -> Chore:
    """The chore of that name, which begins now unless it has."""
    await connection.execute(
        "insert into chores (name) values ($1) on conflict (name) do nothing", name
    )
    row = await connection.fetchrow(
        "select begun_at, begun_at < now() - interval '1 day' as is_of_yesterday,"
        " done_at from chores where name = $1",
        name,
    )
    assert row is not None  # noqa: S101 - chores are never removed
    return Chore(**row)


async def end(connection: Connection, name: str) -> None:
    """Notes that the chore is done."""
    await connection.execute("update chores set done_at = now() where name = $1", name)
