"""The edges of Estafette for tests: each dialect described once, and a server to call them on.

Suites that hold for every dialect (idempotency, isolation, hostile input) take the parameter
`edge` from `EDGES` and speak of requests in its terms:

    @pytest.mark.parametrize("edge", EDGES, ids=str)
    async def test_something(edge: Edge, server: Server) -> None:
        tenant = await server.tenant(edge)
        answer = await tenant.post(edge.create_path, edge.body("order-1"))

`tests.serving.running` gives the server.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from estafette.core.delivery import Status
from estafette.core.errors import Refusal
from estafette.core.ids import from_base32
from estafette.dialects.entrega import Errors as EntregaErrors
from estafette.dialects.kaspi import errors as kaspi_errors
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply


@dataclass(frozen=True)
class Call:
    """A request in the words of a dialect; `body` is None for none."""

    method: str
    path: str
    body: Any = None


Ask = Callable[[Call], Awaitable[Any]]
"""Makes a request that must succeed; gives the JSON value of the answer."""


@dataclass(frozen=True)
class Belongings:
    """What a tenant has, and another may reach for: its order, the id of the order's delivery, the
    answer to `Edge.quote` (None without one), the answer to `Edge.first_page`, after which there
    is more."""

    order: str
    delivery: str
    quote: Any
    page: Any


@dataclass(frozen=True)
class Reach:
    """A request that names what is another's: how it is answered, the code of a refusal, or, where
    it is given, the whole answer."""

    call: Call
    status: int
    code: str | None = None
    told: Any = None


@dataclass(frozen=True)
class Heard:
    """A webhook in plain words: its event's id, the delivery's id as shown, its type."""

    event: str
    delivery: str
    type: str


@dataclass(frozen=True)
class Edge:
    """One dialect as its callers see it.

    Attributes:
        name: the dialect's, which is the demo account's too.
        market: the country code of the market of its accounts.
        base: where it is mounted; all paths here begin with it.
        create_path: where a delivery is created by POST.
        created_status: the HTTP status of a new delivery.
        replay_header: the header, in lower case, that marks a repeated answer.
        authorize: the headers that show an API key.
        body: a valid body of a creation for an order of that name.
        prepare: the same, for a dialect where something has to be asked for first.
        id_of: the delivery's id in the answer to a creation.
        status_of: the delivery's status, in the dialect's words, in any answer that shows one.
        get: the request that reads a delivery by its id.
        cancel: the request that cancels it.
        list: the request that lists deliveries.
        unknown_id: a well-formed id that no delivery has.
        check_error: asserts that a body is this dialect's way to refuse; returns its code.
        contract: where its OpenAPI document is.
        delivery_parameters: the parameters in paths of the document that are a delivery's id.
        disabled_statuses: how a disabled key is answered: as a rule, and where an idempotency key
            would repeat an answer.
        quote: a request for a quote, where there are quotes.
        first_page: the request for a page of one delivery.
        reaches: for each operation of the contract that needs a key (`GET /path/{parameter}`, as
            the document writes it), how another might reach for a tenant's belongings.
        shown: the word for a delivery in that status, which has come as far as that milestone.
        may_cancel: whether its merchant may cancel such a delivery.
        heard: reads a webhook's headers, whose names are in lower case, and body; asserts that it
            is signed with the secret.
        refuse: how the dialect's code writes a refusal.
        publishable: those of these operations that a publishable key may do, and it alone.
        origin: the origin of the pages that tenants trust with such a key, if there are such keys.
    """

    name: str
    market: str
    base: str
    create_path: str
    created_status: int
    replay_header: str
    authorize: Callable[[str], dict[str, str]]
    body: Callable[[str], dict[str, Any]]
    id_of: Callable[[Mapping[str, Any]], str]
    status_of: Callable[[Mapping[str, Any]], str]
    get: Callable[[str], Call]
    cancel: Callable[[str], Call]
    list: Call
    unknown_id: str
    check_error: Callable[[int, Mapping[str, str], bytes], str]
    contract: str
    delivery_parameters: frozenset[str]
    disabled_statuses: tuple[int, int]
    first_page: Call
    reaches: Callable[[Belongings], Mapping[str, tuple[Reach, ...]]]
    shown: Callable[[Status, Status], str]
    may_cancel: Callable[[Status, Status], bool]
    heard: Callable[[Mapping[str, str], bytes, str], Heard]
    refuse: Callable[[Refusal | HttpRefusal], HttpReply]
    publishable: frozenset[str] = frozenset()
    origin: str | None = None
    quote: Call | None = None
    prepare: Callable[[Ask, str], Awaitable[dict[str, Any]]] | None = None

    def __str__(self) -> str:
        """The dialect's name, for the names of tests."""
        return self.name


def _kaspi_body(order: str) -> dict[str, Any]:
    return {
        "externalOrderId": order,
        "pickup": {
            "address": "21 Zhibek Zholy, Almaty",
            "contact": {"name": "Kaspi Warehouse", "phone": "+7 727 111 0000"},
        },
        "dropoff": {
            "address": "17 Abylay Khan Ave, Almaty",
            "contact": {"name": "Dana K.", "phone": "+7 701 111 1111"},
            "notes": "Entrance B, floor 6",
        },
        "parcel": {"description": "Electronics, insured", "weightGrams": 1200, "valueKzt": 85000},
    }


_KASPI_CODES = {
    400: {"invalid_request"},
    401: {"unauthorized"},
    403: {"forbidden"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    409: {"conflict"},
    413: {"payload_too_large"},
    422: {"out_of_coverage"},
    429: {"rate_limited"},
    500: {"internal"},
}


def _check_kaspi_error(status: int, headers: Mapping[str, str], body: bytes) -> str:
    names = {name.lower(): value for name, value in headers.items()}
    assert names["content-type"] == "application/json"
    assert names["x-request-id"]
    told = json.loads(body)
    assert isinstance(told["message"], str)
    assert told["message"]
    assert told["code"] in _KASPI_CODES[status]
    details = told.get("details")
    if details is not None:
        assert status == 400
        assert details
        assert all(set(detail) == {"field", "reason"} for detail in details)
    assert set(told) <= {"code", "message", "details"}
    return told["code"]


def _kaspi_id(answer: Mapping[str, Any]) -> str:
    id: str = answer["deliveryId"]
    assert id.startswith("dlv_")
    assert from_base32(id.removeprefix("dlv_")) is not None
    return id


def _kaspi_reaches(of: Belongings) -> Mapping[str, tuple[Reach, ...]]:
    deliveries = "/delivery/v1/deliveries"
    theirs = f"{deliveries}/{of.delivery}"
    quoted = _kaspi_body("mine") | {"quoteId": of.quote["quoteId"]}
    nothing: dict[str, Any] = {"data": [], "nextCursor": None}
    return {
        "POST /v1/deliveries": (
            Reach(Call("POST", deliveries, quoted), 400, "invalid_request"),
            # an order's name is no secret and nobody's own
            Reach(Call("POST", deliveries, _kaspi_body(of.order)), 201),
        ),
        "GET /v1/deliveries": (
            Reach(Call("GET", f"{deliveries}?externalOrderId={of.order}-2"), 200, told=nothing),
            Reach(
                Call("GET", f"{deliveries}?cursor={of.page['nextCursor']}&status=delivered"),
                200,
                told=nothing,
            ),
            Reach(Call("GET", f"{deliveries}?limit=100"), 200),
        ),
        "GET /v1/deliveries/{deliveryId}": (
            Reach(Call("GET", theirs), 404, "not_found"),
            Reach(Call("GET", f"{theirs}?includeHistory=true"), 404, "not_found"),
        ),
        "POST /v1/deliveries/{deliveryId}/cancel": (
            Reach(Call("POST", f"{theirs}/cancel"), 404, "not_found"),
            Reach(Call("POST", f"{theirs}/cancel", {"reason": "mine"}), 404, "not_found"),
        ),
        "POST /v1/quotes": (Reach(_KASPI_QUOTE, 201),),
        # the owner has an address for webhooks, who reaches for it has none
        "POST /v1/webhooks/test": (
            Reach(Call("POST", "/delivery/v1/webhooks/test", {}), 400, "invalid_request"),
        ),
    }


_KASPI_QUOTE = Call(
    "POST",
    "/delivery/v1/quotes",
    {
        "pickup": {"address": "21 Zhibek Zholy, Almaty"},
        "dropoff": {"address": "17 Abylay Khan Ave, Almaty"},
        "parcel": {"weightGrams": 1200},
    },
)

_KASPI_WORDS = {
    Status.AWAITING_PAYMENT: "created",
    Status.PENDING: "created",
    Status.ASSIGNED: "accepted",
    Status.PICKUP_READY: "accepted",
    Status.IN_TRANSIT: "in_transit",
    Status.OUT_FOR_DELIVERY: "out_for_delivery",
    Status.DELIVERED: "delivered",
    Status.CANCELLED: "cancelled",
}


def _sha256(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _kaspi_heard(headers: Mapping[str, str], body: bytes, secret: str) -> Heard:
    signed = headers["x-kaspi-timestamp"].encode() + b"." + body
    assert headers["x-kaspi-signature"] == _sha256(secret, signed)
    told = json.loads(body)
    return Heard(told["eventId"], told["data"]["deliveryId"], told["type"])


KASPI = Edge(
    name="kaspi",
    market="KZ",
    base="/delivery",
    create_path="/delivery/v1/deliveries",
    created_status=201,
    replay_header="x-idempotent-replay",
    authorize=lambda key: {"x-api-key": key},
    body=_kaspi_body,
    id_of=_kaspi_id,
    status_of=lambda answer: answer["status"],
    get=lambda id: Call("GET", f"/delivery/v1/deliveries/{id}"),
    cancel=lambda id: Call(
        "POST", f"/delivery/v1/deliveries/{id}/cancel", {"reason": "Customer changed address"}
    ),
    list=Call("GET", "/delivery/v1/deliveries"),
    unknown_id="dlv_" + base64.b32encode(b"\x00" * 16).decode().rstrip("=").lower(),
    check_error=_check_kaspi_error,
    contract="/delivery/openapi.yaml",
    delivery_parameters=frozenset({"deliveryId"}),
    disabled_statuses=(403, 401),
    quote=_KASPI_QUOTE,
    first_page=Call("GET", "/delivery/v1/deliveries?limit=1"),
    reaches=_kaspi_reaches,
    shown=lambda _, milestone: _KASPI_WORDS[milestone],
    may_cancel=lambda _, milestone: _KASPI_WORDS[milestone] in ("created", "accepted"),
    heard=_kaspi_heard,
    refuse=kaspi_errors.reply,
)

_ENTREGA_ROUTE: dict[str, Any] = {
    "origin": {
        "address_line": "Rua Rainha Ginga 31",
        "city": "Luanda",
        "province": "Luanda",
        "contact": {"name": "Loja Kianda", "phone": "+244 222 333 444"},
    },
    "destination": {
        "address_line": "Avenida Brasil 110, Maiánga",
        "city": "Luanda",
        "province": "Luanda",
        "contact": {"name": "Teresa M.", "phone": "923 444 555"},
        "coordinates": {"lat": -8.8259, "lng": 13.2343},
    },
    "parcel": {
        "weight_grams": 900,
        "description": "Livros encadernados",
        "declared_value_aoa": 15000,
    },
}
_ENTREGA_QUOTE = Call("POST", "/v1/quotes", _ENTREGA_ROUTE)
_NOBODY = "00000000-0000-7000-8000-000000000000"


def _entrega_body(order: str) -> dict[str, Any]:
    return {
        "quote_id": _NOBODY,
        **_ENTREGA_ROUTE,
        "options": {"metadata": {"checkout_id": order}},
    }


async def _entrega_prepared(ask: Ask, order: str) -> dict[str, Any]:
    quotes = await ask(_ENTREGA_QUOTE)
    return _entrega_body(order) | {"quote_id": quotes["data"][0]["quote_id"]}


_ENTREGA_SLUGS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "internal_server_error",
    502: "bad_gateway",
    503: "service_unavailable",
}
_ENTREGA_CODES = {
    "quote_id_required",
    "courier_fee_aoa_not_accepted",
    "quote_not_found",
    "quote_expired",
    "quote_company_mismatch",
    "quote_payload_mismatch",
    "quote_already_used",
    "cash_collect_aoa_required",
    "payment_method_not_supported",
    "scheduled_window_invalid",
}


def _check_entrega_error(status: int, headers: Mapping[str, str], body: bytes) -> str:
    names = {name.lower(): value for name, value in headers.items()}
    assert names["content-type"] == "application/problem+json"
    assert names["x-request-id"]
    told = json.loads(body)
    slug = _ENTREGA_SLUGS[status]
    assert told["type"].endswith(f"/errors/{slug}")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert set(told) <= {"type", "title", "status", "detail", "error", "errors"}
    code = told.get("error")
    assert code is None or (status == 422 and code in _ENTREGA_CODES)
    for error in told.get("errors", ()):
        assert status == 422
        assert set(error) in ({"field", "reason"}, {"param", "reason"})
    return code or slug


def _entrega_delivery(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return answer["data"]


def _entrega_reaches(of: Belongings) -> Mapping[str, tuple[Reach, ...]]:
    theirs = f"/v1/deliveries/{of.delivery}"
    quoted = _entrega_body("mine") | {"quote_id": of.quote["data"][0]["quote_id"]}
    reference = of.page["data"][0]["reference"]
    nothing: dict[str, Any] = {
        "data": [],
        "pagination": {"limit": 20, "offset": 0, "has_more": False},
    }
    secret_key = (403, "forbidden")  # pages have keys of their own
    return {
        "GET /couriers": (Reach(Call("GET", "/v1/couriers"), 200),),
        "POST /quotes": (Reach(_ENTREGA_QUOTE, 200),),
        "POST /deliveries": (
            Reach(Call("POST", "/v1/deliveries", quoted), 422, "quote_not_found"),
        ),
        "GET /deliveries": (
            Reach(Call("GET", f"/v1/deliveries?search={reference}"), 200, told=nothing),
            Reach(Call("GET", "/v1/deliveries?limit=100"), 200),
        ),
        "GET /deliveries/{id}": (Reach(Call("GET", theirs), 404, "not_found"),),
        "DELETE /deliveries/{id}": (Reach(Call("DELETE", theirs), 404, "not_found"),),
        "GET /deliveries/{id}/events": (Reach(Call("GET", f"{theirs}/events"), 404, "not_found"),),
        "GET /widget/couriers": (Reach(Call("GET", "/v1/widget/couriers"), *secret_key),),
        "POST /widget/quotes": (
            Reach(Call("POST", "/v1/widget/quotes", _ENTREGA_ROUTE), *secret_key),
        ),
        "POST /widget/deliveries": (
            Reach(Call("POST", "/v1/widget/deliveries", quoted), *secret_key),
        ),
        "GET /widget/deliveries/{id}": (
            Reach(Call("GET", f"/v1/widget/deliveries/{of.delivery}"), *secret_key),
        ),
    }


def _entrega_heard(headers: Mapping[str, str], body: bytes, secret: str) -> Heard:
    assert headers["x-entrega-signature"] == f"sha256={_sha256(secret, body)}"
    told = json.loads(body)
    return Heard(told["id"], told["delivery_id"], told["event"])


ENTREGA = Edge(
    name="entrega",
    market="AO",
    base="/v1",
    create_path="/v1/deliveries",
    created_status=201,
    replay_header="idempotent-replayed",
    authorize=lambda key: {"Authorization": f"Bearer {key}"},
    body=_entrega_body,
    prepare=_entrega_prepared,
    id_of=lambda answer: _entrega_delivery(answer)["id"],
    status_of=lambda answer: _entrega_delivery(answer)["status"],
    get=lambda id: Call("GET", f"/v1/deliveries/{id}"),
    cancel=lambda id: Call("DELETE", f"/v1/deliveries/{id}"),
    list=Call("GET", "/v1/deliveries"),
    unknown_id=_NOBODY,
    check_error=_check_entrega_error,
    contract="/v1/openapi.json",
    delivery_parameters=frozenset({"id"}),
    disabled_statuses=(401, 401),
    quote=_ENTREGA_QUOTE,
    first_page=Call("GET", "/v1/deliveries?limit=1"),
    reaches=_entrega_reaches,
    shown=lambda status, _: status.value,
    may_cancel=lambda status, _: status in ("awaiting_payment", "pending", "assigned"),
    heard=_entrega_heard,
    refuse=EntregaErrors("http://delivery.example").reply,
    publishable=frozenset(
        {
            "GET /widget/couriers",
            "POST /widget/quotes",
            "POST /widget/deliveries",
            "GET /widget/deliveries/{id}",
        }
    ),
    origin="https://loja.example",
)

EDGES = (KASPI, ENTREGA)
"""All dialects."""
