"""Letters to people who sign in: their contents are encrypted, and gone once they are settled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store import signals
from estafette.store.claims import Queue
from estafette.store.old_rows import older
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork

QUEUE: Final = Queue("letters", "due_at", lease="leased_until", id="id")


async def insert(
    work: UnitOfWork, id: UUID, kind: str, content: bytes, worth_for: timedelta
) -> None:
    """Puts a letter into the outbox; `content` is encrypted."""
    await work.connection.execute(
        "insert into letters (id, kind, content, worth_until) values ($1, $2, $3, now() + $4)",
        id,
        kind,
        content,
        worth_for,
    )
    work.signal(signals.NOTIFICATIONS)


class Claimed(NamedTuple):
    """A letter that this worker holds; see `recipients.Claimed`."""

    id: UUID
    kind: str
    content: bytes
    attempt: int
    left: timedelta


_CLAIM: Final = f"""
with picked as ({QUEUE.due("letters.ctid as place", limit="$2")}),
claimed as ({QUEUE.leasing("$1::interval", leased_until="now() + $1::interval")})
select id, kind, content, attempt, worth_until - now() as "left" from claimed
"""  # noqa: S608 - the parts are constants


async def claim(connection: Connection, lease: timedelta, limit: int) -> list[Claimed]:
    """Leases at most `limit` letters that are due."""
    return [Claimed(**row) for row in await connection.fetch(_CLAIM, lease, limit)]


_SETTLE: Final = f"""
update letters set state = $3, leased_until = null, last_error = $4, due_at = now() + $5::interval,
    content = case when $5::interval is not null then content end
where id = $1 and {QUEUE.fence("$2", "is not null")}
"""  # noqa: S608 - the parts are constants


async def settle(
    connection: Connection,
    claimed: Claimed,
    state: str,
    error: str | None,
    again_in: timedelta | None,
) -> bool:
    """Records what came of an attempt; see `recipients.settle`."""
    status = await connection.execute(_SETTLE, claimed.id, claimed.attempt, state, error, again_in)
    return status.endswith(" 1")


forget: Final = older("letters", "created_at", "due_at is null")
"""Removes those that are over and so old."""


async def sealed(connection: Connection, after: UUID, limit: int) -> dict[UUID, bytes]:
    """The next letters that are not settled, by id, locked, with their contents."""
    found = await connection.fetch(
        "select id, content from letters where id > $1 and content is not null"
        " order by id limit $2 for update",
        after,
        limit,
    )
    return {row["id"]: row["content"] for row in found}


async def write_sealed(connection: Connection, contents: Mapping[UUID, bytes]) -> None:
    """Writes contents that were encrypted anew."""
    await connection.execute(
        "update letters set content = input.content"
        " from unnest($1::uuid[], $2::bytea[]) as input (id, content) where letters.id = input.id",
        list(contents),
        list(contents.values()),
    )
