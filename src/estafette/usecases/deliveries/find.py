"""Look deliveries up."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.event import Event
from estafette.core.errors import DeliveryNotFound
from estafette.store.deliveries import events, lists, overview
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.lists import Filter, Position
from estafette.store.deliveries.overview import LOOKED_AT, OverviewFilter
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.platform import Platform

__all__ = [
    "DeliveryPage",
    "Filter",
    "Finder",
    "OverviewFilter",
    "Position",
    "find_anywhere",
    "find_with_history",
    "list_deliveries",
    "look_for",
]

_BATCH = 64
_LANES = 2


async def find_anywhere(platform: Platform, delivery_id: UUID) -> Delivery:
    """One delivery of whichever account: for an operator. Raises DeliveryNotFound."""
    async with platform.pool.acquire() as connection:
        delivery = await deliveries.find_anywhere(connection, delivery_id)
    if delivery is None:
        raise DeliveryNotFound(delivery_id)
    return delivery


class Finder:
    """Finds deliveries for one process: those that are asked for together by one statement.

    Most of what a lone read costs is its round trip, for us and for PostgreSQL.
    """

    def __init__(self, platform: Platform) -> None:
        """Works on `platform`."""
        self._connections = platform.connections
        self._batcher = Batcher(self._read, owner=_owner, size=_BATCH, lanes=_LANES)

    async def find(self, scope: Scope, delivery_id: UUID) -> Delivery:
        """One delivery, as it is at some moment after the call. Raises DeliveryNotFound."""
        delivery = await self._batcher.do((scope, delivery_id))
        if delivery is None:
            raise DeliveryNotFound(delivery_id)
        return delivery

    async def _read(self, wanted: Sequence[tuple[Scope, UUID]]) -> list[Delivery | None]:
        async with self._connections.batch("find") as connection:
            found = await deliveries.find_many(connection, wanted)
        return [found.get(one) for one in wanted]


def _owner(wanted: tuple[Scope, UUID]) -> UUID:
    return wanted[0].account_id


async def find_with_history(
    platform: Platform, scope: Scope, delivery_id: UUID
) -> tuple[Delivery, list[Event]]:
    """One delivery and its newest events, oldest first, as of one moment.

    They are `EVENTS_SHOWN` at most. Raises DeliveryNotFound.
    """
    async with (
        platform.connections.account(scope.account_id) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        delivery = await deliveries.find(connection, scope, delivery_id)
        if delivery is None:
            raise DeliveryNotFound(delivery_id)
        return delivery, await events.of_delivery(connection, scope, delivery_id)


class DeliveryPage(NamedTuple):
    """Some deliveries, newest first, and where the next page begins; None at the end."""

    deliveries: list[Delivery]
    next: Position | None


async def list_deliveries(
    platform: Platform, scope: Scope, wanted: Filter, after: Position | None, limit: int
) -> DeliveryPage:
    """One page of at most `limit` deliveries. Rows added meanwhile shift no later page.

    Raises Busy.
    """
    async with platform.connections.lists(scope.account_id) as connection:
        found = await lists.page(connection, scope, wanted, after, limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return DeliveryPage(shown, Position(shown[-1].created_at, shown[-1].id) if more else None)


class Looked(NamedTuple):
    """Some deliveries, newest first; `next` goes on after them, None where there are no more.

    `to` is how far back was looked, where that is all that is known of the rest.
    """

    deliveries: list[Delivery]
    next: str | None
    to: datetime | None


async def look_for(
    platform: Platform,
    wanted: OverviewFilter,
    after: str | None,
    limit: int,
    looked_at: int = LOOKED_AT,
) -> Looked:
    """Returns at most `limit` deliveries of any account and mode, newest first: for an operator.

    After the `next` of the page before. They are looked for among the next `looked_at` of each
    account and mode, so a page may hold few, or none, and yet not be the last. Raises
    PlaceUnknownError when `after` was no `next`.
    """
    place = None if after is None else Position(*read_cursor(after))
    async with platform.pool.acquire() as connection:
        found = await overview.find(connection, wanted, limit + 1, place, looked_at)
    shown = found.deliveries[:limit]
    if len(found.deliveries) > limit:
        return Looked(shown, cursor_text(shown[-1].created_at, shown[-1].id), None)
    if found.looked_to is None:
        return Looked(shown, None, None)
    return Looked(shown, cursor_text(*found.looked_to), found.looked_to.created_at)
