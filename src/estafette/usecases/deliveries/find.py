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
    """Returns a delivery of any account, for an operator. Raises DeliveryNotFound."""
    async with platform.pool.acquire() as connection:
        delivery = await deliveries.find_anywhere(connection, delivery_id)
    if delivery is None:
        raise DeliveryNotFound(delivery_id)
    return delivery


class Finder:
    """Finds deliveries for one process; requests of the same time share one statement.

    Most of the cost of a single read is its round trip, for this process and for PostgreSQL.
    """

    def __init__(self, platform: Platform) -> None:
        """Finds deliveries of `platform`."""
        self._connections = platform.connections
        self._batcher = Batcher(self._read, owner=_owner, size=_BATCH, lanes=_LANES)

    async def find(self, scope: Scope, delivery_id: UUID) -> Delivery:
        """Returns a delivery as it is at some moment after the call. Raises DeliveryNotFound."""
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
    """Returns a delivery and its newest events, oldest first, both as of one moment.

    The events are `EVENTS_SHOWN` at most. Raises DeliveryNotFound.
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
    """A page of deliveries, newest first, and where the next page begins; None at the end."""

    deliveries: list[Delivery]
    next: Position | None


async def list_deliveries(
    platform: Platform, scope: Scope, wanted: Filter, after: Position | None, limit: int
) -> DeliveryPage:
    """Returns the page of at most `limit` deliveries after a position, newest first.

    Deliveries that are created between two pages do not shift the later page. Raises Busy.
    """
    async with platform.connections.lists(scope.account_id) as connection:
        found = await lists.page(connection, scope, wanted, after, limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return DeliveryPage(shown, Position(shown[-1].created_at, shown[-1].id) if more else None)


class Looked(NamedTuple):
    """A page of deliveries, newest first; `next` is the cursor of the next page, None at the end.

    `to` is set where the page ends because enough deliveries were looked through: deliveries that
    were created before that time have not been looked through yet.
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
    """Returns at most `limit` deliveries of any account and mode, newest first, for an operator.

    `after` is the `next` of the page before, None for the first page. Each page looks through the
    next `looked_at` deliveries of each account and mode, so a page may have few deliveries, or
    none, and still not be the last. Raises PlaceUnknownError when `after` is not such a cursor.
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
