"""Deliveries of pages that are held until they are confirmed: as merchant and page meet it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from estafette.core.accounts.account import KeyKind, Mode
from estafette.usecases.accounts.keys import list_keys, set_limits
from tests.dialects.entrega.answers import DELIVERIES, order, refused
from tests.serving import Tenant

_TRUSTED = "https://loja.example"


@pytest.fixture
async def shop(entrega: Tenant) -> Tenant:
    """An account whose pages' deliveries are held."""
    platform = entrega.server.platform
    for key in await list_keys(platform, entrega.account):
        if key.kind is KeyKind.PUBLISHABLE:
            await set_limits(
                platform, entrega.account, str(key.id), lambda limits: replace(limits, held=True)
            )
    return entrega


async def _held(shop: Tenant) -> dict[str, Any]:
    """A delivery that a page has ordered, as the page sees it."""
    key = shop.page_keys[shop.mode]
    headers = {"Authorization": f"Bearer {key}", "Origin": _TRUSTED}
    answer = await shop.server.request("POST", "/v1/widget/deliveries", await order(shop), headers)
    assert answer.status == 201, answer.body
    return answer.told["data"]


async def test_a_page_and_its_merchant_are_told_that_a_delivery_is_held(shop: Tenant) -> None:
    told = await _held(shop)
    assert (told["status"], told["held"], told["bank_transfer"]) == ("awaiting_payment", True, None)
    mine = (await shop.get(f"{DELIVERIES}/{told['id']}")).told["data"]
    assert (mine["status"], mine["held"]) == ("awaiting_payment", True)
    listed = (await shop.get(f"{DELIVERIES}?status=awaiting_payment")).told["data"]
    assert listed == [mine]
    [event] = (await shop.get(f"{DELIVERIES}/{told['id']}/events")).told["data"]
    assert event["payload"] == {"status": "awaiting_payment"}


async def test_a_merchants_own_deliveries_are_not_held(shop: Tenant) -> None:
    mine = (await shop.post(DELIVERIES, await order(shop))).told["data"]
    assert mine["status"] == "pending"
    assert "held" not in mine


async def test_a_confirmed_delivery_goes_on(shop: Tenant) -> None:
    id = (await _held(shop))["id"]
    answer = await shop.post(f"{DELIVERIES}/{id}/confirm")
    assert answer.status == 200
    assert answer.told["data"]["status"] == "pending"
    assert "held" not in answer.told["data"]
    assert answer.told == (await shop.get(f"{DELIVERIES}/{id}")).told
    events = (await shop.get(f"{DELIVERIES}/{id}/events")).told["data"]
    assert [event["event_type"] for event in events] == ["delivery.created", "delivery.pending"]
    assert (events[1]["source"], events[1]["payload"]["note"]) == (
        "merchant",
        "The delivery was confirmed",
    )


async def test_a_confirmation_is_one_however_often_it_is_sent(shop: Tenant) -> None:
    id = (await _held(shop))["id"]
    path, key = f"{DELIVERIES}/{id}/confirm", {"Idempotency-Key": "confirm-1"}
    answers = await asyncio.gather(*(shop.post(path, headers=key) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {answers[0].body}
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 4
    refused(await shop.post(path), 409)
    refused(await shop.post(path, headers={"Idempotency-Key": "confirm-2"}), 409)
    assert len((await shop.get(f"{DELIVERIES}/{id}/events")).told["data"]) == 2


async def test_what_is_not_held_cannot_be_confirmed(shop: Tenant) -> None:
    id = await shop.create()
    told = refused(await shop.post(f"{DELIVERIES}/{id}/confirm"), 409)
    assert told["detail"] == "The delivery is pending: it waits for no confirmation"
    for unknown in ("00000000-0000-7000-8000-000000000000", "x"):
        refused(await shop.post(f"{DELIVERIES}/{unknown}/confirm"), 404)


async def test_a_rejected_delivery_is_cancelled(shop: Tenant) -> None:
    id = (await _held(shop))["id"]
    answer = await shop.server.request(
        "DELETE", f"{DELIVERIES}/{id}", headers={"Authorization": f"Bearer {shop.key}"}
    )
    assert answer.told["data"]["status"] == "cancelled"
    assert "held" not in answer.told["data"]
    refused(await shop.post(f"{DELIVERIES}/{id}/confirm"), 409)


async def test_only_the_secret_key_of_the_same_mode_confirms(shop: Tenant) -> None:
    id = (await _held(shop))["id"]
    path = f"{DELIVERIES}/{id}/confirm"
    page = {"Authorization": f"Bearer {shop.page_keys[shop.mode]}", "Origin": _TRUSTED}
    refused(await shop.server.request("POST", path, headers=page), 403)
    refused(await shop.in_mode(Mode.LIVE).post(path), 404)
    assert (await shop.get(f"{DELIVERIES}/{id}")).told["data"]["held"] is True


async def test_the_recipients_page_says_who_is_waited_for(shop: Tenant) -> None:
    id = (await _held(shop))["id"]
    page = await shop.server.request("GET", f"/track/{id}?lang=en")
    assert "Waiting for the shop" in page.body.decode()
    assert "payment" not in page.body.decode().lower()
    assert (await shop.post(f"{DELIVERIES}/{id}/confirm")).status == 200
    page = await shop.server.request("GET", f"/track/{id}?lang=en")
    assert "finding a courier" in page.body.decode()
    tracked = await shop.server.request("GET", f"{DELIVERIES}/{id}/tracking")
    assert set(tracked.told) == {"reference", "status", "events"}
