"""The Kaspi dialect over HTTP: its paths, and for each what is read, done and answered."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from uuid import UUID

import orjson
from starlette.types import ASGIApp, Receive, Scope

from estafette.core.accounts.account import Credential, Mode
from estafette.core.accounts.acts import Operation
from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import DeliveryNotFound, Refusal
from estafette.dialects.kaspi import errors, mapping, schemas
from estafette.dialects.kaspi.auth import Doorkeeper
from estafette.dialects.kaspi.listing import read_list, write_cursor
from estafette.dialects.kaspi.schemas import Context
from estafette.dialects.kaspi.words import id_of_test, parse_delivery_id, parse_quote_id
from estafette.http.acting import acting
from estafette.http.docs import Docs
from estafette.http.limiter import RateLimiter, open_to_all
from estafette.http.parameters import parameters
from estafette.http.reply import JSON, HttpReply
from estafette.http.request import idempotency_key, read_body, while_connected
from estafette.http.resource import Handler, resources
from estafette.http.strict_json import EMPTY_FINGERPRINT, decode, fingerprint
from estafette.usecases.deliveries import find
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.create import Creator, Order
from estafette.usecases.deliveries.idempotency import Answer, Idempotency, Key, Reply
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.quote import Quoter
from estafette.usecases.webhooks.endpoints import send_test

_REPLAY = (JSON, (b"x-idempotent-replay", b"true"))


class _Operations:
    """The handlers of all paths."""

    def __init__(
        self, platform: Platform, creator: Creator, quoter: Quoter, limiter: RateLimiter
    ) -> None:
        self._platform = platform
        self._creator = creator
        self._quoter = quoter
        self._finder = find.Finder(platform)
        self._doorkeeper = Doorkeeper(platform, limiter)

    async def create(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/deliveries`."""
        endpoint = "POST /v1/deliveries"
        credential = await self._doorkeeper.admit(scope, Operation.CREATE, endpoint)
        key = idempotency_key(scope)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.DeliveryRequest, value, _context(credential))
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
            idempotency=_idempotency(credential, endpoint, key, value),
            key_id=credential.key_id,
        )
        return _answered(await self._creator.create(order))

    async def list(self, scope: Scope, receive: Receive) -> HttpReply:
        """`GET /v1/deliveries`."""
        credential = await self._doorkeeper.admit(scope, Operation.LIST)
        wanted = read_list(scope["query_string"])
        finding = find.list_deliveries(
            self._platform, credential.scope, wanted.filter, wanted.after, wanted.limit
        )
        page = await while_connected(receive, finding)
        cursor = write_cursor(page.next) if page.next else None
        return _json(200, mapping.listed(page.deliveries, self._platform.public_url, cursor))

    async def get(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /v1/deliveries/{deliveryId}`."""
        credential = await self._doorkeeper.admit(scope, Operation.SHOW)
        id = _delivery_id(scope)
        if _with_history(scope["query_string"]):
            delivery, events = await find.find_with_history(self._platform, credential.scope, id)
        else:
            delivery, events = await self._finder.find(credential.scope, id), None
        return _json(200, mapping.full(delivery, self._platform.public_url, events))

    async def cancel(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/deliveries/{deliveryId}/cancel`; whatever its content type, the body counts."""
        endpoint = f"POST /v1/deliveries/{scope['path_params']['deliveryId']}/cancel"
        credential = await self._doorkeeper.admit(scope, Operation.CANCEL, endpoint)
        id = _delivery_id(scope)
        key = idempotency_key(scope)
        body = await read_body(scope, receive)
        value = decode(body) if body and not body.isspace() else None
        wanted = schemas.CancelRequest()
        if value is not None:
            wanted = schemas.read(schemas.CancelRequest, value, _context(credential))
        cancellation = Cancellation(
            scope=credential.scope,
            dialect=mapping.DIALECT,
            delivery_id=id,
            render=self._render_cancelled,
            reason=wanted.reason or None,
            idempotency=_idempotency(credential, endpoint, key, value),
        )
        return _answered(await cancel(self._platform, cancellation))

    async def quote(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/quotes`."""
        credential = await self._doorkeeper.admit(scope, Operation.QUOTE)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.QuoteRequest, value, _context(credential))
        quote = await self._quoter.quote(
            credential.scope,
            credential.account.market,
            mapping.quote_stop(wanted.pickup),
            mapping.quote_stop(wanted.dropoff),
            mapping.parcel(wanted.parcel),
            mapping.quote_payload(wanted),
        )
        return _json(201, mapping.quoted(quote))

    async def test_webhook(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/webhooks/test`."""
        credential = await self._doorkeeper.admit(scope, Operation.TEST_WEBHOOK)
        value = decode(await read_body(scope, receive))
        wanted = schemas.read(schemas.TestRequest, value, _context(credential))
        platform = self._platform.acting(acting(scope, credential))
        id = await send_test(platform, credential.scope, wanted.type, wanted.url)
        return _json(202, {"eventId": id_of_test(id), "status": "queued"})

    def _render_created(self, outcome: Delivery | Refusal) -> Reply:
        if isinstance(outcome, Refusal):
            return _kept(errors.reply(outcome))
        return _kept(_json(201, mapping.created(outcome, self._platform.public_url)))

    def _render_cancelled(self, outcome: Delivery | Refusal) -> Reply:
        if isinstance(outcome, Refusal):
            return _kept(errors.reply(outcome))
        return _kept(_json(200, mapping.full(outcome, self._platform.public_url)))


def _context(credential: Credential) -> Context:
    return Context(
        region=credential.account.market.phone_region,
        sandbox=credential.mode is Mode.SANDBOX,
    )


def _idempotency(
    credential: Credential, endpoint: str, key: str | None, value: Any
) -> Idempotency | None:
    """What an idempotency key stands for; `value` is the decoded body, None for no body."""
    if key is None:
        return None
    digest = EMPTY_FINGERPRINT if value is None else fingerprint(value)
    return Idempotency(Key(credential.scope, endpoint, key), digest)


def _delivery_id(scope: Scope) -> UUID:
    """The delivery of the path. Raises DeliveryNotFound for what is no delivery's id."""
    id = parse_delivery_id(scope["path_params"]["deliveryId"])
    if id is None:
        raise DeliveryNotFound(UUID(int=0))
    return id


def _with_history(query: bytes) -> bool:
    """Whether the history is wanted: `true` as JSON writes it, and nothing else, as published."""
    return bool(query) and parameters(query).get("includeHistory", [""])[-1] == "true"


def _json(status: int, value: Any) -> HttpReply:
    return HttpReply(status, orjson.dumps(value))


def _kept(reply: HttpReply) -> Reply:
    """A reply as it is kept under an idempotency key: all of ours are JSON without more headers."""
    return Reply(reply.status, reply.body)


def _answered(answer: Answer) -> HttpReply:
    reply = answer.reply
    return HttpReply(reply.status, reply.body, _REPLAY if answer.replayed else (JSON,))


CONTRACT = (files("estafette.dialects.kaspi") / "openapi.yaml").read_text("utf-8")
"""The contract of this dialect, in OpenAPI 3.1."""


def build(
    platform: Platform, creator: Creator, quoter: Quoter, limiter: RateLimiter | None = None
) -> ASGIApp:
    """The dialect as an application, to be mounted at `/delivery`.

    `limiter` is the one of this process; by default it has the limits to itself.
    """
    operations = _Operations(platform, creator, quoter, limiter or RateLimiter())
    docs = Docs("Kaspi Delivery", CONTRACT)
    paths: dict[str, Mapping[str, Handler]] = {
        "/v1/deliveries": {"POST": operations.create, "GET": operations.list},
        "/v1/deliveries/{deliveryId}": {"GET": operations.get},
        "/v1/deliveries/{deliveryId}/cancel": {"POST": operations.cancel},
        "/v1/quotes": {"POST": operations.quote},
        "/v1/webhooks/test": {"POST": operations.test_webhook},
        "/openapi.yaml": {"GET": open_to_all(docs.contract)},
        "/docs": {"GET": open_to_all(docs.page)},
        "/docs/{name}": {"GET": open_to_all(docs.file)},
    }
    return resources(paths, errors.reply)
