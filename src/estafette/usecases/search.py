"""List deliveries by offset, with filters and search."""

from estafette.core.account import Scope
from estafette.core.delivery import Delivery
from estafette.store import search
from estafette.store.search import ListFilter
from estafette.usecases.platform import Platform

__all__ = ["ListFilter", "list_page"]


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
    async with platform.pool.acquire() as connection:
        return await search.page(connection, scope, wanted)
