"""Write creations and moves of deliveries, with all that follows from them, in one transaction.

Every creation and every move of a delivery is written here. Anything that has to be committed
together with it (its books, its texts for the search, its dispatch) belongs here too.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from estafette.core.couriers.company import Connector
from estafette.core.couriers.dispatch import NewDispatch
from estafette.core.deliveries.delivery import Status
from estafette.core.quotes.quote import Quote
from estafette.store.couriers import dispatches
from estafette.store.deliveries import journal, search_texts
from estafette.store.deliveries.idempotency import Key, StoredAnswer
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.work import UnitOfWork
from estafette.usecases.fleet.follow import follow
from estafette.usecases.money import books
from estafette.usecases.notifications import tell
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox import plan as simulated


async def creations(
    work: UnitOfWork,
    platform: Platform,
    entries: Sequence[JournalEntry],
    quotes: Mapping[UUID, Quote],
    answers: Sequence[tuple[Key, StoredAnswer]],
) -> None:
    """Writes new deliveries, and keeps `answers` under their idempotency keys.

    `quotes` are the quotes that deliveries were created from, by the delivery's id.
    """
    await journal.insert(
        work,
        entries,
        platform.watch_limits,
        sendings=simulated.sendings_of_new(platform, entries, quotes),
        steps=simulated.first_steps(platform, entries, quotes),
        answers=answers,
    )
    await search_texts.keep(work.connection, [entry.delivery for entry in entries])
    await tell.recipients_of(work, platform, entries)
    if quotes and (new := _dispatches(entries, quotes)):
        await dispatches.insert(work, new)


async def moves(work: UnitOfWork, platform: Platform, entries: Sequence[JournalEntry]) -> None:
    """Writes one transition of each delivery, whose rows the caller has locked."""
    sendings = simulated.sendings(platform, entries)
    await journal.move(work, entries, platform.watch_limits, sendings)
    await simulated.moved(work, platform, entries)
    await books.book(work.connection, entries)
    await follow(work, entries, platform.by)
    await tell.recipients_of(work, platform, entries)
    remote = [entry for entry in entries if entry.delivery.remote]
    if paid := [one.delivery for one in remote if one.before is Status.AWAITING_PAYMENT]:
        await dispatches.let_go(work, paid)
    if ended := [one.delivery for one in remote if one.delivery.progress.is_final]:
        await dispatches.end(work, ended)


def _dispatches(entries: Sequence[JournalEntry], quotes: Mapping[UUID, Quote]) -> list[NewDispatch]:
    """Returns the dispatches of new deliveries whose companies have a platform of their own."""
    new: list[NewDispatch] = []
    for entry in entries:
        delivery, quote = entry.delivery, quotes.get(entry.delivery.id)
        if quote is None or quote.company_id is None or quote.connector is not Connector.REMOTE:
            continue
        is_awaited = delivery.status is Status.AWAITING_PAYMENT
        scope = delivery.scope
        offer = quote.upstream or {}
        new.append(
            NewDispatch(
                scope.account_id, delivery.id, scope.mode, quote.company_id, offer, is_awaited
            )
        )
    return new
