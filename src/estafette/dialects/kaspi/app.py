"""The Kaspi dialect over HTTP: for each path, how its request is read, done and answered."""

from collections.abc import Mapping
from importlib.resources import files
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope

from estafette.core.accounts.acts import Operation
from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import Refusal
from estafette.dialects.kaspi import mapping, schemas
from estafette.dialects.kaspi.auth import Access
from estafette.dialects.kaspi.errors import ERRORS
from estafette.dialects.kaspi.listing import read_list, write_cursor
from estafette.dialects.kaspi.words import id_of_test, parse_id, parse_quote_id
from estafette.http.acting import acting
from estafette.http.coded import code_of
from estafette.http.docs import Docs
from estafette.http.fields import Context
from estafette.http.limiter import RateLimiter, open_to_all
from estafette.http.operations import answered, delivery_in, idempotency, json
from estafette.http.parameters import parameters
from estafette.http.reply import Header, HttpReply
from estafette.http.request import idempotency_key, read_body, while_connected
from estafette.http.resource import Handler, resources
from estafette.http.strict_json import decode
from estafette.usecases.deliveries import find
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Answer, Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.deliveries.pins import opened_if_demanded
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.show import shown_to_merchant
from estafette.usecases.quotes.quote import Quoter
from estafette.usecases.webhooks.endpoints import send_test

_REPLAYED: Header = (b"x-idempotent-replay", b"true")


class _Operations:
    """The handlers of all paths."""

    def __init__(self, platform: Platform, creator: Creator, limiter: RateLimiter) -> None:
        self._platform = platform
        self._creator = creator
        self._quoter = Quoter(platform)
        self._finder = find.Finder(platform)
        self._access = Access(platform, limiter)

    async def create(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/deliveries`."""
        endpoint = "POST /v1/deliveries"
        credential = await self._access.admit(scope, Operation.CREATE, endpoint)
        key = idempotency_key(scope)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.DeliveryRequest, value, Context.of(credential))
        region = credential.account.market.phone_region
        order = Order(
            scope=credential.scope,
            market=credential.account.market,
            dialect=mapping.DIALECT,
            pickup=mapping.stop(wanted.pickup, region),
            dropoff=mapping.stop(wanted.dropoff, region),
            parcel=mapping.parcel(wanted.parcel),
            render=self._render_created,
            external_ref=wanted.external_order_id,
            quote_id=parse_quote_id(wanted.quote_id) if wanted.quote_id else None,
            quoted_payload=mapping.order_payload(wanted) if wanted.quote_id else None,
            idempotency=idempotency(credential, endpoint, key, value),
            key_id=credential.key_id,
            proof=mapping.demand(wanted),
            skills=wanted.skills or (),
            failing=wanted.failing,
        )
        return _answered(await self._creator.create(order))

    async def list(self, scope: Scope, receive: Receive) -> HttpReply:
        """`GET /v1/deliveries`."""
        credential = await self._access.admit(scope, Operation.LIST)
        wanted = read_list(scope["query_string"])
        finding = find.list_deliveries(
            self._platform, credential.scope, wanted.filter, wanted.after, wanted.limit
        )
        page = await while_connected(receive, finding)
        cursor = write_cursor(page.next) if page.next else None
        found = [opened_if_demanded(self._platform.cipher, each) for each in page.deliveries]
        return json(200, mapping.listed(found, self._platform.public_url, cursor))

    async def get(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /v1/deliveries/{deliveryId}`."""
        credential = await self._access.admit(scope, Operation.SHOW)
        id = _delivery_id(scope)
        if _with_history(scope["query_string"]):
            delivery, events = await find.find_with_history(self._platform, credential.scope, id)
        else:
            delivery, events = await self._finder.find(credential.scope, id), None
        proofs = await shown_to_merchant(self._platform, delivery)
        delivery = opened_if_demanded(self._platform.cipher, delivery)
        return json(200, mapping.full(delivery, self._platform.public_url, events, proofs))

    async def cancel(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/deliveries/{deliveryId}/cancel`.

        The body is read whatever its content type is.
        """
        endpoint = f"POST /v1/deliveries/{scope['path_params']['deliveryId']}/cancel"
        credential = await self._access.admit(scope, Operation.CANCEL, endpoint)
        id = _delivery_id(scope)
        key = idempotency_key(scope)
        body = await read_body(scope, receive)
        value = decode(body) if body and not body.isspace() else None
        wanted = schemas.CancelRequest()
        if value is not None:
            wanted = schemas.read(schemas.CancelRequest, value, Context.of(credential))
        cancellation = Cancellation(
            scope=credential.scope,
            dialect=mapping.DIALECT,
            delivery_id=id,
            render=self._render_cancelled,
            reason=wanted.reason or None,
            idempotency=idempotency(credential, endpoint, key, value),
        )
        return _answered(await cancel(self._platform, cancellation))

    async def quote(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/quotes`."""
        credential = await self._access.admit(scope, Operation.QUOTE)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.QuoteRequest, value, Context.of(credential))
        quote = await self._quoter.quote(
            credential.scope,
            credential.account.market,
            mapping.quote_stop(wanted.pickup),
            mapping.quote_stop(wanted.dropoff),
            mapping.parcel(wanted.parcel),
            mapping.quote_payload(wanted),
        )
        return json(201, mapping.quoted(quote))

    async def test_webhook(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/webhooks/test`."""
        credential = await self._access.admit(scope, Operation.TEST_WEBHOOK)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.TestRequest, value, Context.of(credential))
        platform = self._platform.acting(acting(scope, credential))
        id = await send_test(platform, credential.scope, wanted.type, wanted.url)
        return json(202, {"eventId": id_of_test(id), "status": "queued"})

    def _render_created(self, outcome: Delivery | Refusal) -> Reply:
        if isinstance(outcome, Refusal):
            return _kept(ERRORS.reply(outcome))
        shown = opened_if_demanded(self._platform.cipher, outcome)
        return _kept(json(201, mapping.created(shown, self._platform.public_url)))

    def _render_cancelled(self, outcome: Delivery | Refusal) -> Reply:
        if isinstance(outcome, Refusal):
            return _kept(ERRORS.reply(outcome))
        shown = opened_if_demanded(self._platform.cipher, outcome)
        return _kept(json(200, mapping.full(shown, self._platform.public_url)))


def _delivery_id(scope: Scope) -> UUID:
    return delivery_in(scope, "deliveryId", parse_id)


def _with_history(query: bytes) -> bool:
    """Returns whether the history is asked for: only by `true` in lower case, as published."""
    return bool(query) and parameters(query).get("includeHistory", [""])[-1] == "true"


def _kept(reply: HttpReply) -> Reply:
    """Returns a reply in the form that is kept under an idempotency key: JSON, no more headers."""
    return Reply(reply.status, reply.body)


def _answered(answer: Answer) -> HttpReply:
    return answered(answer, _REPLAYED)


CONTRACT = (files("estafette.dialects.kaspi") / "openapi.yaml").read_text("utf-8")
"""The contract of this dialect, in OpenAPI 3.1."""


def build(platform: Platform, creator: Creator, limiter: RateLimiter) -> ASGIApp:
    """Returns the dialect as an application, to be mounted as its record says."""
    operations = _Operations(platform, creator, limiter)
    docs = Docs("Kaspi Delivery", CONTRACT)
    paths: dict[str, Mapping[str, Handler]] = {
        "/v1/deliveries": {"POST": operations.create, "GET": operations.list},
        "/v1/deliveries/{deliveryId}": {"GET": operations.get},
        "/v1/deliveries/{deliveryId}/cancel": {"POST": operations.cancel},
        "/v1/quotes": {"POST": operations.quote},
        "/v1/webhooks/test": {"POST": operations.test_webhook},
        "/openapi.yaml": {"GET": open_to_all(docs.contract)},
        "/docs": {"GET": open_to_all(docs.page)},
    }
    return resources(paths, ERRORS.reply, code_of=code_of)
