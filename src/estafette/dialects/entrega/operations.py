"""What merchants and the pages of their shops can both do: see couriers, ask for quotes, create."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from starlette.types import Receive, Scope

from estafette.core.accounts.account import Credential
from estafette.core.accounts.page_orders import OrderingPage, pickup_refusal
from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import Refusal
from estafette.dialects.entrega import mapping, schemas
from estafette.dialects.entrega.errors import PROBLEM
from estafette.dialects.entrega.words import parse_id
from estafette.http.errors import Errors
from estafette.http.fields import Context
from estafette.http.operations import answered, delivery_in, idempotency, json
from estafette.http.reply import Header, HttpReply
from estafette.http.request import idempotency_key, read_body
from estafette.http.strict_json import decode
from estafette.usecases.couriers.companies import offered_companies
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.quote_companies import CompanyQuoter

REPLAYED: Header = (b"idempotent-replayed", b"true")

Show = Callable[[Delivery, str], dict[str, Any]]
"""Returns a delivery as a reader sees it, given the server's public address."""


class Operations:
    """The operations for a credential that was admitted."""

    def __init__(self, platform: Platform, creator: Creator, errors: Errors) -> None:
        """Works on `platform`; writes refusals with `errors`."""
        self._platform = platform
        self._creator = creator
        self._quoter = CompanyQuoter(platform)
        self._errors = errors

    async def couriers(self, credential: Credential) -> HttpReply:
        """Returns the courier companies of the account; none while they cannot be read."""
        found = await offered_companies(self._platform, credential.account)
        return data([mapping.company(each) for each in found])

    async def quote(
        self,
        credential: Credential,
        scope: Scope,
        receive: Receive,
        page: OrderingPage | None = None,
    ) -> HttpReply:
        """Prices a route across the account's courier companies, for a `page` within its limits."""
        value = decode(await read_body(scope, receive))
        wanted = schemas.read_quote(value, Context.of(credential))
        market = credential.account.market
        pickup = mapping.stop(wanted.origin, market.phone_region)
        if page and (refusal := pickup_refusal(page.limits, pickup)):
            raise refusal
        quotes = await self._quoter.quote(
            credential.scope,
            market,
            pickup,
            mapping.stop(wanted.destination, market.phone_region),
            mapping.parcel(wanted.parcel),
            mapping.bound_payload(wanted),
        )
        return data([mapping.quote(each) for each in quotes])

    async def create(
        self,
        credential: Credential,
        endpoint: str,
        scope: Scope,
        receive: Receive,
        show: Show,
        page: OrderingPage | None = None,
    ) -> HttpReply:
        """Creates a delivery from a quote, for a `page` within its limits.

        `endpoint` is the method and path of the request.
        """
        key = idempotency_key(scope)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read_delivery(value, Context.of(credential))
        market = credential.account.market
        order = Order(
            scope=credential.scope,
            market=market,
            dialect=mapping.DIALECT,
            pickup=mapping.stop(wanted.origin, market.phone_region),
            dropoff=mapping.stop(wanted.destination, market.phone_region),
            parcel=mapping.parcel(wanted.parcel),
            render=self.render(201, show),
            quote_id=wanted.quote_id,
            quoted_payload=mapping.bound_payload(wanted),
            idempotency=idempotency(credential, endpoint, key, value),
            company_id=wanted.company_id,
            payment=mapping.payment(wanted),
            schedule=mapping.schedule(wanted),
            metadata=wanted.metadata,
            proof=wanted.proof,
            skills=wanted.skills,
            failing=wanted.failing,
            numbered=True,
            scenario=wanted.scenario,
            key_id=credential.key_id,
            page=page,
        )
        return answered(await self._creator.create(order), REPLAYED, PROBLEM)

    def render(self, status: int, show: Show) -> Callable[[Delivery | Refusal], Reply]:
        """Writes the result of an operation, to be kept under an idempotency key."""

        def written(outcome: Delivery | Refusal) -> Reply:
            if isinstance(outcome, Refusal):
                reply = self._errors.reply(outcome)
                return Reply(reply.status, reply.body)
            shown = show(opened(self._platform.cipher, outcome), self._platform.public_url)
            return Reply(status, orjson.dumps({"data": shown}))

        return written


def delivery_id_in(scope: Scope) -> UUID:
    """Returns the delivery id of the path. Raises DeliveryNotFound where it is no delivery's id."""
    return delivery_in(scope, "id", parse_id)


def data(value: Any) -> HttpReply:
    """Returns an answer that holds `value` as its `data`."""
    return json(200, {"data": value})
