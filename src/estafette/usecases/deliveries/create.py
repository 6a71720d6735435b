"""Create a delivery.

Orders that arrive at the same time are handled as one batch. One transaction locks all their
idempotency keys and references, reads what is stored under them, decides on each order in turn, and
writes all new deliveries in one statement.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.accounts.page_orders import pickup_for
from estafette.core.audit import AuditedAct
from estafette.core.deliveries import numbering
from estafette.core.deliveries.delivery import Delivery, Progress, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.schedule import UNSCHEDULED
from estafette.core.errors import Refusal
from estafette.core.ids import new_id
from estafette.core.money.payment import PaymentMethod
from estafette.core.quotes.pricing import UNPRICED
from estafette.core.sandbox import scenario
from estafette.store import pool
from estafette.store.deliveries import looking, references, search_texts
from estafette.store.deliveries.idempotency import lock_number
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.deliveries.references import Given, Series
from estafette.store.pool import Connection
from estafette.store.quotes import table as quotes
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.accounts import page_counts
from estafette.usecases.couriers.carriers import carrier_of
from estafette.usecases.deliveries import idempotency, record
from estafette.usecases.deliveries.advance import Move, moved
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.deliveries.idempotency import Answer, KeptAnswers
from estafette.usecases.deliveries.orders import Decider, Draft, Order
from estafette.usecases.platform import Platform, clock
from estafette.usecases.quotes.price import estimate

_BATCH = 64
_LANES = 2


class Creator:
    """Creates deliveries for one process."""

    def __init__(self, platform: Platform) -> None:
        """Creates deliveries of `platform`."""
        self._platform = platform
        self._batcher = Batcher(self._write, owner=_owner, size=_BATCH, lanes=_LANES)

    async def create(self, order: Order) -> Answer:
        """Creates the delivery, or repeats the answer that is kept under its idempotency key.

        Raises IdempotencyMismatch, QuoteNotFound, QuoteCompanyMismatch, QuoteExpired,
        QuoteMismatch, PaymentMethodNotSupported or ScheduleInvalid, and for an order with a
        publishable key PickupRefused, PageMethodRefused, PageCashRefused or HourIsFull; then
        nothing is stored. A conflict (OrderConflict, QuoteUsed) is not raised: it is an answer,
        which `order.render` writes.
        """
        answer = await self._batcher.do(await self._draft(order))
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _draft(self, order: Order) -> Draft:
        now = clock()
        pickup, dropoff, price = order.pickup, order.dropoff, UNPRICED
        if order.quote_id is None or not (pickup.city and dropoff.city):  # else the quote has them
            route = await estimate(self._platform, order.market, pickup, dropoff, order.parcel)
            pickup, dropoff, price = route.pickup, route.dropoff, route.price_or_default()
        if order.page:
            at_place = pickup_for(order.page.limits, order.pickup)
            pickup = replace(
                pickup, name=at_place.name, phone=at_place.phone, phone_e164=at_place.phone_e164
            )
        companies = None
        if order.payment.method is PaymentMethod.BANK_TRANSFER:
            companies = await self._platform.catalog.companies(order.market.code)
        sandbox = order.scope.mode is Mode.SANDBOX
        pickup_by, deliver_by = UNSCHEDULED.promise(now, price)
        delivery = Delivery(
            id=new_id(),
            scope=order.scope,
            progress=Progress(Status.PENDING, Status.PENDING),
            pickup=pickup,
            dropoff=dropoff,
            parcel=order.parcel,
            fee=price.fee,
            pickup_by=pickup_by,
            deliver_by=deliver_by,
            created_at=now,
            updated_at=now,
            external_ref=order.external_ref,
            quote_id=order.quote_id,
            scenario=_scenario(order) if sandbox else None,
            payment=order.payment,
            scheduled_pickup_at=order.schedule.pickup_at,
            scheduled_delivery_at=order.schedule.delivery_at,
            metadata=order.metadata,
            key_id=order.key_id,
            by_page=order.page is not None,
        )
        bound = quotes.digests(order.quoted_payload or {})
        carrier = None if sandbox else await carrier_of(self._platform, order.market, delivery)
        return Draft(order, delivery, price, companies, bound, carrier)

    async def _write(self, batch: Sequence[Draft]) -> Sequence[Answer | Refusal]:
        orders = [draft.order for draft in batch]
        async with (
            self._platform.connections.batch("create") as connection,
            self._platform.transaction(connection) as work,
        ):
            keys = [order.idempotency.key for order in orders if order.idempotency]
            refs = [(order.scope, order.external_ref) for order in orders if order.external_ref]
            locks = [
                *idempotency.locks(keys),
                *(lock_number("external_ref", *scope, ref) for scope, ref in refs),
                *page_counts.locks(orders),
            ]
            seen = await looking.look(connection, locks, keys, refs)
            ledger = KeptAnswers[Delivery](seen.answers)
            offered = await quotes.lock(
                connection, [(order.scope, order.quote_id) for order in orders if order.quote_id]
            )
            numbered = {order.scope for order in orders if order.numbered}
            numbers, now = await _numbers(connection, numbered) if numbered else ({}, seen.now)
            counts = await page_counts.read(connection, orders, now)
            decider = Decider(self._platform, seen.taken, offered, numbers, counts, now)
            answers: list[Answer | Refusal] = []
            for draft in batch:
                order = draft.order
                answer = ledger.earlier(order.idempotency)
                if answer is None:
                    answer = ledger.answer(order.idempotency, decider.decide(draft), order.render)
                answers.append(answer)
            await record.creations(
                work, self._platform, decider.entries, decider.quotes, ledger.added
            )
            if decider.uncarried:
                await _stall(work, self._platform, decider.uncarried)
            await references.write(connection, decider.given)
            if by_hand := [draft for draft in batch if draft.order.by]:
                await _note(connection, by_hand, decider.entries)
            for scope, since in decider.behind.items():
                await search_texts.look_again(connection, scope, since)
            await counts.write(connection)
        return answers


async def _stall(
    work: UnitOfWork, platform: Platform, uncarried: Sequence[tuple[JournalEntry, Order, str]]
) -> None:
    """Lets new deliveries that nobody carries be stalled, each with its reason."""
    moves = [
        moved(entry.delivery, Move(Status.STALLED, Actor.SYSTEM, reason), order.dialect)
        for entry, order, reason in uncarried
        if Status.STALLED in entry.delivery.progress.allowed()
    ]
    await record.moves(work, platform, moves)


async def _note(
    connection: Connection, drafts: Sequence[Draft], entries: Sequence[JournalEntry]
) -> None:
    """Notes in the audit which deliveries people have ordered by hand."""
    created = {entry.delivery.id for entry in entries}
    for draft in drafts:
        if draft.order.by is not None and draft.delivery.id in created:
            act, scope = AuditedAct.DELIVERY_CREATED, draft.order.scope
            await audit.note(connection, draft.order.by, act, draft.delivery.id, of=scope)


def _owner(draft: Draft) -> UUID:
    return draft.order.scope.account_id


def _scenario(order: Order) -> str | None:
    return order.scenario or scenario.mentioned(order.dropoff.notes)


async def _numbers(
    connection: Connection, scopes: Collection[Scope]
) -> tuple[dict[Series, Given], datetime]:
    """Locks the scopes' series of delivery numbers; returns their last numbers and the time.

    The time is the database's, taken after the series are locked. Its year decides which series is
    used; the process's own clock only guesses which one to lock.
    """
    numbers: dict[Series, Given] = {}
    years = numbering.years_near(clock())
    while True:
        missing = {Series(scope, year) for scope in scopes for year in years} - numbers.keys()
        numbers |= await references.lock(connection, missing)
        now = await pool.now(connection)
        years = numbering.years_near(now)
        if all(Series(scope, year) in numbers for scope in scopes for year in years):
            return numbers, now
