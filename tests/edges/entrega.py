"""The edge of Entrega."""

import json
from collections.abc import Mapping
from typing import Any

from estafette.dialects.entrega.errors import errors
from tests.edges.edge import Ask, Belongings, Call, Edge, Heard, Reach, sha256

_ROUTE: dict[str, Any] = {
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
_QUOTE = Call("POST", "/v1/quotes", _ROUTE)
_NOBODY = "00000000-0000-7000-8000-000000000000"


def _body(order: str) -> dict[str, Any]:
    return {
        "quote_id": _NOBODY,
        **_ROUTE,
        "options": {"metadata": {"checkout_id": order}},
    }


async def _prepared(ask: Ask, order: str) -> dict[str, Any]:
    quotes = await ask(_QUOTE)
    return _body(order) | {"quote_id": quotes["data"][0]["quote_id"]}


_SLUGS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "internal_server_error",
    502: "bad_gateway",
    503: "service_unavailable",
}
_CODES = {
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
    "pickup_not_allowed",
    "payment_method_not_allowed",
    "cash_collect_aoa_too_high",
}


def _check_error(status: int, headers: Mapping[str, str], body: bytes) -> str:
    names = {name.lower(): value for name, value in headers.items()}
    assert names["content-type"] == "application/problem+json"
    assert names["x-request-id"]
    told = json.loads(body)
    slug = _SLUGS[status]
    assert told["type"].endswith(f"/errors/{slug}")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert set(told) <= {"type", "title", "status", "detail", "error", "errors"}
    code = told.get("error")
    assert code is None or (status == 422 and code in _CODES)
    for error in told.get("errors", ()):
        assert status == 422
        assert set(error) in ({"field", "reason"}, {"param", "reason"})
    return code or slug


def _delivery(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return answer["data"]


def _reaches(of: Belongings) -> Mapping[str, tuple[Reach, ...]]:
    theirs = f"/v1/deliveries/{of.delivery}"
    quoted = _body("mine") | {"quote_id": of.quote["data"][0]["quote_id"]}
    reference = of.page["data"][0]["reference"]
    nothing: dict[str, Any] = {
        "data": [],
        "pagination": {"limit": 20, "offset": 0, "has_more": False},
    }
    secret_key = (403, "forbidden")  # pages have keys of their own
    return {
        "GET /couriers": (Reach(Call("GET", "/v1/couriers"), 200),),
        "POST /quotes": (Reach(_QUOTE, 200),),
        "POST /deliveries": (
            Reach(Call("POST", "/v1/deliveries", quoted), 422, "quote_not_found"),
        ),
        "GET /deliveries": (
            Reach(Call("GET", f"/v1/deliveries?search={reference}"), 200, told=nothing),
            Reach(Call("GET", "/v1/deliveries?limit=100"), 200),
        ),
        "GET /deliveries/{id}": (Reach(Call("GET", theirs), 404, "not_found"),),
        "DELETE /deliveries/{id}": (Reach(Call("DELETE", theirs), 404, "not_found"),),
        "POST /deliveries/{id}/confirm": (
            Reach(Call("POST", f"{theirs}/confirm"), 404, "not_found"),
        ),
        "GET /deliveries/{id}/events": (Reach(Call("GET", f"{theirs}/events"), 404, "not_found"),),
        "GET /widget/couriers": (Reach(Call("GET", "/v1/widget/couriers"), *secret_key),),
        "POST /widget/quotes": (Reach(Call("POST", "/v1/widget/quotes", _ROUTE), *secret_key),),
        "POST /widget/deliveries": (
            Reach(Call("POST", "/v1/widget/deliveries", quoted), *secret_key),
        ),
        "GET /widget/deliveries/{id}": (
            Reach(Call("GET", f"/v1/widget/deliveries/{of.delivery}"), *secret_key),
        ),
    }


_FOLLOWING = {
    "quote_id": "$response.body#/data/0/quote_id",
    "origin": "$request.body#/origin",
    "destination": "$request.body#/destination",
    "parcel": "$request.body#/parcel",
}


def _heard(headers: Mapping[str, str], body: bytes, secret: str) -> Heard:
    assert headers["x-entrega-signature"] == f"sha256={sha256(secret, body)}"
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
    body=_body,
    prepare=_prepared,
    id_of=lambda answer: _delivery(answer)["id"],
    status_of=lambda answer: _delivery(answer)["status"],
    get=lambda id: Call("GET", f"/v1/deliveries/{id}"),
    cancel=lambda id: Call("DELETE", f"/v1/deliveries/{id}"),
    list=Call("GET", "/v1/deliveries"),
    unknown_id=_NOBODY,
    check_error=_check_error,
    contract="/v1/openapi.json",
    delivery_parameters=frozenset({"id"}),
    disabled_statuses=(401, 401),
    quote=_QUOTE,
    first_page=Call("GET", "/v1/deliveries?limit=1"),
    reaches=_reaches,
    shown=lambda status, _: status.value,
    may_cancel=lambda status, _: status in ("awaiting_payment", "pending", "assigned"),
    heard=_heard,
    refuse=errors("http://delivery.example").reply,
    follows=dict.fromkeys(("createDelivery", "widgetCreateDelivery"), _FOLLOWING),
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
