"""The edge of Kaspi."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import from_base32
from estafette.dialects.kaspi.errors import ERRORS
from tests.edges.edge import Belongings, Call, Edge, Heard, Reach, sha256


def _body(order: str) -> dict[str, Any]:
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


_CODES = {
    400: {"invalid_request"},
    401: {"unauthorized"},
    403: {"forbidden"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    409: {"conflict"},
    413: {"payload_too_large"},
    415: {"unsupported_media_type"},
    422: {"out_of_coverage"},
    429: {"rate_limited"},
    500: {"internal"},
    503: {"unavailable"},
}


def _check_error(status: int, headers: Mapping[str, str], body: bytes) -> str:
    names = {name.lower(): value for name, value in headers.items()}
    assert names["content-type"] == "application/json"
    assert names["x-request-id"]
    told = json.loads(body)
    assert isinstance(told["message"], str)
    assert told["message"]
    assert told["code"] in _CODES[status]
    details = told.get("details")
    if details is not None:
        assert status == 400
        assert details
        assert all(set(detail) == {"field", "reason"} for detail in details)
    assert set(told) <= {"code", "message", "details"}
    return told["code"]


def _id(answer: Mapping[str, Any]) -> str:
    id: str = answer["deliveryId"]
    assert id.startswith("dlv_")
    assert from_base32(id.removeprefix("dlv_")) is not None
    return id


def _reaches(of: Belongings) -> Mapping[str, tuple[Reach, ...]]:
    deliveries = "/delivery/v1/deliveries"
    theirs = f"{deliveries}/{of.delivery}"
    quoted = _body("mine") | {"quoteId": of.quote["quoteId"]}
    nothing: dict[str, Any] = {"data": [], "nextCursor": None}
    return {
        "POST /v1/deliveries": (
            Reach(Call("POST", deliveries, quoted), 400, "invalid_request"),
            # an order's name is no secret and nobody's own
            Reach(Call("POST", deliveries, _body(of.order)), 201),
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
        "POST /v1/quotes": (Reach(_QUOTE, 201),),
        # the owner has an address for webhooks, who reaches for it has none
        "POST /v1/webhooks/test": (
            Reach(Call("POST", "/delivery/v1/webhooks/test", {}), 400, "invalid_request"),
        ),
    }


_QUOTE = Call(
    "POST",
    "/delivery/v1/quotes",
    {
        "pickup": {"address": "21 Zhibek Zholy, Almaty"},
        "dropoff": {"address": "17 Abylay Khan Ave, Almaty"},
        "parcel": {"weightGrams": 1200},
    },
)

_WORDS = {
    Status.AWAITING_PAYMENT: "created",
    Status.PENDING: "created",
    Status.ASSIGNED: "accepted",
    Status.PICKUP_READY: "accepted",
    Status.IN_TRANSIT: "in_transit",
    Status.OUT_FOR_DELIVERY: "out_for_delivery",
    Status.DELIVERED: "delivered",
    Status.CANCELLED: "cancelled",
}


def _heard(headers: Mapping[str, str], body: bytes, secret: str) -> Heard:
    signed = headers["x-kaspi-timestamp"].encode() + b"." + body
    assert headers["x-kaspi-signature"] == sha256(secret, signed)
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
    body=_body,
    id_of=_id,
    status_of=lambda answer: answer["status"],
    get=lambda id: Call("GET", f"/delivery/v1/deliveries/{id}"),
    cancel=lambda id: Call(
        "POST", f"/delivery/v1/deliveries/{id}/cancel", {"reason": "Customer changed address"}
    ),
    list=Call("GET", "/delivery/v1/deliveries"),
    unknown_id="dlv_" + base64.b32encode(b"\x00" * 16).decode().rstrip("=").lower(),
    check_error=_check_error,
    contract="/delivery/openapi.yaml",
    delivery_parameters=frozenset({"deliveryId"}),
    disabled_statuses=(403, 401),
    quote=_QUOTE,
    first_page=Call("GET", "/delivery/v1/deliveries?limit=1"),
    reaches=_reaches,
    shown=lambda _, milestone: _WORDS[milestone],
    may_cancel=lambda _, milestone: _WORDS[milestone] in ("created", "accepted"),
    heard=_heard,
    refuse=ERRORS.reply,
    follows={"createDelivery": {"quoteId": "$response.body#/quoteId"}},
)
