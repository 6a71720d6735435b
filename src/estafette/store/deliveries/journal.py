"""Writing deliveries: each change with its event and the outbox messages of that event.

One statement for any number of deliveries, so that requests that arrive together are written
together. It is made of what the owners of the tables give: each its part, and its columns.
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
from estafette.store.deliveries.idempotency import Key, Record
from estafette.store.deliveries.terms import has_terms
from estafette.store.quotes import table as quotes
from estafette.store.sandbox import plans
from estafette.store.webhooks import messages
from estafette.store.work import UnitOfWork


class Entry(NamedTuple):
    """A delivery as it is now, the event that made it so, and how the event is told.

    `delay_seconds` and `copies` are the sandbox's faults on demand: how much later, and how many
    times over, the event's webhooks are sent.
    `run_step` is the number of the simulated courier's next step, `run_in_seconds` from now (None:
    not by itself); a move without a `run_step` leaves the simulated courier's plan as it is.
    `simulated` tells of a new delivery whether a simulated courier carries it; None: in sandbox
    mode. `before` is the status that a move came from; None for a new delivery.
    """

    delivery: Delivery
    event: Event
    delay_seconds: float = 0
    copies: int = 1
    run_in_seconds: float | None = None
    run_step: int | None = None
    simulated: bool | None = None
    before: Status | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether a simulated courier carries the new delivery."""
        in_sandbox = self.delivery.scope.mode is Mode.SANDBOX
        return in_sandbox if self.simulated is None else self.simulated

    @property
    def with_terms(self) -> bool:
        """Whether the new delivery has more to keep than a plain one; a live one is watched."""
        of = self.delivery
        return of.scope.mode is Mode.LIVE or of.reference is not None or has_terms(of)


def _delivery(entry: Entry) -> Delivery:
    return entry.delivery


def _event(entry: Entry) -> Event:
    return entry.event


_SHARED = (
    deliveries.PLACE.within(_delivery)
    + events.NEW.within(_event)
    + Columns[Entry](
        {
            "delay_seconds": ("float8", lambda entry: float(entry.delay_seconds)),
            "copies": ("integer", lambda entry: entry.copies),
            "run_in_seconds": ("float8", lambda entry: entry.run_in_seconds),
        }
    )
)
_PLAIN = _SHARED + deliveries.NEW.within(_delivery)
_WITH_TERMS = (
    _PLAIN
    + deliveries.TERMS.within(_delivery)
    + Columns[Entry]({"simulated": ("boolean", lambda entry: entry.is_simulated)})
)
_MOVED = (
    _SHARED
    + deliveries.MOVED.within(_delivery)
    + Columns[Entry]({"run_step": ("integer", lambda entry: entry.run_step)})
)

_EVENTS_AND_MESSAGES = f"""
new_events as ({events.INSERTION}),
new_messages as ({messages.INSERTION} returning 1)
select count(*) from new_messages
"""  # noqa: S608 - the parts are constants


def _creation(*given: Columns[Any], new: str, simulated: str) -> str:
    answers = idempotency.keeping(1 + sum(len(each.types) for each in given))
    return f"""
        with input as (select * from {rows(*given)}),
        new_deliveries as ({new}),
        new_runs as ({plans.INSERTION} where {simulated}),
        new_answers as ({answers}),
        {_EVENTS_AND_MESSAGES}
    """  # noqa: S608 - the parts are constants


# A plain delivery, without terms or number, does not pay for the columns of the others.
_CREATE_PLAIN = _creation(_PLAIN, new=deliveries.CREATION_OF_PLAIN, simulated="mode = 'sandbox'")
_CREATE = _creation(_WITH_TERMS, deliveries.WATCH, new=deliveries.CREATION, simulated="simulated")


async def insert(
    work: UnitOfWork,
    entries: Sequence[Entry],
    limits: WatchLimits,
    answers: Sequence[tuple[Key, Record]] = (),
) -> None:
    """Writes new deliveries, with the messages that tell of them; marks their quotes used.

    With them, in the same statement, go the `answers` to keep under idempotency keys.
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
    kept = idempotency.NEW.of(answers)
    if not any(entry.with_terms for entry in entries):
        enqueued = await connection.fetchval(_CREATE_PLAIN, *_PLAIN.of(entries), *kept)
    else:
        watched = _watched(entries, limits)
        columns = _WITH_TERMS.of(entries)
        enqueued = await connection.fetchval(_CREATE, *columns, *watched, *kept)
    if enqueued:
        work.signal(signals.OUTBOX)


_MOVE = f"""
with input as (select * from {rows(_MOVED, deliveries.WATCH)}),
moved as ({deliveries.MOVE}),
next_runs as ({plans.NEXT}),
{_EVENTS_AND_MESSAGES}
"""  # noqa: S608 - the parts are constants


async def move(work: UnitOfWork, entries: Sequence[Entry], limits: WatchLimits) -> None:
    """Writes one transition of each delivery, whose rows the caller has locked."""
    if not entries:
        return
    watched = _watched(entries, limits)
    if await work.connection.fetchval(_MOVE, *_MOVED.of(entries), *watched):
        work.signal(signals.OUTBOX)


def _watched(entries: Sequence[Entry], limits: WatchLimits) -> list[list[object]]:
    return deliveries.WATCH.of([next_look(entry.delivery, limits) for entry in entries])
