"""Replays: what somebody has asked to be sent again since a time, done by a worker in parts."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode, Scope
from estafette.store.claims import Queue
from estafette.store.pool import Connection

KEPT: Final = 20
"""How many replays of an account are kept, those under way included."""

_LEASE_SECONDS: Final = 900.0
"""Longer than the longest statement of one, which takes ten minutes at most."""


class Replay(NamedTuple):
    """What is sent again: of one endpoint, None: of every; dead messages alone, or all.

    `again` messages that were made before and `missed` ones of events that were never told have
    been sent anew so far. `is_all` is None until it is finished; False: more were missed than one
    replay tells.
    """

    scope: Scope
    id: UUID
    endpoint: str | None
    since: datetime
    until: datetime
    dead_only: bool
    again: int
    missed: int
    is_all: bool | None
    attempt: int

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be done."""
        return self.is_all is not None


QUEUE: Final = Queue("replays", "due_at", lease="leased_by", id="id")

_COLUMNS = "account_id, mode, id, endpoint, since, until, dead_only, again, missed, is_all, attempt"
_OLDER = """
delete from replays where account_id = $1 and due_at is null and id < (
    select id from replays where account_id = $1 order by id desc offset $2 limit 1
)
"""


def _replay(row: asyncpg.Record) -> Replay:
    account_id, mode, *others = row
    return Replay(Scope(account_id, Mode(mode)), *others)


async def insert(
    connection: Connection,
    scope: Scope,
    id: UUID,
    since: datetime,
    endpoint: str | None,
    *,
    dead_only: bool,
) -> bool:
    """Writes a new replay, and forgets the oldest ones; False while another is not finished."""
    await connection.execute(_OLDER, scope.account_id, KEPT)
    status = await connection.execute(
        "insert into replays (account_id, mode, id, since, until, endpoint, dead_only)"
        " select $1, $2, $3, $4, now(), $5, $6 where not exists ("
        " select from replays where account_id = $1 and mode = $2 and due_at is not null)",
        *scope,
        id,
        since,
        endpoint,
        dead_only,
    )
    return status.endswith(" 1")


async def latest(connection: Connection, scope: Scope) -> list[Replay]:
    """Returns the replays of an account in a mode, newest first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from replays where account_id = $1 and mode = $2"  # noqa: S608 - constants
        " order by id desc limit $3",
        *scope,
        KEPT,
    )
    return [_replay(row) for row in found]


_PICKED = QUEUE.due("replays.ctid as place", limit="1")
_CLAIM = f"""
with picked as ({_PICKED}),
claimed as ({QUEUE.leasing("make_interval(secs => $1)", leased_by="$2")})
select {_COLUMNS} from claimed
"""  # noqa: S608 - constants


async def claim(connection: Connection, worker: str) -> Replay | None:
    """Leases a replay that is due; None where none is."""
    row = await connection.fetchrow(_CLAIM, _LEASE_SECONDS, worker)
    return _replay(row) if row else None


_ADD = f"""
update replays set again = again + $4, missed = missed + $5
where account_id = $1 and id = $2 and {QUEUE.fence("$3", "is not null")}
"""  # noqa: S608 - constants


async def add(connection: Connection, replay: Replay, again: int, missed: int) -> None:
    """Notes how many messages more are sent anew."""
    await connection.execute(
        _ADD, replay.scope.account_id, replay.id, replay.attempt, again, missed
    )


_FINISH = f"""
update replays set is_all = $4, due_at = null, leased_by = null
where account_id = $1 and id = $2 and {QUEUE.fence("$3", "is not null")}
"""  # noqa: S608 - constants


async def finish(connection: Connection, replay: Replay, *, is_all: bool) -> None:
    """Notes that a replay is finished."""
    await connection.execute(_FINISH, replay.scope.account_id, replay.id, replay.attempt, is_all)
