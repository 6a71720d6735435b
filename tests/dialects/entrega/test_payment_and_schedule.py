"""How a delivery is paid, who is told its PIN, and when it is to be carried."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dialects.entrega.answers import DELIVERIES, bad_fields, created, order
from tests.serving import Tenant


def _in(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


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
