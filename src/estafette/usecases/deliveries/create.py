"""Create a delivery.

Requests that arrive together are created together: their transaction waits for the locks of all
idempotency keys and references, reads what was there, decides for each in turn, writes once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Market, Mode, Scope
from estafette.core.accounts.page_orders import Page, order_refusal, pickup_for
from estafette.core.couriers.company import Connector
from estafette.core.deliveries import numbering
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop, reference
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.schedule import UNSCHEDULED, Schedule
from estafette.core.errors import (
    OrderConflict,
    PaymentMethodNotSupported,
    QuoteNotFound,
    Refusal,
)
from estafette.core.ids import new_id
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod
from estafette.core.quotes.pricing import UNPRICED, Price
from estafette.core.quotes.quote import Quote
from estafette.core.sandbox import scenario
from estafette.store import pool
from estafette.store.deliveries import looking, references, search_texts
from estafette.store.deliveries.idempotency import lock_number
from estafette.store.deliveries.journal import Entry
from estafette.store.deliveries.references import Given, Series
from estafette.store.pool import Connection
from estafette.store.quotes import table as quotes
from estafette.usecases.accounts import page_counts
from estafette.usecases.accounts.page_counts import PageCounts
from estafette.usecases.accounts.secrets import Cipher, new_pin
from estafette.usecases.catalog import Companies
from estafette.usecases.deliveries import idempotency, record
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.deliveries.idempotency import Answer, Idempotency, Ledger, Reply
from estafette.usecases.deliveries.pins import seal
from estafette.usecases.platform import Platform, clock
from estafette.usecases.quotes.price import estimate

_BATCH = 64
_LANES = 2


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asks to have delivered.

    `external_ref` is unique among the account's live deliveries; None leaves it out.
    `quoted_payload` is what the quote must have been given for; see `core.quote.Quote`.
    `company_id` is the courier company that the merchant means; None for the quote's.
    `payment` says how it is paid and what cash to collect; where a transfer goes is added here.
    `numbered` gives the delivery a reference, the next of its account, mode and year; it can be
    found by search then.
    `scenario` is the sandbox's, where it is chosen elsewhere than in the notes of the drop-off.
    `key_id` is the API key that it came with; `page` is the page that showed it, if it is a
    publishable one: then it is taken within the key's limits.
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
    company_id: UUID | None = None
    payment: Payment = PREPAID
    schedule: Schedule = UNSCHEDULED
    metadata: Mapping[str, Any] | None = None
    numbered: bool = False
    scenario: str | None = None
    key_id: UUID | None = None
    page: Page | None = None


class _Draft(NamedTuple):
    """An order, its delivery and price without quote or schedule, and the companies to be paid.

    `bound` is what its quote will be compared with.
    """

    order: Order
    delivery: Delivery
    price: Price
    companies: Companies | None
    bound: Mapping[str, str]


class Creator:
    """Creates deliveries for one process."""

    def __init__(self, platform: Platform) -> None:
        """Works on `platform`."""
        self._platform = platform
        self._batcher = Batcher(self._write, owner=_owner, size=_BATCH, lanes=_LANES)

    async def create(self, order: Order) -> Answer:
        """Creates the delivery, or repeats what was answered under its idempotency key.

        Raises IdempotencyMismatch, QuoteNotFound, QuoteCompanyMismatch, QuoteExpired,
        QuoteMismatch, PaymentMethodNotSupported or ScheduleInvalid, and for a page PickupRefused,
        PageMethodRefused, PageCashRefused or HourIsFull; nothing is stored then. A conflict
        (OrderConflict, QuoteUsed) is an answer that the order renders.
        """
        answer = await self._batcher.do(await self._draft(order))
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _draft(self, order: Order) -> _Draft:
        now = clock()
        pickup, dropoff, price = order.pickup, order.dropoff, UNPRICED
        if order.quote_id is None or not (pickup.city and dropoff.city):  # else the quote tells
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
        return _Draft(order, delivery, price, companies, bound)

    async def _write(self, batch: Sequence[_Draft]) -> Sequence[Answer | Refusal]:
        orders = [draft.order for draft in batch]
        async with (
            self._platform.places.batch("create") as connection,
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
            ledger = Ledger[Delivery](seen.answers)
            offered = await quotes.lock(
                connection, [(order.scope, order.quote_id) for order in orders if order.quote_id]
            )
            numbered = {order.scope for order in orders if order.numbered}
            numbers, now = await _numbers(connection, numbered) if numbered else ({}, seen.now)
            counts = await page_counts.read(connection, orders, now)
            desk = _Desk(self._platform, seen.taken, offered, numbers, counts, now)
            answers: list[Answer | Refusal] = []
            for draft in batch:
                order = draft.order
                answer = ledger.earlier(order.idempotency)
                if answer is None:
                    answer = ledger.answer(order.idempotency, desk.decide(draft), order.render)
                answers.append(answer)
            await record.creations(work, self._platform, desk.entries, desk.quotes, ledger.added)
            await references.write(connection, desk.given)
            for scope, since in desk.behind.items():
                await search_texts.look_again(connection, scope, since)
            await counts.write(connection)
        return answers


class _Desk:
    """Decides on the orders of one transaction, each knowing what those before it took."""

    def __init__(
        self,
        platform: Platform,
        taken: dict[tuple[Scope, str], UUID],
        offered: dict[tuple[Scope, UUID], Quote],
        numbers: dict[Series, Given],
        counts: PageCounts,
        now: datetime,
    ) -> None:
        """`taken` are the external references in use, `offered` the locked quotes.

        `numbers` are the last that were given, of the locked series; `counts` tell what pages had
        created lately; `now` is a time since then. `behind` tells
        afterwards from when on an account has deliveries that were created before others which a
        wrong clock has dated.
        """
        self.entries: list[Entry] = []
        self.quotes: dict[UUID, Quote] = {}
        self.given: dict[Series, Given] = {}
        self.behind: dict[Scope, datetime] = {}
        self._platform = platform
        self._taken = taken
        self._offered = offered
        self._now = now
        self._numbers = numbers
        self._counts = counts

    def decide(self, draft: _Draft) -> Delivery | Refusal:
        """The delivery, which is then among `entries`, or why not."""
        order = draft.order
        created_at = self._created_at(order.scope) if order.numbered else self._now
        delivery = replace(draft.delivery, created_at=created_at, updated_at=created_at)
        if order.external_ref:
            holder = self._taken.get((order.scope, order.external_ref))
            if holder is not None:
                return OrderConflict(order.external_ref, holder)
        if order.page:
            refusal = order_refusal(order.page.limits, order.pickup, order.payment)
            if refusal:
                return refusal
        quote, price = None, draft.price
        if order.quote_id:
            quote = self._offered.get((order.scope, order.quote_id))
            if quote is None:
                return QuoteNotFound(order.quote_id)
            refusal = quote.refusal(draft.bound, self._now, order.company_id)
            if refusal:
                return refusal
            delivery = _quoted(self._platform.cipher, delivery, quote)
            price = _quoted_price(quote)
        payment = self._payment(draft, delivery.created_at, quote)
        if isinstance(payment, Refusal):
            return payment
        if late := order.schedule.refusal(self._now):
            return late
        if full := self._counts.refusal(order):
            return full
        # after the check: a time far off may be beyond what a calendar holds
        pickup_by, deliver_by = order.schedule.promise(delivery.created_at, price)
        delivery = replace(delivery, pickup_by=pickup_by, deliver_by=deliver_by)
        delivery = _awaiting(delivery, payment)
        if quote is not None:
            self._offered[order.scope, quote.id] = quote._replace(used_by=delivery.id)
            self.quotes[delivery.id] = quote
        self._counts.add(order)
        if order.external_ref:
            self._taken[order.scope, order.external_ref] = delivery.id
        if order.numbered:
            series = Series(order.scope, delivery.created_at.year)
            number = self.given.get(series, self._numbers[series]).number + 1
            self.given[series] = Given(number, delivery.created_at)
            delivery = replace(delivery, reference=reference(series.year, number))
        self.entries.append(self._entry(delivery, order.dialect, quote))
        return delivery

    def _created_at(self, scope: Scope) -> datetime:
        """When the numbered deliveries of an account and mode are created here."""
        lasts = [given.at for series, given in self._numbers.items() if series.scope == scope]
        created_at = numbering.created_at(self._now, lasts)
        if any(numbering.is_wrong(self._now, last) for last in lasts):
            self.behind[scope] = created_at - timedelta(milliseconds=1)
        return created_at

    def _payment(
        self, draft: _Draft, created_at: datetime, quote: Quote | None
    ) -> Payment | Refusal:
        """How the delivery is paid, or why not so."""
        payment, page = draft.order.payment, draft.order.page
        due_at = created_at + self._platform.watch_limits.payment
        if payment.method is not PaymentMethod.BANK_TRANSFER:
            # what waits for a transfer goes on by the operator's word already
            return replace(payment, due_at=due_at) if page and page.limits.held else payment
        company = None
        if quote and quote.company_id and draft.companies:
            company = draft.companies.by_id(quote.company_id)
        if company is None or not company.capabilities.bank_transfer_enabled:
            return PaymentMethodNotSupported(payment.method, quote and quote.company_name)
        return replace(payment, bank=company.capabilities.bank, due_at=due_at)

    def _entry(self, delivery: Delivery, dialect: Dialect, quote: Quote | None) -> Entry:
        event = Event(
            id=new_id(),
            delivery_id=delivery.id,
            seq=1,
            status=delivery.status,
            milestone=delivery.milestone,
            actor=Actor.MERCHANT,
            note=None,
            announced=dialect.announcements(None, delivery.progress),
            occurred_at=delivery.created_at,
        )
        if quote is None or quote.connector is None:
            simulated = delivery.scope.mode is Mode.SANDBOX
        else:
            simulated = quote.connector is Connector.SANDBOX
        if not simulated:
            return Entry(delivery, event, simulated=False)
        script = scenario.script(delivery.scenario, with_pickup_ready=True)
        step = self._platform.sandbox_step
        paid = delivery.status is not Status.AWAITING_PAYMENT
        return Entry(
            delivery,
            event,
            delay_seconds=scenario.delay_seconds(script.delay, step),
            copies=script.copies,
            run_in_seconds=scenario.due_in_seconds(script, 0, step) if paid else None,
            simulated=True,
        )


def _owner(draft: _Draft) -> UUID:
    return draft.order.scope.account_id


def _scenario(order: Order) -> str | None:
    return order.scenario or scenario.mentioned(order.dropoff.notes)


async def _numbers(
    connection: Connection, scopes: Collection[Scope]
) -> tuple[dict[Series, Given], datetime]:
    """The last numbers of the series in which the scopes may create now, locked; and what is now.

    The database's time is taken once they are locked, and it names them, so the process's own
    clock is only a guess.
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


def _quoted_price(quote: Quote) -> Price:
    return Price(
        fee=quote.fee,
        pickup_within_seconds=int(quote.pickup_within.total_seconds()),
        delivery_within_seconds=int(quote.delivery_within.total_seconds()),
    )


def _quoted(cipher: Cipher, draft: Delivery, quote: Quote) -> Delivery:
    remote = quote.connector is Connector.REMOTE  # then its own platform keeps the PIN
    return replace(
        draft,
        fee=quote.fee,
        company_id=quote.company_id,
        company_name=quote.company_name,
        company_fee=quote.company_fee,
        remote=remote,
        require_pin=quote.require_pin,
        pin=seal(cipher, new_pin(), draft.id) if quote.require_pin and not remote else None,
    )


def _awaiting(delivery: Delivery, payment: Payment) -> Delivery:
    if payment.due_at is None:
        return delivery
    progress = Progress(Status.AWAITING_PAYMENT, Status.AWAITING_PAYMENT)
    return replace(delivery, progress=progress, payment=payment)
