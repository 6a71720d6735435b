"""The widget API as browsers meet it: origins, preflight, and what a page may see."""

import re
from collections.abc import Mapping
from typing import Any, cast

import pytest

from estafette.usecases.accounts.administration import set_origins
from tests.dialects.entrega.answers import ROUTE, order, refused
from tests.edges import ENTREGA, Call
from tests.serving import Answer, Server, Tenant

_COURIERS = "/v1/widget/couriers"
_QUOTES = "/v1/widget/quotes"
_DELIVERIES = "/v1/widget/deliveries"
_TRUSTED = "https://loja.example"


async def _ask(
    tenant: Tenant,
    call: Call,
    origin: str | None = _TRUSTED,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    shown = {"Authorization": f"Bearer {tenant.page_keys[tenant.mode]}", **(headers or {})}
    if origin is not None:
        shown["Origin"] = origin
    return await tenant.server.request(call.method, call.path, call.body, shown)


def _may_read(answer: Answer, origin: str | None) -> bool:
    """Whether a browser lets a page of `origin` read the answer; asserts what must always hold."""
    assert answer.headers["Vary"] == "Origin"
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert allowed != "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    return allowed is not None and allowed == origin


async def test_pages_of_trusted_origins_are_answered(entrega: Tenant) -> None:
    patterns = ["https://loja.ao", "https://*.loja.ao", "http://localhost:3000"]
    await set_origins(entrega.server.platform, entrega.account.name, patterns)
    for origin in ("https://loja.ao", "https://a.b.loja.ao", "http://localhost:3000"):
        answer = await _ask(entrega, Call("GET", _COURIERS), origin)
        assert answer.status == 200
        assert _may_read(answer, origin)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://loja.example",
        "https://loja.example:8443",
        "https://a.loja.example",
        "https://loja.example.evil.example",
        "https://loja.example, https://loja.example",
    ],
)
async def test_other_pages_are_forbidden_and_cannot_read_why(
    entrega: Tenant, origin: str | None
) -> None:
    for call in (
        Call("GET", _COURIERS),
        Call("POST", _QUOTES, ROUTE),
        Call("POST", _DELIVERIES, {}),
        Call("GET", f"{_DELIVERIES}/{ENTREGA.unknown_id}"),
    ):
        answer = await _ask(entrega, call, origin)
        refused(answer, 403)
        assert not _may_read(answer, origin)


async def test_several_origins_are_none(entrega: Tenant) -> None:
    pairs = [("Origin", _TRUSTED), ("Origin", _TRUSTED)]
    key = ("Authorization", f"Bearer {entrega.page_keys[entrega.mode]}")
    answer = await entrega.server.request("GET", _COURIERS, None, [key, *pairs])
    refused(answer, 403)


async def test_origins_are_those_of_the_key_s_own_account(server: Server, entrega: Tenant) -> None:
    other = await server.tenant(ENTREGA)
    await set_origins(server.platform, other.account.name, ["https://other.example"])
    answer = await _ask(entrega, Call("GET", _COURIERS), "https://other.example")
    refused(answer, 403)
    assert not _may_read(answer, "https://other.example")
    assert (await _ask(other, Call("GET", _COURIERS), "https://other.example")).status == 200


async def test_origins_that_are_taken_back_are_forbidden_at_once(entrega: Tenant) -> None:
    await set_origins(entrega.server.platform, entrega.account.name, [])
    refused(await _ask(entrega, Call("GET", _COURIERS)), 403)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (_COURIERS, "GET, OPTIONS"),
        (_QUOTES, "POST, OPTIONS"),
        (_DELIVERIES, "POST, OPTIONS"),
        (f"{_DELIVERIES}/x", "GET, OPTIONS"),
    ],
)
async def test_preflight_is_answered_without_a_key(
    entrega: Tenant, path: str, methods: str
) -> None:
    headers = {
        "Origin": _TRUSTED,
        "Access-Control-Request-Method": methods.partition(",")[0],
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    answer = await entrega.server.request("OPTIONS", path, None, headers)
    assert (answer.status, answer.body) == (204, b"")
    assert "Content-Length" not in answer.headers
    assert _may_read(answer, _TRUSTED)
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)


async def test_preflight_of_an_origin_that_nobody_trusts_is_forbidden(entrega: Tenant) -> None:
    for origin in ("https://evil.example", "null", None):
        headers = {} if origin is None else {"Origin": origin}
        answer = await entrega.server.request("OPTIONS", _QUOTES, None, headers)
        refused(answer, 403)
        assert not _may_read(answer, origin)


async def test_merchant_api_answers_no_page(entrega: Tenant) -> None:
    headers = {"Origin": _TRUSTED}
    for answer in (
        await entrega.get("/v1/couriers", headers),
        await entrega.server.request("OPTIONS", "/v1/quotes", None, headers),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_refusals_can_be_read_by_who_develops_a_page(entrega: Tenant) -> None:
    for call, status in (
        (Call("POST", _QUOTES, {}), 422),
        (Call("POST", _QUOTES, b"{"), 400),
        (Call("GET", f"{_DELIVERIES}/{ENTREGA.unknown_id}"), 404),
        (Call("PUT", _QUOTES, {}), 405),
    ):
        answer = await _ask(entrega, call)
        refused(answer, status)
        assert _may_read(answer, _TRUSTED)
    headers = {"Origin": _TRUSTED, "Authorization": "Bearer pk_test_nobody"}
    answer = await entrega.server.request("GET", _COURIERS, None, headers)
    refused(answer, 401)
    assert _may_read(answer, _TRUSTED)


def _keys_in(value: Any) -> set[str]:
    """The names of all fields in a JSON value, at any depth."""
    if not isinstance(value, dict):
        return set()
    fields = cast("dict[str, Any]", value)
    return {*fields}.union(*map(_keys_in, fields.values()))


_SAFE = {
    "id",
    "reference",
    "status",
    "company_id",
    "company_name",
    "quote_id",
    "payment_method",
    "courier_fee_aoa",
    "cash_collect_aoa",
    "bank_transfer",
    "scheduled_pickup_at",
    "scheduled_delivery_at",
    "eta_minutes",
    "require_delivery_pin",
    "tracking_url",
    "inserted_at",
    "updated_at",
    "origin",
    "destination",
    "city",
    "province",
    "parcel",
    "weight_grams",
}


async def test_page_quotes_creates_and_follows_and_sees_only_what_is_safe(entrega: Tenant) -> None:
    contact = {"name": "Teresa M.", "phone": "+244 923 444 555"}
    route = ROUTE | {"destination": ROUTE["destination"] | {"contact": contact}}
    quotes = (await _ask(entrega, Call("POST", _QUOTES, route))).told["data"]
    pin = next(quote for quote in quotes if quote["require_delivery_pin"])
    body = {
        **route,
        "quote_id": pin["quote_id"],
        "options": {"metadata": {"margin": "42%"}},
    }
    answer = await _ask(entrega, Call("POST", _DELIVERIES, body))
    assert answer.status == 201, answer.body
    shown = answer.told["data"]
    again = await _ask(entrega, Call("GET", f"{_DELIVERIES}/{shown['id']}"))
    assert again.told == answer.told
    assert _keys_in(shown) == _SAFE
    for secret in ("Teresa", "923 444", "Rua", "margin", "42%", "Photo prints"):
        assert secret.encode() not in answer.body
    merchant = (await entrega.get(f"/v1/deliveries/{shown['id']}")).told["data"]
    assert merchant["options"] == {"metadata": {"margin": "42%"}}
    secret = merchant["delivery_pin"]
    assert secret
    assert re.search(rf"\b{secret}\b", answer.body.decode()) is None  # within an id it is chance


async def test_a_page_finds_nothing_that_its_merchant_created_itself(entrega: Tenant) -> None:
    created = await entrega.post("/v1/deliveries", await order(entrega))
    id = created.told["data"]["id"]
    answer = await _ask(entrega, Call("GET", f"{_DELIVERIES}/{id}"))
    unknown = await _ask(entrega, Call("GET", f"{_DELIVERIES}/{ENTREGA.unknown_id}"))
    assert answer.status == unknown.status == 404
    assert answer.told == unknown.told
    assert (await entrega.get(f"/v1/deliveries/{id}")).status == 200


async def test_creation_on_a_page_can_be_repeated_under_a_key_of_its_own(entrega: Tenant) -> None:
    body = await order(entrega)
    key = {"Idempotency-Key": "cart-1"}
    first = await _ask(entrega, Call("POST", _DELIVERIES, body), headers=key)
    again = await _ask(entrega, Call("POST", _DELIVERIES, body), headers=key)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" in again.headers["Access-Control-Expose-Headers"]
    # the merchant API's keys are others: the same text there is another request
    refused(await entrega.post("/v1/deliveries", body, key), 422, "quote_already_used")
