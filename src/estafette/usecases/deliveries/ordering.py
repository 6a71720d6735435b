"""Quote and create orders that people write in a form or a file.

The account's dialect decides which fields an order has, by the rules of its API. The use cases that
serve the API do the rest.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from uuid import UUID

import orjson

from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Parcel, Stop
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.order_form import OrderField, OrderForm
from estafette.core.deliveries.schedule import UNSCHEDULED, Schedule
from estafette.core.errors import OrderConflict, QuoteUsed, Refusal
from estafette.core.money.payment import PREPAID, Payment
from estafette.core.quotes.quote import Quote
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Idempotency, Key, Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.quote import Quoter
from estafette.usecases.quotes.quote_companies import CompanyQuoter

__all__ = ["AcceptedOrder", "OrderRules", "Ordered", "Ordering"]

_ENDPOINT = "by hand"


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order that a dialect accepts, in the core's terms; see `usecases.deliveries.orders.Order`.

    `payload` is the content that its quote is bound to.
    """

    pickup: Stop
    dropoff: Stop
    parcel: Parcel
    payload: Mapping[str, Any]
    external_ref: str | None = None
    payment: Payment = PREPAID
    schedule: Schedule = UNSCHEDULED
    metadata: Mapping[str, Any] | None = None
    scenario: str | None = None


class OrderRules(Protocol):
    """A dialect's rules for orders that people write."""

    @property
    def dialect(self) -> Dialect:
        """The dialect itself."""
        ...

    @property
    def fields(self) -> Collection[OrderField]:
        """The fields that an order may have in this dialect."""
        ...

    @property
    def required(self) -> Collection[OrderField]:
        """The fields that an order must have."""
        ...

    @property
    def by_companies(self) -> bool:
        """Whether an order needs a quote of a courier company.

        If not, the dialect has its own quotes, and an order without one is priced when it is
        created.
        """
        ...

    @property
    def numbered(self) -> bool:
        """Whether deliveries of this dialect get references."""
        ...

    def read(self, form: OrderForm, account: Account, mode: Mode) -> AcceptedOrder:
        """Returns the order that a form describes. Raises OrderRefusedError with all bad fields."""
        ...


@dataclass(frozen=True, slots=True)
class Ordered:
    """The delivery of an order; `again` says that it had been created before."""

    delivery_id: UUID
    again: bool


class Ordering:
    """Quotes and creates the orders that people write, for one process."""

    def __init__(
        self, platform: Platform, creator: Creator, rules: Callable[[str], OrderRules]
    ) -> None:
        """`rules` returns the rules of a dialect by its name."""
        self._creator = creator
        self._rules = cache(rules)
        self._quoter = Quoter(platform)
        self._companies = CompanyQuoter(platform)

    def rules(self, account: Account) -> OrderRules:
        """Returns the rules of the account's dialect."""
        return self._rules(account.dialect)

    async def quotes(self, account: Account, mode: Mode, order: AcceptedOrder) -> list[Quote]:
        """Returns the quotes for an order, the cheapest first; none where no company carries it.

        Raises the same refusals as a request for a quote to the account's API.
        """
        scope = Scope(account.id, mode)
        arguments = (account.market, order.pickup, order.dropoff, order.parcel, order.payload)
        if self.rules(account).by_companies:
            return await self._companies.quote(scope, *arguments)
        return [await self._quoter.quote(scope, *arguments)]

    async def create(
        self,
        account: Account,
        mode: Mode,
        order: AcceptedOrder,
        key: str,
        quote_id: UUID | None = None,
        by: By | None = None,
    ) -> Ordered:
        """Creates the delivery of an order; a second call with the same `key` creates none.

        `by` is the person who orders it, to be named in the audit. Raises what `Creator.create`
        raises, and also OrderConflict and QuoteUsed.
        """
        rules, scope = self.rules(account), Scope(account.id, mode)
        wanted = Order(
            scope=scope,
            market=account.market,
            dialect=rules.dialect,
            pickup=order.pickup,
            dropoff=order.dropoff,
            parcel=order.parcel,
            render=_render,
            external_ref=order.external_ref,
            quote_id=quote_id,
            quoted_payload=order.payload if quote_id is not None else None,
            idempotency=Idempotency(Key(scope, _ENDPOINT, key), _fingerprint(order)),
            payment=order.payment,
            schedule=order.schedule,
            metadata=order.metadata,
            numbered=rules.numbered,
            scenario=order.scenario,
            by=by,
        )
        answer = await self._creator.create(wanted)
        told = orjson.loads(answer.reply.body)
        if "id" in told:
            return Ordered(UUID(told["id"]), answer.replayed)
        holder = UUID(told["holder"])
        if told["conflict"] == OrderConflict.__name__:
            raise OrderConflict(told["order"], holder)
        raise QuoteUsed(UUID(told["order"]), holder)


def _render(outcome: Delivery | Refusal) -> Reply:
    """Writes the answer to keep: the delivery's id, or the conflict and the delivery behind it."""
    match outcome:
        case Delivery():
            return Reply(201, orjson.dumps({"id": str(outcome.id)}))
        case OrderConflict():
            order = outcome.external_ref
            told = {"conflict": "OrderConflict", "order": order, "holder": str(outcome.delivery_id)}
            return Reply(409, orjson.dumps(told))
        case QuoteUsed():
            quote = str(outcome.quote_id)
            told = {"conflict": "QuoteUsed", "order": quote, "holder": str(outcome.delivery_id)}
            return Reply(409, orjson.dumps(told))
        case _:
            raise TypeError(f"{outcome!r} is no answer to an order")


def _fingerprint(order: AcceptedOrder) -> bytes:
    """Hashes all that was written except the quote: each try of a file's row asks for a new one."""
    return hashlib.sha256(repr(order).encode()).digest()
