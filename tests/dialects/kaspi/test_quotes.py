"""Quotes, and deliveries created from them."""

from typing import Any

import pytest

from estafette.core.accounts.account import Mode
from tests.dialects.kaspi.answers import DELIVERIES, QUOTES, bad_fields, refused
from tests.edges import KASPI
from tests.rows import tables
from tests.serving import Server, Tenant

_ROUTE: dict[str, Any] = {
    "pickup": {"address": "21 Zhibek Zholy, Almaty"},
    "dropoff": {"address": "17 Abylay Khan Ave, Almaty"},
    "parcel": {"weightGrams": 1200},
}


async def _quote(tenant: Tenant, body: dict[str, Any]) -> dict[str, Any]:
    answer = await tenant.post(QUOTES, body)
    assert answer.status == 201, answer.body
    return answer.told


async def test_quote_names_fee_times_and_its_end(kaspi: Tenant) -> None:
    quoted = await _quote(kaspi, _ROUTE)
    assert set(quoted) == {"quoteId", "feeKzt", "eta", "expiresAt"}
    assert quoted["feeKzt"] > 0
    assert quoted["eta"]["pickupBy"] < quoted["eta"]["deliveryBy"]


async def test_delivery_from_a_quote_gets_its_fee_and_its_times(kaspi: Tenant) -> None:
    far = {**_ROUTE, "dropoff": {"address": "Кабанбай батыра 15, Астана"}}
    quoted = await _quote(kaspi, far)
    body = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    body["dropoff"]["address"] = "Кабанбай батыра 15, Астана"
    answer = await kaspi.post(DELIVERIES, body)
    assert answer.status == 201, answer.body
    pool, where = kaspi.server.platform.pool, {"account_id": kaspi.account.id}
    assert await tables.value(pool, "deliveries", "fee", where) == quoted["feeKzt"]


async def test_quote_is_used_once(kaspi: Tenant) -> None:
    quoted = await _quote(kaspi, _ROUTE)
    first = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    created = await kaspi.post(DELIVERIES, first, {"Idempotency-Key": "a"})
    assert created.status == 201
    assert (await kaspi.post(DELIVERIES, first, {"Idempotency-Key": "a"})).status == 201
    second = KASPI.body("order-2") | {"quoteId": quoted["quoteId"]}
    told = refused(await kaspi.post(DELIVERIES, second), 409)
    assert created.told["deliveryId"] in told["message"]


async def test_quote_binds_what_it_was_given(kaspi: Tenant) -> None:
    bound = {**_ROUTE, "parcel": {"weightGrams": 1200, "valueKzt": 85_000}}
    quoted = await _quote(kaspi, bound)
    body = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    body["parcel"] |= {"weightGrams": 1300, "valueKzt": 85_001, "description": "Not quoted"}
    body["dropoff"]["address"] = "Elsewhere, Almaty"
    assert bad_fields(await kaspi.post(DELIVERIES, body)) == {
        "dropoff.address",
        "parcel.weightGrams",
        "parcel.valueKzt",
    }
    body["parcel"] |= {"weightGrams": 1200.0, "valueKzt": 85_000}
    body["dropoff"]["address"] = "17 Abylay Khan Ave, Almaty"
    assert (await kaspi.post(DELIVERIES, body)).status == 201


async def test_quote_of_others_is_unknown(server: Server, kaspi: Tenant) -> None:
    quoted = await _quote(kaspi, _ROUTE)
    body = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    for other in (await server.tenant(KASPI), kaspi.in_mode(Mode.LIVE)):
        assert bad_fields(await other.post(DELIVERIES, body)) == {"quoteId"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pickup": {"address": "Nowhere"}}, "pickup"),
        ({"dropoff": {"address": "Nowhere"}}, "drop-off"),
    ],
)
async def test_route_without_a_city_is_out_of_coverage(
    kaspi: Tenant, change: dict[str, Any], says: str
) -> None:
    told = refused(await kaspi.post(QUOTES, _ROUTE | change), 422)
    assert told["code"] == "out_of_coverage"
    assert says in told["message"]
