"""A delivery is created from its quote, once, at its price, with the payload that it bound."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.usecases.couriers.companies import change_company
from tests.dialects.entrega.answers import (
    DELIVERIES,
    LUANDA,
    ROUTE,
    bad_fields,
    order,
    quotes,
    refused,
)
from tests.edges import ENTREGA, Call
from tests.rows import quotes as quote_rows
from tests.rows import tables
from tests.serving import Server, Tenant

# The payload that binds


@pytest.mark.parametrize(
    "sent",
    [
        {"parcel": {"description": "Photo prints", "weight_grams": 1200.0}},
        {"parcel": {**ROUTE["parcel"], "declared_value_aoa": None}},
        {"origin": {**LUANDA, "contact": None, "coordinates": None}},
        {"company_id": None, "payment_method": None, "cash_collect_aoa": None, "options": None},
    ],
    ids=["numbers by value", "null is absent", "null objects are absent", "null options"],
)
async def test_equal_payloads_are_accepted(entrega: Tenant, sent: dict[str, Any]) -> None:
    answer = await entrega.post(DELIVERIES, await order(entrega) | sent)
    assert answer.status == 201, answer.body


@pytest.mark.parametrize("number", [8.8390000000000004, 1e-17, 5e-324, 13, 13.0, -0.0])
async def test_any_number_is_equal_to_itself(entrega: Tenant, number: float) -> None:
    route = {**ROUTE, "origin": LUANDA | {"coordinates": {"lat": number, "lng": 13.25}}}
    quote = (await quotes(entrega, **route))["zango-entregas"]
    answer = await entrega.post(DELIVERIES, {**route, "quote_id": quote["quote_id"]})
    assert answer.status == 201, answer.body


async def test_what_nobody_knows_is_neither_compared_nor_kept(entrega: Tenant) -> None:
    secret = "kept by nobody " * 1_900
    route = {**ROUTE, "parcel": {**ROUTE["parcel"], "colour": secret}, "more": [secret]}
    quote = (await quotes(entrega, **route))["zango-entregas"]
    pool, where = entrega.server.platform.pool, {"id": UUID(quote["quote_id"])}
    (row,) = await tables.texts(pool, "quotes", where)
    assert len(row) < 1_000
    for told in (secret[:20], LUANDA["address_line"], ROUTE["parcel"]["description"]):
        assert told not in row
    assert (await entrega.post(DELIVERIES, {**ROUTE, **quote})).status == 201


async def test_text_is_compared_after_normalisation(entrega: Tenant) -> None:
    composed = LUANDA | {"address_line": "Rua da Maiánga"}
    decomposed = LUANDA | {"address_line": "Rua da Maia\u0301nga"}
    quote = (await quotes(entrega, origin=composed))["zango-entregas"]
    body = {**ROUTE, "origin": decomposed, "quote_id": quote["quote_id"]}
    assert (await entrega.post(DELIVERIES, body)).status == 201


_UNEQUAL: list[tuple[dict[str, Any], str]] = [
    ({"parcel": {"weight_grams": 1200}}, "parcel"),
    ({"parcel": {**ROUTE["parcel"], "weight_grams": 1201}}, "parcel"),
    ({"parcel": {**ROUTE["parcel"], "description": "photo prints"}}, "parcel"),
    ({"origin": LUANDA | {"address_line": "Rua 21 de Janeiro "}}, "origin"),
    ({"origin": LUANDA | {"contact": {}}}, "origin"),
    ({"destination": ROUTE["destination"] | {"contact": {"name": "A"}}}, "destination"),
]


@pytest.mark.parametrize(
    ("sent", "field"),
    _UNEQUAL,
)
async def test_other_payloads_are_a_mismatch_and_leave_the_quote_usable(
    entrega: Tenant, sent: dict[str, Any], field: str
) -> None:
    body = await order(entrega)
    answer = await entrega.post(DELIVERIES, body | sent)
    assert bad_fields(answer, "quote_payload_mismatch") == {field}
    assert (await entrega.post(DELIVERIES, body)).status == 201


async def test_every_difference_is_named(entrega: Tenant) -> None:
    sent = await order(entrega, origin=ROUTE["destination"], destination=LUANDA)
    answer = await entrega.post(DELIVERIES, sent)
    assert bad_fields(answer, "quote_payload_mismatch") == {"origin", "destination"}


# The quote


async def test_quote_serves_one_delivery_under_parallel_attempts(entrega: Tenant) -> None:
    body = await order(entrega)
    answers = await asyncio.gather(*(entrega.post(DELIVERIES, body) for _ in range(50)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [201] + [422] * 49
    for answer in answers:
        if answer.status == 422:
            refused(answer, 422, "quote_already_used")
    assert await entrega.count("deliveries") == 1


async def test_quote_of_nobody_of_another_tenant_or_mode_is_not_found(
    server: Server, entrega: Tenant
) -> None:
    body = await order(entrega)
    for tenant in (await server.tenant(ENTREGA), entrega.in_mode(Mode.LIVE)):
        refused(await tenant.post(DELIVERIES, body), 422, "quote_not_found")
    unknown = body | {"quote_id": ENTREGA.unknown_id}
    refused(await entrega.post(DELIVERIES, unknown), 422, "quote_not_found")
    nonsense = body | {"quote_id": "abc"}
    assert bad_fields(await entrega.post(DELIVERIES, nonsense), "quote_not_found") == {"quote_id"}
    assert (await entrega.post(DELIVERIES, body)).status == 201


async def test_quote_id_is_required(entrega: Tenant) -> None:
    for body in (ROUTE, ROUTE | {"quote_id": None}, ROUTE | {"quote_id": ""}):
        assert "quote_id" in bad_fields(await entrega.post(DELIVERIES, body), "quote_id_required")


async def test_expired_quote_is_refused_and_a_used_one_says_so_even_then(entrega: Tenant) -> None:
    fresh, used = await order(entrega), await order(entrega)
    assert (await entrega.post(DELIVERIES, used)).status == 201
    await quote_rows.expire(entrega.server.platform.pool, entrega.account.id)
    refused(await entrega.post(DELIVERIES, fresh), 422, "quote_expired")
    refused(await entrega.post(DELIVERIES, used), 422, "quote_already_used")


async def test_company_must_be_the_quote_s(entrega: Tenant) -> None:
    found = await quotes(entrega)
    body = {**ROUTE, "quote_id": found["zango-entregas"]["quote_id"]}
    other = body | {"company_id": found["kianda-expresso"]["company_id"]}
    answer = await entrega.post(DELIVERIES, other)
    assert bad_fields(answer, "quote_company_mismatch") == {"company_id"}
    own = body | {"company_id": found["zango-entregas"]["company_id"].upper()}
    assert (await entrega.post(DELIVERIES, own)).status == 201


async def test_fee_is_the_quoted_one_whatever_changes_later(entrega: Tenant) -> None:
    body = await order(entrega)
    platform = entrega.server.platform
    await quote_rows.raise_tariffs(platform.pool, entrega.account.id, 1800)
    assert (await quotes(entrega))["zango-entregas"]["fee_aoa"] == 3600
    await change_company(platform, "AO", "zango-entregas", entrega.account.id, active=False)
    shown = (await entrega.ask(Call("POST", DELIVERIES, body)))["data"]
    assert shown["courier_fee_aoa"] == 1800


@pytest.mark.parametrize("value", [1800, None, {}, "x"])
async def test_fee_that_the_client_names_is_refused_before_all_else(
    entrega: Tenant, value: Any
) -> None:
    body = await order(entrega, courier_fee_aoa=value)
    answer = await entrega.post(DELIVERIES, body)
    assert bad_fields(answer, "courier_fee_aoa_not_accepted") == {"courier_fee_aoa"}
    answer = await entrega.post(DELIVERIES, {"courier_fee_aoa": value})
    fields = bad_fields(answer, "courier_fee_aoa_not_accepted")
    assert fields == {"courier_fee_aoa", "quote_id", "origin", "destination", "parcel"}
    inside = await order(entrega, options={"metadata": {"courier_fee_aoa": value}})
    assert (await entrega.post(DELIVERIES, inside)).status == 201
