"""Write what happened to deliveries, with all that follows from it, in one transaction.

Every creation and every move of a delivery passes here. Whatever else must be written exactly when
a delivery is (its books, its place in the search, its orders to couriers) belongs beside them.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from estafette.core.quote import Quote
from estafette.store import journal, search_texts
from estafette.store.journal import Entry
from estafette.store.pool import Connection
from estafette.usecases import ledger
from estafette.usecases.platform import Platform


async def creations(
    connection: Connection,
    platform: Platform,
    entries: Sequence[Entry],
    quotes: Mapping[UUID, Quote],
) -> int:
    """Writes new deliveries; `quotes` are by delivery, of those that were created from one.

    Returns the number of webhook messages enqueued.
    """
    enqueued = await journal.insert(connection, entries, platform.watch_limits)
    await search_texts.keep(connection, [entry.delivery for entry in entries])
    return enqueued


async def moves(connection: Connection, platform: Platform, entries: Sequence[Entry]) -> int:
    """Writes one transition of each delivery, whose rows the caller has locked.

    Returns the number of webhook messages enqueued.
    """
    enqueued = await journal.move(connection, entries, platform.watch_limits)
    await ledger.book(connection, entries)
    return enqueued
