"""Index what waits for it, of one account after another: who fails keeps nobody else waiting."""

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final, NamedTuple

from estafette.core.accounts.account import Scope
from estafette.loops import report
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform

_ACCOUNTS: Final = 20
_REST_OF_FAILED: Final = 300.0

Behind = Callable[[Connection, int, Collection[Scope]], Awaitable[list[Scope]]]
"""Returns some of those who wait, for longest first, but for those who are spared."""

IndexNext = Callable[[Connection, Scope, int], Awaitable[int]]
"""Indexes about so many of one of them, in a transaction; counts them."""


class Round(NamedTuple):
    """How many were indexed, and whether there may be more to do at once."""

    done: int
    more: bool


class Indexer:
    """Indexes in rounds. Any number of processes may do it."""

    def __init__(
        self, platform: Platform, name: str, behind: Behind, index_next: IndexNext, most: int
    ) -> None:
        """Indexes about `most` of each account in a round; reports failures under `name`."""
        self._platform = platform
        self._name = name
        self._behind = behind
        self._index_next = index_next
        self._most = most
        self._again_at: dict[Scope, float] = {}

    async def round(self) -> Round:
        """Indexes some of those accounts whose oldest have waited longest.

        An account that cannot be indexed is left alone for some minutes, so that it takes nobody's
        turn.
        """
        done, now = 0, time.monotonic()
        self._again_at = {scope: at for scope, at in self._again_at.items() if at > now}
        async with self._platform.pool.acquire() as connection:
            behind = await self._behind(connection, _ACCOUNTS, self._again_at)
            for scope in behind:
                try:
                    async with connection.transaction():
                        done += await self._index_next(connection, scope, self._most)
                except Exception as error:  # this account's: the others have their turns
                    if connection.is_closed():
                        raise
                    report(self._name, error, account=str(scope.account_id))
                    self._again_at[scope] = now + _REST_OF_FAILED
        return Round(done, done >= self._most or (done > 0 and len(behind) == _ACCOUNTS))
