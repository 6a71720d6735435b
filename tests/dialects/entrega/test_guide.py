"""The published guide's commands, with host, key and quote replaced."""

from typing import Any

from estafette.core.deliveries.delivery import Status
from tests.dialects.entrega.answers import refused
from tests.edges import Call
from tests.serving import Tenant

# As curl sends `-d`: with its line feeds and spaces.
_BODY = """{
    "quote_id": "QUOTE",
    "company_id": "COMPANY",
    "origin": {"address_line": "Rua 21 de Janeiro", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua Marien Nguabi", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 1200, "description": "Photo prints"},
    "payment_method": "prepaid",
    "options": {"metadata": {"checkout_id": "WEB-4821"}}
  }"""
_QUOTE = b"""{
    "origin": {"address_line": "Rua 21 de Janeiro", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua Marien Nguabi", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 1200, "description": "Photo prints"}
  }"""
_JSON = {"Content-Type": "application/json"}


async def _create(tenant: Tenant) -> dict[str, Any]:
    quote = (await tenant.post("/v1/quotes", _QUOTE, _JSON)).told["data"][0]
    body = _BODY.replace("QUOTE", quote["quote_id"]).replace("COMPANY", quote["company_id"])
    answer = await tenant.post("/v1/deliveries", body.encode(), _JSON)
    assert answer.status == 201, answer.body
    return answer.told["data"]


async def test_delivery_is_created_from_a_quote(entrega: Tenant) -> None:
    created = await _create(entrega)
    assert created["status"] == "pending"
    assert created["parcel"] == {"weight_grams": 1200, "description": "Photo prints"}
    assert created["options"] == {"metadata": {"checkout_id": "WEB-4821"}}
    shown = await entrega.ask(Call("GET", f"/v1/deliveries/{created['id']}"))
    assert shown == {"data": created}


async def test_lists_of_the_guide_are_answered(entrega: Tenant) -> None:
    created = await _create(entrega)
    for query, ids in (
        ("status=pending,assigned&limit=20", [created["id"]]),
        (
            "inserted_at_gte=2026-02-01T00:00:00Z&inserted_at_lte=2026-03-01T00:00:00Z"
            "&sort=inserted_at_asc",
            [],
        ),
        ("search=Maianga&offset=20&limit=20", []),
        ("search=DLV-2", [created["id"]]),
    ):
        told = await entrega.ask(Call("GET", f"/v1/deliveries?{query}"))
        assert [each["id"] for each in told["data"]] == ids
        assert set(told) == {"data", "pagination"}
        assert set(told["pagination"]) == {"limit", "offset", "has_more"}


async def test_delivery_is_cancelled_until_a_courier_is_ready(entrega: Tenant) -> None:
    first, second = await _create(entrega), await _create(entrega)
    answer = await entrega.call(Call("DELETE", f"/v1/deliveries/{first['id']}"))
    assert answer.told["data"]["status"] == "cancelled"
    await entrega.move(second["id"], Status.ASSIGNED, Status.PICKUP_READY)
    refused(await entrega.call(Call("DELETE", f"/v1/deliveries/{second['id']}")), 409)
