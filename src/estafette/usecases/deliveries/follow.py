"""Watch events as they happen."""

from datetime import datetime, timedelta
from uuid import UUID

from estafette.core.accounts.account import Account, Mode
from estafette.store import pool
from estafette.store.deliveries import events
from estafette.store.deliveries.events import Happened
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform

__all__ = ["Following", "Happened"]

_OVERLAP = timedelta(seconds=10)  # an event may be committed so long after `occurred_at`
_AT_ONCE = 1000


class Following:
    """Returns each event that happens after the first call of `news`, and returns it once."""

    def __init__(self, platform: Platform, account: Account | None, mode: Mode | None) -> None:
        """Watches one account, or all where it is None; one mode, or both where it is None."""
        self._platform = platform
        self._account_id = account.id if account else None
        self._mode = mode
        self._seen: dict[UUID, datetime] = {}
        self._since: datetime | None = None
        self.has_more = False
        """Whether the last call returned as many events as a call can: call again at once."""

    async def news(self) -> list[Happened]:
        """Returns the next events since the last call, oldest first, at most a thousand.

        The first call returns none. Each call reads the events of the last `_OVERLAP` again,
        because some may have been committed late; the query leaves out those returned before.
        """
        if self._since is None:
            await self._begin()
            return []
        async with self._platform.pool.acquire() as connection:
            settled = await pool.clock(connection) - _OVERLAP
            return await self._read(connection, self._since, settled)

    async def _begin(self) -> None:
        """Marks the events that happened within the overlap as seen, so that they are not news."""
        async with self._platform.pool.acquire() as connection:
            settled = await pool.clock(connection) - _OVERLAP
            await self._read(connection, settled, settled)
            while self.has_more:
                await self._read(connection, settled, settled)

    async def _read(
        self, connection: Connection, since: datetime, settled: datetime
    ) -> list[Happened]:
        found = await events.since(
            connection, since, self._account_id, self._mode, _AT_ONCE, self._seen
        )
        self.has_more = len(found) == _AT_ONCE
        # events are read in order, so those that remain happened no earlier than the last one read
        reached = found[-1].event.occurred_at - _OVERLAP if self.has_more else settled
        self._since = max(since, min(reached, settled))
        now = {each.event.id: each.event.occurred_at for each in found}
        self._seen = {id: at for id, at in (self._seen | now).items() if at >= self._since}
        return found
