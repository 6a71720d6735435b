"""Create a delivery.

Requests that arrive together are created together: their transaction waits for the locks of all
idempotency keys and references, reads what was there, decides for each in turn, writes once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from estafette.core import scenario
from estafette.core.account import Market, Mode, Scope
from estafette.core.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.dialect import Dialect
from estafette.core.errors import OrderConflict, QuoteNotFound, Refusal
from estafette.core.event import Actor, Event
from estafette.core.ids import new_id
from estafette.core.pricing import Price
from estafette.core.quote import Quote
from estafette.store import deliveries, journal, pool, quotes
from estafette.store.idempotency import lock_number
from estafette.store.journal import Entry
from estafette.usecases.batching import Batcher
from estafette.usecases.idempotency import Answer, Idempotency, Ledger, Reply, open_ledger
from estafette.usecases.platform import Platform, clock
from estafette.usecases.price import estimate

_BATCH = 64
_LANES = 2


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asks to have delivered.

    `external_ref` is unique among the account's live deliveries; None leaves it out.
    `quoted_payload` is what the quote must have been given for; see `core.quote.Quote`.
    `render` writes the delivery or the conflict as the dialect answers it.
    """

    scope: Scope
    market: Market
    dialect: Dialect
    pickup: Stop
    dropoff: Stop
    parcel: Parcel
    render: Callable[[Delivery | Refusal], Reply]
    external_ref: str | None = None
    quote_id: UUID | None = None
    quoted_payload: Mapping[str, Any] | None = None
    idempotency: Idempotency | None = None


class Creator:
    """Creates deliveries for one process."""

    def __init__(self, platform: Platform) -> None:
        """Works on `platform`."""
        self._platform = platform
        self._batcher = Batcher(self._write, size=_BATCH, lanes=_LANES)

    async def create(self, order: Order) -> Answer:
        """Creates the delivery, or repeats what was answered under its idempotency key.

        Raises IdempotencyMismatch, QuoteNotFound, QuoteExpired or QuoteMismatch; nothing is
        stored then. A conflict (OrderConflict, QuoteUsed) is an answer that the order renders.
        """
        draft = await self._draft(order)
        answer = await self._batcher.do((order, draft))
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _draft(self, order: Order) -> Delivery:
        """The delivery as it would be without a quote."""
        now = clock()
        route = await estimate(
            self._platform, order.market, order.pickup, order.dropoff, order.parcel
        )
        sandbox = order.scope.mode is Mode.SANDBOX
        delivery = Delivery(
            id=new_id(),
            scope=order.scope,
            progress=Progress(Status.PENDING, Status.PENDING),
            pickup=route.pickup,
            dropoff=route.dropoff,
            parcel=order.parcel,
            fee=0,
            pickup_by=now,
            deliver_by=now,
            created_at=now,
            updated_at=now,
            external_ref=order.external_ref,
            quote_id=order.quote_id,
            scenario=scenario.mentioned(order.dropoff.notes) if sandbox else None,
        )
        return _promised(delivery, route.price_or_default())

    async def _write(self, batch: Sequence[tuple[Order, Delivery]]) -> Sequence[Answer | Refusal]:
        orders = [order for order, _ in batch]
        async with self._platform.pool.acquire() as connection, connection.transaction():
            refs = [(order.scope, order.external_ref) for order in orders if order.external_ref]
            ledger: Ledger[Delivery] = await open_ledger(
                connection,
                [order.idempotency for order in orders],
                [lock_number("external_ref", *scope, ref) for scope, ref in refs],
            )
            taken = await deliveries.live_refs(connection, refs)
            offered = await quotes.lock(
                connection, [(order.scope, order.quote_id) for order in orders if order.quote_id]
            )
            now = await pool.now(connection) if offered else clock()
            created: list[Delivery] = []
            answers: list[Answer | Refusal] = []
            for order, draft in batch:
                answer = ledger.earlier(order.idempotency)
                if answer is None:
                    outcome = _decide(order, draft, taken, offered, now)
                    if isinstance(outcome, Delivery):
                        created.append(outcome)
                    answer = ledger.answer(order.idempotency, outcome, order.render)
                answers.append(answer)
            dialects = {draft.id: order.dialect for order, draft in batch}
            entries = [self._entry(delivery, dialects[delivery.id]) for delivery in created]
            enqueued = await journal.insert(connection, entries)
            await ledger.write(connection)
        if enqueued:
            self._platform.outbox_signal.wake()
        return answers

    def _entry(self, delivery: Delivery, dialect: Dialect) -> Entry:
        event = Event(
            id=new_id(),
            delivery_id=delivery.id,
            seq=1,
            status=delivery.status,
            milestone=delivery.milestone,
            actor=Actor.MERCHANT,
            note=None,
            announced=dialect.announcements(None, delivery.milestone),
            occurred_at=delivery.created_at,
        )
        if delivery.scope.mode is Mode.LIVE:
            return Entry(delivery, event)
        script = scenario.script(delivery.scenario, with_pickup_ready=True)
        step = self._platform.sandbox_step
        return Entry(
            delivery,
            event,
            delay_seconds=scenario.delay_seconds(script.delay, step),
            copies=script.copies,
            run_in_seconds=scenario.due_in_seconds(script, 0, step),
        )


def _promised(delivery: Delivery, price: Price) -> Delivery:
    pickup_by = delivery.created_at + timedelta(seconds=price.pickup_within_seconds)
    return replace(
        delivery,
        fee=price.fee,
        pickup_by=pickup_by,
        deliver_by=pickup_by + timedelta(seconds=price.delivery_within_seconds),
    )


def _decide(
    order: Order,
    draft: Delivery,
    taken: dict[tuple[Scope, str], UUID],
    offered: dict[tuple[Scope, UUID], Quote],
    now: datetime,
) -> Delivery | Refusal:
    """The delivery to write, or why not; a reference and a quote are taken for those after."""
    if order.external_ref:
        holder = taken.get((order.scope, order.external_ref))
        if holder is not None:
            return OrderConflict(order.external_ref, holder)
    if order.quote_id:
        quote = offered.get((order.scope, order.quote_id))
        if quote is None:
            return QuoteNotFound(order.quote_id)
        refusal = quote.refusal(order.quoted_payload or {}, now)
        if refusal:
            return refusal
        offered[order.scope, order.quote_id] = replace(quote, used_by=draft.id)
        draft = _quoted(draft, quote)
    if order.external_ref:
        taken[order.scope, order.external_ref] = draft.id
    return draft


def _quoted(draft: Delivery, quote: Quote) -> Delivery:
    price = Price(
        fee=quote.fee,
        pickup_within_seconds=int(quote.pickup_within.total_seconds()),
        delivery_within_seconds=int(quote.delivery_within.total_seconds()),
    )
    return _promised(draft, price)
