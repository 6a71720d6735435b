"""List deliveries by offset, with filters and search; keep the search fast."""

import asyncio

from estafette.core.account import Scope
from estafette.core.delivery import Delivery
from estafette.store import search, search_texts
from estafette.store.search import ListFilter
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import keep_doing

__all__ = ["ListFilter", "index_some", "list_page", "run"]

_ACCOUNTS = 20
_TEXTS = 500
_REST = 1.0


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
    async with platform.places.lists(scope.account_id) as connection:
        return await search.page(connection, scope, wanted)


async def index_some(platform: Platform) -> int:
    """Indexes some of the texts that wait for it, of some accounts; counts them.

    Any number of processes may do it. Until it is done, a search looks through the texts that
    wait: it finds them as well, but slower the more they are.
    """
    done = 0
    async with platform.pool.acquire() as connection:
        for scope in await search_texts.behind(connection, _ACCOUNTS):
            async with connection.transaction():
                done += await search_texts.index_next(connection, scope, _TEXTS)
    return done


async def run(platform: Platform, stop: asyncio.Event) -> None:
    """Indexes what waits for it until `stop` is set, then ends with the round under way."""

    async def one_round() -> float:
        return 0 if await index_some(platform) >= _TEXTS else _REST

    await keep_doing("search", one_round, stop)
