"""List deliveries by offset, with filters and search; keep the search fast."""

import asyncio

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.loops import Loop, Pace
from estafette.store.deliveries import search, search_texts
from estafette.store.deliveries.search import ListFilter
from estafette.usecases.deliveries.indexing import Indexer
from estafette.usecases.platform import Platform

__all__ = ["ListFilter", "indexer", "list_page", "loop"]

_TEXTS = 500
_PACE = Pace(longest=1.0)


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


def indexer(platform: Platform) -> Indexer:
    """Returns what gives texts their grams.

    Until it is done, a search looks through the texts that wait: it finds them as well, but slower
    the more they are.
    """
    return Indexer(platform, "search", search_texts.behind, search_texts.index_next, _TEXTS)


def loop(platform: Platform) -> Loop:
    """Indexes what waits for it."""
    texts = indexer(platform)

    async def one_round(_stop: asyncio.Event) -> float:
        return 0 if (await texts.round()).more else _PACE.longest

    return Loop("search", one_round, _PACE)
