"""Orders of merchants, and the decisions on the orders of one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Market, Scope
from estafette.core.accounts.page_orders import OrderingPage, order_refusal
from estafette.core.audit import By
from estafette.core.couriers.carriers import Carrier
from estafette.core.couriers.company import Connector
from estafette.core.deliveries import numbering
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop, reference
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.deliveries.schedule import UNSCHEDULED, Schedule
from estafette.core.errors import (
    LeavingExcluded,
    OrderConflict,
    PaymentMethodNotSupported,
    QuoteNotFound,
    Refusal,
)
from estafette.core.ids import new_id
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.proofs.proof import ProofKind
from estafette.core.quotes.pricing import Price
from estafette.core.quotes.quote import Quote
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.deliveries.references import Given, Series
from estafette.usecases.accounts.page_counts import PageCounts
from estafette.usecases.accounts.secrets import Cipher, new_pin
from estafette.usecases.catalog import Companies
from estafette.usecases.deliveries.idempotency import Idempotency, Reply
from estafette.usecases.deliveries.pins import seal
from estafette.usecases.platform import Platform


@dataclass(frozen=True, slots=True)
class Order:
    """A delivery that a merchant orders.

    `external_ref` is unique among the account's open deliveries; None leaves it out.
    `quoted_payload` is the content that the quote must be bound to; see `core.quotes.quote.Quote`.
    `company_id` is the courier company that the merchant names; None takes the quote's.
    `payment` is the method and the cash to collect; the account of a transfer is added here.
    `numbered` gives the delivery a reference, the next of its account, mode and year, by which a
    search finds it.
    `scenario` is the sandbox's scenario, where the notes of the drop-off do not name one.
    `key_id` is the API key of the request. `page` is set for a publishable key: the page that sent
    the order, whose limits then apply.
    `proof` is what the merchant demands as proof; a PIN is made where it is demanded.
    `skills` are those that the merchant demands of the driver.
    `failing` is what becomes of it where it cannot be handed over, by its merchant's word.
    `by` is the person who orders it by hand, to be named in the audit; None for an API request.
    `render` returns the dialect's answer for the delivery or the conflict.
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
    page: OrderingPage | None = None
    by: By | None = None
    proof: Demand = NOTHING
    skills: tuple[str, ...] = ()
    failing: FailurePolicy | None = None


class Draft(NamedTuple):
    """An order, with its delivery and price before the quote and the schedule are applied.

    It also has the companies that may have to be paid. `bound` is the content that its quote will
    be compared with. `carrier` is who carries for an account whose API names no company; None where
    the account has no carriers.
    """

    order: Order
    delivery: Delivery
    price: Price
    companies: Companies | None
    bound: Mapping[str, str]
    carrier: Carrier | None = None


class Decider:
    """Decides on the orders of one transaction, one after another.

    Each decision considers what the orders before it have used up: references, quotes, numbers.
    """

    def __init__(
        self,
        platform: Platform,
        taken: dict[tuple[Scope, str], UUID],
        offered: dict[tuple[Scope, UUID], Quote],
        numbers: dict[Series, Given],
        counts: PageCounts,
        now: datetime,
    ) -> None:
        """Decides as of `now`, a time after all of these rows were locked.

        `taken` are the external references in use with their deliveries, `offered` the quotes,
        `numbers` the last number of each series, `counts` how many deliveries pages have created
        lately. `behind` is filled for accounts that have deliveries which a wrong clock dated later
        than the new ones: it says from when on their texts for the search have to be read again.
        `uncarried` are the new deliveries that no carrier of their account takes, with the reason.
        """
        self.entries: list[JournalEntry] = []
        self.quotes: dict[UUID, Quote] = {}
        self.uncarried: list[tuple[JournalEntry, Order, str]] = []
        self.given: dict[Series, Given] = {}
        self.behind: dict[Scope, datetime] = {}
        self._platform = platform
        self._taken = taken
        self._offered = offered
        self._now = now
        self._numbers = numbers
        self._counts = counts

    def decide(self, draft: Draft) -> Delivery | Refusal:
        """Returns the delivery, which is then among `entries`, or why it is refused."""
        order = draft.order
        created_at = self._created_at(order.scope) if order.numbered else self._now
        if refusal := self._order_refusal(order):
            return refusal
        quote = self._quote(draft)
        if isinstance(quote, Refusal):
            return quote
        payment = self._payment(draft, created_at, quote)
        if isinstance(payment, Refusal):
            return payment
        if refusal := order.schedule.refusal(self._now) or self._counts.refusal(order):
            return refusal
        delivery = self._delivery(draft, created_at, quote, payment)
        if refusal := _leaving_refusal(delivery):
            return refusal
        if order.numbered:
            delivery = replace(delivery, reference=self._next_reference(order.scope, created_at))
        self._note_taken(order, delivery, quote)
        entry = self._entry(delivery, order.dialect)
        self.entries.append(entry)
        if delivery.company_id is None and draft.carrier and draft.carrier.nobody:
            self.uncarried.append((entry, order, draft.carrier.nobody))
        return delivery

    def _order_refusal(self, order: Order) -> Refusal | None:
        """Returns why the order is refused whatever its quote says, or None."""
        if order.external_ref:
            holder = self._taken.get((order.scope, order.external_ref))
            if holder is not None:
                return OrderConflict(order.external_ref, holder)
        if order.page:
            return order_refusal(order.page.limits, order.pickup, order.payment)
        return None

    def _quote(self, draft: Draft) -> Quote | Refusal | None:
        """Returns the order's quote, None if it names none, or why the quote cannot be used."""
        order = draft.order
        if not order.quote_id:
            return None
        quote = self._offered.get((order.scope, order.quote_id))
        if quote is None:
            return QuoteNotFound(order.quote_id)
        return quote.refusal(draft.bound, self._now, order.company_id) or quote

    def _delivery(
        self, draft: Draft, created_at: datetime, quote: Quote | None, payment: Payment
    ) -> Delivery:
        """Returns the delivery of an order that is not refused."""
        order, price = draft.order, draft.price
        delivery = replace(draft.delivery, created_at=created_at, updated_at=created_at)
        if quote is not None:
            delivery = _quoted(self._platform.cipher, delivery, quote)
            price = _quoted_price(quote)
        if draft.carrier is not None and delivery.company_id is None:
            delivery = _carried(delivery, draft.carrier)
        # A scheduled time that was not checked may be beyond what a calendar holds.
        pickup_by, deliver_by = order.schedule.promise(created_at, price)
        delivery = replace(delivery, pickup_by=pickup_by, deliver_by=deliver_by)
        delivery = _awaiting(delivery, payment)
        if order.proof:
            delivery = _demanding(self._platform.cipher, delivery, order.proof)
        if order.skills:
            delivery = replace(delivery, skills=order.skills)
        if order.failing is not None:
            delivery = replace(delivery, failing=order.failing)
        return delivery

    def _next_reference(self, scope: Scope, created_at: datetime) -> str:
        series = Series(scope, created_at.year)
        number = self.given.get(series, self._numbers[series]).number + 1
        self.given[series] = Given(number, created_at)
        return reference(series.year, number)

    def _note_taken(self, order: Order, delivery: Delivery, quote: Quote | None) -> None:
        """Notes the reference and the quote that the delivery uses, for the orders after it."""
        if quote is not None:
            self._offered[order.scope, quote.id] = quote._replace(used_by=delivery.id)
            self.quotes[delivery.id] = quote
        self._counts.add(order)
        if order.external_ref:
            self._taken[order.scope, order.external_ref] = delivery.id

    def _created_at(self, scope: Scope) -> datetime:
        """Returns the time of creation of an account's numbered deliveries in this transaction."""
        lasts = [given.at for series, given in self._numbers.items() if series.scope == scope]
        created_at = numbering.created_at(self._now, lasts)
        if any(numbering.is_wrong(self._now, last) for last in lasts):
            self.behind[scope] = created_at - timedelta(milliseconds=1)
        return created_at

    def _payment(
        self, draft: Draft, created_at: datetime, quote: Quote | None
    ) -> Payment | Refusal:
        """Returns how the delivery is paid, or why it cannot be paid so."""
        payment, page = draft.order.payment, draft.order.page
        due_at = created_at + self._platform.watch_limits.payment
        if payment.method is not PaymentMethod.BANK_TRANSFER:
            # A delivery that awaits a transfer is held anyway, until the operator confirms it.
            return replace(payment, due_at=due_at) if page and page.limits.held else payment
        company = None
        if quote and quote.company_id and draft.companies:
            company = draft.companies.by_id(quote.company_id)
        if company is None or not company.capabilities.bank_transfer_enabled:
            return PaymentMethodNotSupported(payment.method, quote and quote.company_name)
        return replace(payment, bank=company.capabilities.bank, due_at=due_at)

    def _entry(self, delivery: Delivery, dialect: Dialect) -> JournalEntry:
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
        return JournalEntry(delivery, event)


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


def _carried(delivery: Delivery, carrier: Carrier) -> Delivery:
    """Returns the delivery with the company that its account's policy has chosen, if there is one.

    The merchant pays what was quoted, whatever the company charges.
    """
    company = carrier.company
    if company is None:
        return delivery
    return replace(
        delivery, company_id=company.id, company_name=company.name, company_fee=carrier.fee
    )


def _demanding(cipher: Cipher, delivery: Delivery, demand: Demand) -> Delivery:
    """Returns a delivery of which its merchant demands proof, with a PIN where that is demanded."""
    delivery = replace(delivery, proof=demand)
    if ProofKind.PIN not in demand.dropoff or delivery.require_pin or delivery.remote:
        return delivery
    return replace(delivery, require_pin=True, pin=seal(cipher, new_pin(), delivery.id))


def _leaving_refusal(delivery: Delivery) -> LeavingExcluded | None:
    """Returns why a parcel cannot be left at the door that its merchant wants left; None: it can.

    What the company demands besides is not known here: where that asks for a recipient, the parcel
    comes back instead.
    """
    if delivery.failing is None or delivery.failing.then is not AfterAttempts.LEAVE:
        return None
    because = delivery.needs_recipient()
    return LeavingExcluded(because) if because is not None else None


def _awaiting(delivery: Delivery, payment: Payment) -> Delivery:
    if payment.due_at is None:
        return delivery
    progress = Progress(Status.AWAITING_PAYMENT, Status.AWAITING_PAYMENT)
    return replace(delivery, progress=progress, payment=payment)
