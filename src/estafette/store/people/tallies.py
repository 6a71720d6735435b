"""How much was tried lately to sign in: for a person who was named, and for a client address."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from estafette.store.old_rows import older
from estafette.store.pool import Connection


class Tally(NamedTuple):
    """So many tries, this one included, and in how many seconds they are forgotten."""

    tries: int
    seconds: float


_COUNT = """
insert into sign_in_tallies as known (subject, since, tries)
select subject, now(), 1 from unnest($1::bytea[]) as input (subject) order by subject
on conflict (subject) do update set
    tries = case when known.since <= now() - $2::interval then 1 else known.tries + 1 end,
    since = case when known.since <= now() - $2::interval then now() else known.since end
returning subject, tries, extract(epoch from since + $2::interval - now())::float8 as seconds
"""


async def count(
    connection: Connection, subjects: Sequence[bytes], window: timedelta
) -> dict[bytes, Tally]:
    """Counts one more try for each subject within a window of time, and returns what is counted."""
    found = await connection.fetch(_COUNT, list(subjects), window)
    return {row["subject"]: Tally(row["tries"], row["seconds"]) for row in found}


async def take_back(connection: Connection, subject: bytes) -> None:
    """Uncounts one try, which was a good one."""
    await connection.execute(
        "update sign_in_tallies set tries = greatest(tries - 1, 0) where subject = $1", subject
    )


async def clear(connection: Connection, subject: bytes) -> None:
    """Forgets the tries of a subject."""
    await connection.execute("delete from sign_in_tallies where subject = $1", subject)


forget: Final = older("sign_in_tallies", "since")
"""Removes those that were begun so long ago."""
