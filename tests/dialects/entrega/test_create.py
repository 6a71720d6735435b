"""Creating a delivery: what is shown of it, its metadata, and what is refused."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.usecases.deliveries.find import find_anywhere
from tests.dialects.entrega.answers import (
    DELIVERIES,
    QUOTES,
    ROUTE,
    bad_fields,
    created,
    order,
    quotes,
)
from tests.edges import Call
from tests.serving import Tenant, delivery_id


async def test_delivery_has_all_its_fields(entrega: Tenant) -> None:
    body = await order(entrega, options={"metadata": {"checkout_id": "WEB-4821"}})
    answer = await entrega.post(DELIVERIES, body)
    assert answer.status == 201, answer.body
    shown = answer.told["data"]
    id, now = shown["id"], shown["inserted_at"]
    assert UUID(id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now)
    company = (await quotes(entrega))["zango-entregas"]
    assert shown == {
        "id": id,
        "reference": f"DLV-{now[:4]}-00001",
        "status": "pending",
        "company_id": company["company_id"],
        "company_name": "Zango Entregas",
        "quote_id": body["quote_id"],
        "origin": ROUTE["origin"],
        "destination": ROUTE["destination"],
        "parcel": ROUTE["parcel"],
        "payment_method": "prepaid",
        "courier_fee_aoa": 1800,
        "cash_collect_aoa": None,
        "bank_transfer": None,
        "scheduled_pickup_at": None,
        "scheduled_delivery_at": None,
        "eta_minutes": 135,
        "require_delivery_pin": False,
        "delivery_pin": None,
        "tracking_url": f"http://delivery.example/track/{id}",
        "options": {"metadata": {"checkout_id": "WEB-4821"}},
        "inserted_at": now,
        "updated_at": now,
        "created_with": {"key_id": shown["created_with"]["key_id"], "kind": "secret"},
    }
    assert (await entrega.get(f"{DELIVERIES}/{id}")).told == answer.told


async def test_addresses_are_given_back_as_they_were_sent(entrega: Tenant) -> None:
    address = {
        "address_line": "Rua Maia\u0301nga 3",
        "city": "LUANDA",
        "province": "luanda",
        "contact": {"phone": "923 444 555"},
        "coordinates": {"lat": -8.8259, "lng": 13},
    }
    route = ROUTE | {"destination": address}
    found = (await entrega.ask(Call("POST", QUOTES, route)))["data"]
    body = {**route, "quote_id": found[0]["quote_id"]}
    shown = (await entrega.ask(Call("POST", DELIVERIES, body)))["data"]
    assert shown["destination"] == address
    assert shown["options"] == {"metadata": {}}


async def test_references_count_on_for_each_account_and_mode(entrega: Tenant) -> None:
    numbers = [(await created(entrega))["reference"][-5:] for _ in range(3)]
    assert numbers == ["00001", "00002", "00003"]
    assert (await created(entrega.in_mode(Mode.LIVE)))["reference"].endswith("-00001")


# Metadata


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"a": None, "b": [1, 1.5, "x", True, {"é": "漢字"}]},
        {"n": 2**64 - 1, "m": -(2**63)},
        _nested(5),
        {"a": "x" * (16 * 1024 - 8)},
    ],
    ids=["empty", "mixed", "large numbers", "deep", "long"],
)
async def test_metadata_comes_back_as_it_was(entrega: Tenant, metadata: Any) -> None:
    shown = await created(entrega, options={"metadata": metadata, "colour": "red"})
    assert shown["options"] == {"metadata": metadata}
    listed = (await entrega.get(DELIVERIES)).told["data"][0]
    assert listed["options"] == {"metadata": metadata}


@pytest.mark.parametrize(
    "metadata",
    [[], "x", 1, _nested(6), {"a": "x" * (16 * 1024 - 7)}, {"n": 2**64}],
    ids=["array", "text", "number", "too deep", "too long", "too large a number"],
)
async def test_metadata_beyond_its_limits_is_refused(entrega: Tenant, metadata: Any) -> None:
    answer = await entrega.post(DELIVERIES, await order(entrega, options={"metadata": metadata}))
    assert bad_fields(answer) == {"options.metadata"}


# All at once


async def test_every_bad_field_is_named_at_once(entrega: Tenant) -> None:
    answer = await entrega.post(
        DELIVERIES,
        {
            "quote_id": 7,
            "company_id": "x",
            "origin": {"address_line": "a", "city": "b"},
            "parcel": {"weight_grams": 0},
            "payment_method": "cod",
            "scheduled_pickup_at": "soon",
            "options": {"metadata": []},
        },
    )
    assert bad_fields(answer, "cash_collect_aoa_required") == {
        "quote_id",
        "company_id",
        "origin.province",
        "destination",
        "parcel.weight_grams",
        "cash_collect_aoa",
        "scheduled_pickup_at",
        "options.metadata",
    }
    assert await entrega.count("deliveries") == 0


async def test_scenario_is_chosen_by_the_parcel_s_description_in_the_sandbox(
    entrega: Tenant,
) -> None:
    name = next(iter(SCENARIOS.keys() - {"delivered"}))
    parcel = {"weight_grams": 1200, "description": f"Livros sandbox:{name}"}
    for tenant, scenario in ((entrega, name), (entrega.in_mode(Mode.LIVE), None)):
        quote = (await quotes(tenant, parcel=parcel))["zango-entregas"]
        body = {**ROUTE, "parcel": parcel, "quote_id": quote["quote_id"]}
        shown = (await tenant.ask(Call("POST", DELIVERIES, body)))["data"]
        delivery = await find_anywhere(tenant.server.platform, delivery_id(shown["id"]))
        assert delivery.scenario == scenario
    unknown = {"weight_grams": 1, "description": "sandbox:nonsense"}
    answer = await entrega.post(QUOTES, ROUTE | {"parcel": unknown})
    assert bad_fields(answer) == {"parcel.description"}


async def test_body_counts_not_its_content_type(entrega: Tenant) -> None:
    body = json.dumps(await order(entrega)).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await entrega.post(DELIVERIES, body, headers)).status == 201
