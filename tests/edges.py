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
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from estafette.core.ids import from_base32


@dataclass(frozen=True)
class Call:
    """A request in the words of a dialect; `body` is None for none."""

    method: str
    path: str
    body: Any = None


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
        id_of: the delivery's id in the answer to a creation.
        status_of: the delivery's status, in the dialect's words, in any answer that shows one.
        get: the request that reads a delivery by its id.
        cancel: the request that cancels it.
        list: the request that lists deliveries.
        unknown_id: a well-formed id that no delivery has.
        check_error: asserts that a body is this dialect's way to refuse; returns its code.
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
)

EDGES = (KASPI,)
"""All dialects."""
