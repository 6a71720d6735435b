"""Write down what people are to be told, in the transaction of what it is about."""

from collections.abc import Sequence

import orjson

from estafette.core.ids import new_id
from estafette.core.notifications.letter import Letter
from estafette.core.notifications.notification import WORTH, NotificationKind, told_of
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.notifications import letters, recipients
from estafette.store.notifications.recipients import NewNotification
from estafette.store.work import UnitOfWork
from estafette.usecases.platform import Platform


async def recipients_of(
    work: UnitOfWork, platform: Platform, entries: Sequence[JournalEntry]
) -> None:
    """Has the recipients told of these events, as their accounts have chosen.

    Where no account has them told anything, this costs nothing.
    """
    chosen = await platform.catalog.told(work.connection)
    if not chosen:
        return
    new: list[NewNotification] = []
    for delivery, event, before in entries:
        kind, account_id = told_of(before, event.status, event.actor), delivery.scope.account_id
        if kind is not None and kind in chosen.get(account_id, ()):
            worth = WORTH[kind].total_seconds()
            new.append(NewNotification(account_id, delivery.id, event.seq, kind, worth))
    await recipients.insert(work, new)


async def rescheduled(work: UnitOfWork, platform: Platform, entry: JournalEntry) -> None:
    """Has the recipient of a delivery told of the time that was chosen, if the account wants it."""
    chosen = await platform.catalog.told(work.connection)
    kind, account_id = NotificationKind.RESCHEDULED, entry.delivery.scope.account_id
    if kind in chosen.get(account_id, ()):
        worth = WORTH[kind].total_seconds()
        new = NewNotification(account_id, entry.delivery.id, entry.event.seq, kind, worth)
        await recipients.insert(work, [new])


async def write(work: UnitOfWork, platform: Platform, letter: Letter) -> None:
    """Has a letter sent to a person, in the caller's transaction.

    Its address and facts are kept encrypted, and only until it is sent or given up.
    """
    id = new_id()
    content = {"to": letter.to, "language": letter.language, "facts": dict(letter.facts)}
    sealed = platform.cipher.encrypt(orjson.dumps(content).decode(), id.bytes)
    await letters.insert(work, id, letter.kind, sealed, letter.kind.worth)
