"""List deliveries by offset, with filters and search; keep the search fast."""

import asyncio
import time

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.loops import Loop, Pace, report
from estafette.store.deliveries import search, search_texts
from estafette.store.deliveries.search import ListFilter
from estafette.usecases.platform import Platform

__all__ = ["Indexer", "ListFilter", "index_some", "list_page", "loop"]

_ACCOUNTS = 20
_TEXTS = 500
_PACE = Pace(longest=1.0)
_REST_OF_FAILED = 300.0


async def list_page(
    platform: Platform, scope: Scope, wanted: ListFilter
) -> tuple[list[Delivery], bool]:
    """One page of deliveries, and whether there is more after it.

    In order of creation, those of the same time by id: an order in which no delivery ever changes
    its place. What is created between two pages comes before the first of the list, or after the
    last where the oldest stand first. So paging on skips nothing that was there; newest first, it
    shows again as many as were created meanwhile, and none with `inserted_to` held at the first
    page's newest.

    A search, and a choice of statuses, find deliveries that have a reference.
    """
    async with platform.connections.lists(scope.account_id) as connection:
        return await search.page(connection, scope, wanted)


class Indexer:
    """Indexes the texts that wait for it, in rounds. Any number of processes may do it.

    Until it is done, a search looks through the texts that wait: it finds them as well, but slower
    the more they are.
    """

    def __init__(self, platform: Platform) -> None:
        """Begins without failures."""
        self._platform = platform
        self._again_at: dict[Scope, float] = {}

    async def round(self) -> tuple[int, bool]:
        """Indexes some texts of those accounts whose oldest ones have waited longest.

        Returns how many, and whether there may be more to do at once. An account that cannot be
        indexed is left alone for some minutes, so that it takes nobody's turn.
        """
        done, now = 0, time.monotonic()
        self._again_at = {scope: at for scope, at in self._again_at.items() if at > now}
        async with self._platform.pool.acquire() as connection:
            behind = await search_texts.behind(connection, _ACCOUNTS, self._again_at)
            for scope in behind:
                try:
                    async with connection.transaction():
                        done += await search_texts.index_next(connection, scope, _TEXTS)
                except Exception as error:  # this account's: the others have their turns
                    if connection.is_closed():
                        raise
                    report("search", error, account=str(scope.account_id))
                    self._again_at[scope] = now + _REST_OF_FAILED
        return done, done >= _TEXTS or (done > 0 and len(behind) == _ACCOUNTS)


async def index_some(platform: Platform) -> int:
    """Does one round of an indexer; counts the texts."""
    done, _ = await Indexer(platform).round()
    return done


def loop(platform: Platform) -> Loop:
    """Indexes what waits for it."""
    indexer = Indexer(platform)

    async def one_round(_stop: asyncio.Event) -> float:
        _, more = await indexer.round()
        return 0 if more else _PACE.longest

    return Loop("search", one_round, _PACE)
