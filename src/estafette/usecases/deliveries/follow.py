"""Watch events as they happen."""

from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

from estafette.core.accounts.account import Account, Mode
from estafette.store.deliveries import tail
from estafette.store.deliveries.tail import Happened
from estafette.usecases.platform import Platform

__all__ = ["Happened", "Watch"]

_OVERLAP = timedelta(seconds=10)  # an event may be committed that much later than it happened
_AT_ONCE = 1000


class Watch:
    """Gives each event once, from its making on; ask as often as you like."""

    def __init__(self, platform: Platform, account: Account | None, mode: Mode | None) -> None:
        """Watches one account or all, one mode or both."""
        self._platform = platform
        self._account_id = account.id if account else None
        self._mode = mode
        self._seen: OrderedDict[UUID, datetime] = OrderedDict()
        self._since: datetime | None = None

    async def news(self) -> list[Happened]:
        """The events since the last call, oldest first; the first call gives none."""
        async with self._platform.pool.acquire() as connection:
            began = self._since is None
            settled = await tail.now(connection) - _OVERLAP
            since = self._since or settled
            found = await tail.events_since(
                connection, since, self._account_id, self._mode, _AT_ONCE
            )
        new = [happened for happened in found if happened.event.id not in self._seen]
        for happened in new:
            self._seen[happened.event.id] = happened.event.occurred_at
        full = len(found) == _AT_ONCE
        last = found[-1].event.occurred_at if found else since
        reached = last if full and not new else last - _OVERLAP
        self._since = max(since, min(reached, settled))  # a wrong clock may have dated some ahead
        while self._seen and next(iter(self._seen.values())) < self._since:
            self._seen.popitem(last=False)
        return [] if began else new
