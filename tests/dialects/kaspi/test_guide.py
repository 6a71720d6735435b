"""The guide's flow, request for request: quote, create, track, hear, cancel."""

import re
from typing import Any

from estafette.core.deliveries.delivery import Status
from tests.serving import Tenant

_ORDER = "order-2024-0191"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# As curl sends `-d`: with line feeds and spaces, unless a header says otherwise as a form.
_BODY = b"""{
    "externalOrderId": "order-2024-0191",
    "pickup": {
      "address": "21 Zhibek Zholy, Almaty",
      "contact": {
        "name": "Kaspi Warehouse",
        "phone": "+7 727 111 0000"
      }
    },
    "dropoff": {
      "address": "17 Abylay Khan Ave, Almaty",
      "contact": {
        "name": "Dana K.",
        "phone": "+7 701 111 1111"
      },
      "notes": "Entrance B, floor 6"
    },
    "parcel": {
      "description": "Electronics, insured",
      "weightGrams": 1200,
      "valueKzt": 85000
    }
  }"""
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def _create(tenant: Tenant) -> dict[str, Any]:
    headers = {"Idempotency-Key": _ORDER, **_JSON}
    answer = await tenant.post("/delivery/v1/deliveries", _BODY, headers)
    assert answer.status == 201, answer.body
    return answer.told


async def test_creation_answers_id_status_tracking_url_and_eta(kaspi: Tenant) -> None:
    created = await _create(kaspi)
    assert set(created) == {"deliveryId", "status", "trackingUrl", "eta"}
    assert re.fullmatch("dlv_[a-z2-7]{26}", created["deliveryId"])
    assert created["status"] == "created"
    assert created["trackingUrl"] == f"http://delivery.example/track/{created['deliveryId']}"
    assert set(created["eta"]) == {"pickupBy", "deliveryBy"}
    assert all(_TIME.fullmatch(time) for time in created["eta"].values())


async def test_delivery_can_be_tracked_with_the_key_alone(kaspi: Tenant) -> None:
    created = await _create(kaspi)
    answer = await kaspi.get(f"/delivery/v1/deliveries/{created['deliveryId']}")
    assert answer.status == 200
    assert answer.told == {
        "deliveryId": created["deliveryId"],
        "externalOrderId": _ORDER,
        "status": "created",
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
        "trackingUrl": created["trackingUrl"],
        "eta": created["eta"],
    }


async def test_cancellation_without_a_json_content_type_is_accepted(kaspi: Tenant) -> None:
    created = await _create(kaspi)
    answer = await kaspi.post(
        f"/delivery/v1/deliveries/{created['deliveryId']}/cancel",
        b'{"reason": "Customer changed address"}',
        {"Idempotency-Key": f"{_ORDER}-cancel", **_FORM},
    )
    assert answer.status == 200
    assert answer.told["status"] == "cancelled"
    assert answer.told["externalOrderId"] == _ORDER


async def test_cancellation_after_the_pickup_is_a_conflict(kaspi: Tenant) -> None:
    created = await _create(kaspi)
    await kaspi.move(created["deliveryId"], Status.ASSIGNED, Status.IN_TRANSIT)
    answer = await kaspi.post(
        f"/delivery/v1/deliveries/{created['deliveryId']}/cancel",
        b'{"reason": "Customer changed address"}',
        {"Idempotency-Key": f"{_ORDER}-cancel", **_FORM},
    )
    assert answer.status == 409
    assert answer.told == {"code": "conflict", "message": "Delivery is already in transit"}
