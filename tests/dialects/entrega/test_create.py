"""Creating a delivery from a quote."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.usecases.couriers.companies import change_company
from estafette.usecases.deliveries.find import find_anywhere
from tests.dialects.entrega.answers import (
    DELIVERIES,
    LUANDA,
    QUOTES,
    ROUTE,
    bad_fields,
    created,
    order,
    quotes,
    refused,
)
from tests.edges import ENTREGA, Call
from tests.rows import quotes as quote_rows
from tests.rows import tables
from tests.serving import Server, Tenant, delivery_id


def _in(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


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


# Payment


async def test_bank_transfer_waits_for_its_payment_and_says_where_to_pay(entrega: Tenant) -> None:
    shown = await created(entrega, payment_method="bank_transfer")
    assert shown["status"] == "awaiting_payment"
    transfer = shown["bank_transfer"]
    assert transfer.pop("due_at") > shown["inserted_at"]
    assert transfer == {
        "bank_name": "Banco Exemplo",
        "bank_iban": "AO93999900000000000001429",
        "bank_account_holder": "Zango Entregas, Lda. (exemplo)",
        "amount_aoa": 1800,
        "reference": shown["reference"],
    }


async def test_company_that_takes_no_transfers_refuses_them(entrega: Tenant) -> None:
    body = await order(entrega, "kianda-expresso", payment_method="bank_transfer")
    answer = await entrega.post(DELIVERIES, body)
    assert bad_fields(answer, "payment_method_not_supported") == {"payment_method"}


async def test_cash_is_collected_with_cod_and_not_otherwise(entrega: Tenant) -> None:
    shown = await created(entrega, payment_method="cod", cash_collect_aoa=15_000)
    assert (shown["status"], shown["cash_collect_aoa"]) == ("pending", 15_000)
    without: list[dict[str, Any]] = [{}, {"cash_collect_aoa": None}]
    for sent in without:
        body = await order(entrega, payment_method="cod", **sent)
        answer = await entrega.post(DELIVERIES, body)
        assert bad_fields(answer, "cash_collect_aoa_required") == {"cash_collect_aoa"}
    wrong: list[dict[str, Any]] = [
        {"cash_collect_aoa": 15_000},
        {"payment_method": "prepaid", "cash_collect_aoa": 15_000},
        {"payment_method": "cod", "cash_collect_aoa": 0},
        {"payment_method": "cod", "cash_collect_aoa": -5},
        {"payment_method": "cod", "cash_collect_aoa": "15000"},
        {"payment_method": "cod", "cash_collect_aoa": 1.5},
    ]
    for sent in wrong:
        answer = await entrega.post(DELIVERIES, await order(entrega, **sent))
        assert bad_fields(answer) == {"cash_collect_aoa"}
    answer = await entrega.post(DELIVERIES, await order(entrega, payment_method="card"))
    assert bad_fields(answer) == {"payment_method"}


async def test_pin_is_for_the_merchant_where_the_company_wants_one(entrega: Tenant) -> None:
    shown = await created(entrega, "kianda-expresso")
    assert shown["require_delivery_pin"]
    assert re.fullmatch(r"\d{4,8}", shown["delivery_pin"])


# Schedule


async def test_schedule_is_kept_and_moves_the_promise(entrega: Tenant) -> None:
    pickup, delivery = _in(hours=5), _in(hours=6)
    shown = await created(entrega, scheduled_pickup_at=pickup, scheduled_delivery_at=delivery)
    assert shown["scheduled_pickup_at"] == pickup
    assert shown["scheduled_delivery_at"] == delivery
    assert 355 <= shown["eta_minutes"] <= 361


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"scheduled_pickup_at": _in(hours=-1)}, "scheduled_pickup_at"),
        ({"scheduled_pickup_at": _in(days=31)}, "scheduled_pickup_at"),
        ({"scheduled_delivery_at": _in(days=31)}, "scheduled_delivery_at"),
        ({"scheduled_pickup_at": "9999-12-31T23:59:59Z"}, "scheduled_pickup_at"),
        ({"scheduled_delivery_at": "9999-12-31T23:59:59Z"}, "scheduled_delivery_at"),
        (
            {
                "scheduled_pickup_at": "2026-11-22T10:00:00+00:00".replace("2026", "2036"),
                "scheduled_delivery_at": _in(hours=1),
            },
            "scheduled_pickup_at",
        ),
    ],
)
async def test_times_that_cannot_be_kept_are_refused(
    entrega: Tenant, sent: dict[str, str], field: str
) -> None:
    answer = await entrega.post(DELIVERIES, await order(entrega, **sent))
    assert bad_fields(answer, "scheduled_window_invalid") == {field}


async def test_delivery_is_at_least_twenty_minutes_after_the_pickup(entrega: Tenant) -> None:
    pickup = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    for minutes, status in ((19, 422), (20, 201)):
        sent = {
            "scheduled_pickup_at": pickup.isoformat(),
            "scheduled_delivery_at": (pickup + timedelta(minutes=minutes)).isoformat(),
        }
        answer = await entrega.post(DELIVERIES, await order(entrega, **sent))
        assert answer.status == status, answer.body


@pytest.mark.parametrize(
    "written",
    [
        "tomorrow",
        "2026-12-01",
        "2026-12-01T10:00:00",
        "2026-12-01T10:00:00 01:00",
        "2026-12-01T10:00:00+01:60",
        1_800_000_000,
        True,
        "",
    ],
)
async def test_times_without_their_zone_are_none(entrega: Tenant, written: Any) -> None:
    sent = await order(entrega, scheduled_pickup_at=written, scheduled_delivery_at=written)
    answer = await entrega.post(DELIVERIES, sent)
    assert bad_fields(answer) == {"scheduled_pickup_at", "scheduled_delivery_at"}


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
