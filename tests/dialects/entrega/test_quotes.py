"""Courier companies, and pricing a route across them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Connector, CourierFailed
from estafette.usecases.couriers.companies import change_company
from tests.dialects.entrega.answers import QUOTES, ROUTE, bad_fields, quotes, refused
from tests.edges import ENTREGA, Call
from tests.serving import Server, Tenant, running
from tests.usecases.angola import FakeCourier

_SLUGS = ("zango-entregas", "kianda-expresso", "kwanza-cargas")


async def _change(tenant: Tenant, slug: str, **changes: Any) -> None:
    await change_company(tenant.server.platform, "AO", slug, tenant.account.id, **changes)


async def test_companies_are_shown_with_all_their_fields(entrega: Tenant) -> None:
    found = {each["slug"]: each for each in (await entrega.get("/v1/couriers")).told["data"]}
    assert set(found) == {"kianda-expresso", "zango-entregas", "kwanza-cargas"}
    zango = found["zango-entregas"]
    assert UUID(zango.pop("id"))
    able = zango.pop("capabilities")
    assert zango == {
        "name": "Zango Entregas",
        "slug": "zango-entregas",
        "logo_url": None,
        "service_zones": ["Luanda", "Icolo e Bengo", "Bengo"],
        "base_fee_aoa": 1800,
        "base_eta_minutes": 135,
        "active_drivers": None,
        "operating_hours": None,
    }
    assert able == {
        "bank_transfer_enabled": True,
        "bank_name": "Banco Exemplo",
        "bank_iban": "AO93999900000000000001429",
        "bank_account_holder": "Zango Entregas, Lda. (exemplo)",
        "require_delivery_pin": False,
        "parcel_types": None,
        "max_weight_grams": 30000,
    }
    assert found["kwanza-cargas"]["operating_hours"]["mon"] == [["06:00", "22:00"]]
    assert found["kwanza-cargas"]["operating_hours"]["time_zone"] == "Africa/Luanda"
    assert "sun" not in found["kwanza-cargas"]["operating_hours"]


async def test_companies_that_are_not_asked_are_not_shown(entrega: Tenant) -> None:
    await _change(entrega, "zango-entregas", active=False)
    slugs = [each["slug"] for each in (await entrega.get("/v1/couriers")).told["data"]]
    assert "zango-entregas" not in slugs
    assert "zango-entregas" not in await quotes(entrega)


async def test_quotes_come_cheapest_first_with_all_their_fields(entrega: Tenant) -> None:
    before = datetime.now(UTC)
    answer = await entrega.post(QUOTES, ROUTE)
    assert answer.status == 200
    found = answer.told["data"]
    assert [quote["fee_aoa"] for quote in found] == sorted(quote["fee_aoa"] for quote in found)
    first = found[0]
    assert UUID(first.pop("quote_id"))
    valid_until = datetime.fromisoformat(first.pop("valid_until"))
    lasting = valid_until - before
    assert timedelta(minutes=14) < lasting < timedelta(minutes=16)
    assert UUID(first.pop("company_id"))
    assert first == {
        "company_name": "Zango Entregas",
        "company_slug": "zango-entregas",
        "fee_aoa": 1800,
        "eta_minutes": 135,
        "require_delivery_pin": False,
    }


async def test_live_and_sandbox_quotes_are_priced_alike(entrega: Tenant) -> None:
    live = await quotes(entrega.in_mode(Mode.LIVE))
    rehearsed = await quotes(entrega)
    assert {slug: each["fee_aoa"] for slug, each in live.items()} == {
        slug: each["fee_aoa"] for slug, each in rehearsed.items()
    }


async def test_only_fitting_companies_are_asked(entrega: Tenant) -> None:
    heavy = await quotes(entrega, parcel={"weight_grams": 20_000})
    assert "zango-entregas" in heavy
    assert "kianda-expresso" not in heavy


async def test_route_that_nobody_covers_is_an_empty_list(entrega: Tenant) -> None:
    nowhere = {"address_line": "Rua 1", "city": "Ondjiva", "province": "Cunene"}
    answer = await entrega.post(QUOTES, ROUTE | {"destination": nowhere})
    assert (answer.status, answer.told) == (200, {"data": []})


async def test_account_without_any_company_is_told_so(server: Server, entrega: Tenant) -> None:
    for slug in _SLUGS:
        await _change(entrega, slug, active=False)
    answer = await entrega.post(QUOTES, ROUTE)
    refused(answer, 503)
    assert answer.headers["Retry-After"]
    assert (await entrega.get("/v1/couriers")).told == {"data": []}


async def test_all_companies_failing_is_a_bad_gateway(postgres_dsn: str) -> None:
    broken = FakeCourier({slug: CourierFailed("down") for slug in _SLUGS})
    async with running(postgres_dsn, couriers={Connector.SANDBOX: broken}) as server:
        answer = await (await server.tenant(ENTREGA)).post(QUOTES, ROUTE)
    refused(answer, 502)
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"origin": None}, {"origin"}),
        ({"origin": "Luanda"}, {"origin"}),
        ({"origin": {}}, {"origin.address_line", "origin.city", "origin.province"}),
        ({"parcel": {}}, {"parcel.weight_grams"}),
        ({"parcel": {"weight_grams": 0}}, {"parcel.weight_grams"}),
        ({"parcel": {"weight_grams": "1200"}}, {"parcel.weight_grams"}),
        ({"parcel": {"weight_grams": True}}, {"parcel.weight_grams"}),
        ({"parcel": {"weight_grams": 1.5}}, {"parcel.weight_grams"}),
        ({"parcel": {"weight_grams": 1_000_001}}, {"parcel.weight_grams"}),
        (
            {"parcel": {"weight_grams": 1, "declared_value_aoa": -1}},
            {"parcel.declared_value_aoa"},
        ),
        (
            {"destination": {"address_line": " ", "city": "", "province": "x" * 201}},
            {"destination.address_line", "destination.city", "destination.province"},
        ),
        (
            {"destination": ROUTE["destination"] | {"contact": {"phone": "12"}}},
            {"destination.contact.phone"},
        ),
        (
            {"destination": ROUTE["destination"] | {"coordinates": {"lat": 91, "lng": "13"}}},
            {"destination.coordinates.lat", "destination.coordinates.lng"},
        ),
        (
            {"destination": ROUTE["destination"] | {"coordinates": {"lat": 1}}},
            {"destination.coordinates.lng"},
        ),
    ],
)
async def test_every_bad_field_is_named(
    entrega: Tenant, changed: dict[str, Any], fields: set[str]
) -> None:
    assert bad_fields(await entrega.post(QUOTES, ROUTE | changed)) == fields
    assert await entrega.count("quotes") == 0


async def test_unreadable_bodies_are_bad_requests(entrega: Tenant) -> None:
    for body in (b"", b"{", b'{"a":1,"a":2}', b"\xff"):
        refused(await entrega.post(QUOTES, body), 400)
    assert bad_fields(await entrega.post(QUOTES, b"[]")) == {"body"}


async def test_unknown_fields_are_ignored(entrega: Tenant) -> None:
    assert await quotes(entrega, promo="X", origin=ROUTE["origin"] | {"floor": 3})


async def test_quote_of_one_key_works_with_every_key_of_the_mode(entrega: Tenant) -> None:
    headers = entrega.authorization("POST /widget/quotes")
    call = Call("POST", "/v1/widget/quotes", ROUTE)
    answer = await entrega.call(call, headers)
    quote = answer.told["data"][0]
    body = {**ROUTE, "quote_id": quote["quote_id"]}
    created = await entrega.post(ENTREGA.create_path, body)
    assert created.status == 201, created.body
