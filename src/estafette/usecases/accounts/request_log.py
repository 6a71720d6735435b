"""The log of an account's API requests: noted in memory, written once a second, read by people.

A request is not slowed: it leaves a note. Where there are more than can be written, some are
dropped and counted, those of the busiest accounts first, and what was refused last.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.accounts import request_log
from estafette.store.accounts.request_log import LoggedRequest, RequestCursor, RequestFilter
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.usecases.platform import Platform

__all__ = ["LoggedRequest", "RequestCursor", "RequestFilter", "RequestLog", "RequestPage"]

MOST_NOTED: Final = 1_000
"""So many requests of one process are written each second. One account alone may have a third of
them, and of several busy ones none takes the room that the others need."""

_MOST_CODE: Final = 100
_GATHER_SECONDS: Final = 1.0


class RequestLog:
    """The requests that one process has answered."""

    def __init__(
        self, pool: Pool, most: int = MOST_NOTED, gather_seconds: float = _GATHER_SECONDS
    ) -> None:
        """Writes to `pool`, at most `most` requests each `gather_seconds`."""
        self._pool = pool
        self._most = most
        self._gather_seconds = gather_seconds
        self._noted: list[LoggedRequest] = []
        self._of_account: Counter[UUID] = Counter()
        self._dropped: Counter[Scope] = Counter()
        self._task: asyncio.Task[None] | None = None

    def note(
        self,
        scope: Scope,
        key_id: UUID,
        request_id: str,
        method: str,
        route: str,
        status: int,
        code: str | None,
        seconds: float,
    ) -> None:
        """A request of a key was answered now."""
        held, free = self._of_account[scope.account_id], self._most - len(self._noted)
        if free <= 0 or (held >= free if status >= 400 else 2 * held >= free):
            self._dropped[scope] += 1
        else:
            self._of_account[scope.account_id] = held + 1
            shown = None if code is None else code[:_MOST_CODE]
            self._noted.append(
                LoggedRequest(
                    scope.account_id,
                    scope.mode,
                    datetime.now(UTC),
                    request_id,
                    key_id,
                    method,
                    route,
                    status,
                    shown,
                    seconds * 1000,
                )
            )
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(self._gather_seconds)
            await self.write()
        finally:
            self._task = None

    async def write(self) -> None:
        """Writes what is noted; what cannot be written is forgotten."""
        noted, dropped = self._noted, self._dropped
        self._noted, self._dropped, self._of_account = [], Counter(), Counter()
        if not noted and not dropped:
            return
        try:
            async with self._pool.acquire() as connection:
                if noted:
                    await request_log.insert(connection, noted)
                if dropped:
                    await request_log.add_gaps(connection, dropped)
        except DATABASE_TROUBLE:
            return  # the requests were answered, and the server's log has a line of each


class RequestPage(NamedTuple):
    """Some requests, newest first; `next` goes on after them. `missing` are not in the log."""

    requests: list[LoggedRequest]
    next: RequestCursor | None
    missing: int


async def list_requests(
    platform: Platform,
    scope: Scope,
    wanted: RequestFilter,
    after: RequestCursor | None = None,
    limit: int = 50,
) -> RequestPage:
    """Returns the requests that were made with an account's keys, and how many are missing."""
    since = wanted.since or datetime.now(UTC) - timedelta(days=365)
    async with platform.connections.lists(scope.account_id) as connection:
        found = await request_log.select(connection, scope, wanted, after, limit + 1)
        missing = await request_log.gaps(connection, scope, since)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return RequestPage(shown, RequestCursor(last.at, last.request_id) if last else None, missing)
