"""The journal: writes creations and moves of deliveries, with their events and outbox messages.

One statement writes any number of deliveries, so that requests which arrive at the same time share
it. The module of each table provides its part of the statement and its columns.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.due_moves import WatchLimits, next_look
from estafette.core.deliveries.event import Event
from estafette.store import signals
from estafette.store.columns import Columns, rows
from estafette.store.deliveries import events, idempotency
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.idempotency import Key, StoredAnswer
from estafette.store.deliveries.terms import has_terms
from estafette.store.quotes import table as quotes
from estafette.store.sandbox import plans
from estafette.store.sandbox.plans import NextStep
from estafette.store.webhooks import messages
from estafette.store.webhooks.messages import Sending
from estafette.store.work import UnitOfWork


class JournalEntry(NamedTuple):
    """A delivery as it is after a creation or a move, and the event of that.

    `before` is the status before the move; None for a new delivery.
    """

    delivery: Delivery
    event: Event
    before: Status | None = None

    @property
    def with_terms(self) -> bool:
        """Whether the new delivery has values in more columns than a plain one.

        A live delivery always has, because it is watched for due moves.
        """
        of = self.delivery
        return of.scope.mode is Mode.LIVE or of.reference is not None or has_terms(of)


def _delivery(entry: JournalEntry) -> Delivery:
    return entry.delivery


def _event(entry: JournalEntry) -> Event:
    return entry.event


_SHARED = deliveries.PLACE.within(_delivery) + events.NEW.within(_event)
_PLAIN = _SHARED + deliveries.NEW.within(_delivery)
_WITH_TERMS = _PLAIN + deliveries.TERMS.within(_delivery)
_MOVED = _SHARED + deliveries.MOVED.within(_delivery)

_EVENTS_AND_MESSAGES = f"""
new_events as ({events.INSERTION}),
new_messages as ({messages.INSERTION} returning 1)
select count(*) from new_messages
"""  # noqa: S608 - the parts are constants


def _creation(*given: Columns[Any], new: str) -> str:
    ours = 1 + sum(len(each.types) for each in given)
    return f"""
        with input as (select * from {rows(*given)}),
        new_deliveries as ({new}),
        new_runs as ({plans.planning(ours)}),
        new_answers as ({idempotency.keeping(ours + len(plans.NEW.types))}),
        {_EVENTS_AND_MESSAGES}
    """  # noqa: S608 - the parts are constants


# Plain deliveries, without terms or reference, are written by a statement with fewer columns, which
# is cheaper.
_CREATE_PLAIN = _creation(_PLAIN, messages.SENDING, new=deliveries.CREATION_OF_PLAIN)
_CREATE = _creation(_WITH_TERMS, messages.SENDING, deliveries.WATCH, new=deliveries.CREATION)


async def insert(
    work: UnitOfWork,
    entries: Sequence[JournalEntry],
    limits: WatchLimits,
    *,
    sendings: Sequence[Sending],
    steps: Sequence[NextStep] = (),
    answers: Sequence[tuple[Key, StoredAnswer]] = (),
) -> None:
    """Writes new deliveries with their events and messages; marks their quotes as used.

    `sendings` has for each entry how its messages are sent. The same statement writes the `steps`
    that are planned for simulated couriers, and the `answers` to keep under idempotency keys.
    """
    connection = work.connection
    if not entries:
        await idempotency.insert(connection, answers)
        return
    await quotes.mark_used(
        connection,
        [
            (delivery.scope.account_id, delivery.quote_id, delivery.id)
            for delivery in map(_delivery, entries)
            if delivery.quote_id is not None
        ],
    )
    sent = messages.SENDING.of(sendings)
    besides = [*plans.NEW.of(steps), *idempotency.NEW.of(answers)]
    if not any(entry.with_terms for entry in entries):
        enqueued = await connection.fetchval(_CREATE_PLAIN, *_PLAIN.of(entries), *sent, *besides)
    else:
        watched = _watched(entries, limits)
        columns = _WITH_TERMS.of(entries)
        enqueued = await connection.fetchval(_CREATE, *columns, *sent, *watched, *besides)
    work.signal(signals.PAGES)
    if enqueued:
        work.signal(signals.OUTBOX)


_MOVE = f"""
with input as (select * from {rows(_MOVED, messages.SENDING, deliveries.WATCH)}),
moved as ({deliveries.MOVE}),
{_EVENTS_AND_MESSAGES}
"""  # noqa: S608 - the parts are constants


async def move(
    work: UnitOfWork,
    entries: Sequence[JournalEntry],
    limits: WatchLimits,
    sendings: Sequence[Sending],
) -> None:
    """Writes one move of each delivery, with its event and messages.

    The caller has locked the deliveries' rows. `sendings` has for each entry how its messages are
    sent.
    """
    if not entries:
        return
    sent, watched = messages.SENDING.of(sendings), _watched(entries, limits)
    work.signal(signals.PAGES)
    if await work.connection.fetchval(_MOVE, *_MOVED.of(entries), *sent, *watched):
        work.signal(signals.OUTBOX)


def _watched(entries: Sequence[JournalEntry], limits: WatchLimits) -> list[list[object]]:
    return deliveries.WATCH.of([next_look(entry.delivery, limits) for entry in entries])
