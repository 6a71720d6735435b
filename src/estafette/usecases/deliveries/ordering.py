"""Order by hand: ask for quotes, create, for people who write an order in a form or a file.

The account's dialect says what it takes, by the rules of its API; the same use cases do the rest.
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
    """An order that a dialect takes, in the core's words; see `usecases.deliveries.orders.Order`.

    `payload` is what its quote is bound to.
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
    """What a dialect says of orders that people write."""

    @property
    def dialect(self) -> Dialect:
        """The dialect itself."""
        ...

    @property
    def fields(self) -> Collection[OrderField]:
        """The fields that it knows."""
        ...

    @property
    def required(self) -> Collection[OrderField]:
        """Those of them that must be written."""
        ...

    @property
    def by_companies(self) -> bool:
        """Whether courier companies are asked for quotes, of which an order needs one.

        Else it has its own, without which an order is priced as it is created.
        """
        ...

    @property
    def numbered(self) -> bool:
        """Whether its deliveries get references."""
        ...

    def read(self, form: OrderForm, account: Account, mode: Mode) -> AcceptedOrder:
        """Returns the order as it takes it. Raises OrderRefusedError with all bad fields."""
        ...


@dataclass(frozen=True, slots=True)
class Ordered:
    """The delivery of an order; `again`, where it was there before."""

    delivery_id: UUID
    again: bool


class Ordering:
    """Orders for people, for one process."""

    def __init__(
        self, platform: Platform, creator: Creator, rules: Callable[[str], OrderRules]
    ) -> None:
        """`rules` gives those of a dialect by its name; it is asked for what is needed."""
        self._creator = creator
        self._rules = cache(rules)
        self._quoter = Quoter(platform)
        self._companies = CompanyQuoter(platform)

    def rules(self, account: Account) -> OrderRules:
        """Returns what the account's dialect says of orders."""
        return self._rules(account.dialect)

    async def quotes(self, account: Account, mode: Mode, order: AcceptedOrder) -> list[Quote]:
        """Returns the quotes for an order, the cheapest first; none where nobody carries it.

        Raises what the quoting of the account's API raises.
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
        """Creates the delivery of an order, once under a `key`.

        `by` is the person who orders it, whom the audit then names. Raises what `Creator.create`
        raises, OrderConflict and QuoteUsed too.
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
    """What is kept of an order: the delivery's id, or whose place it wanted to take."""
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
    """Of all that was written, the quote left out: a row of a file asks for a new one each time."""
    return hashlib.sha256(repr(order).encode()).digest()
