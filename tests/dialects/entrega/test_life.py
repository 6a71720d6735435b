"""Cancelling, the timeline, public tracking."""

import asyncio
import re

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.deliveries.advance import Move
from tests.dialects.entrega.answers import DELIVERIES, created, refused
from tests.edges import ENTREGA, KASPI, Call
from tests.moving import advance
from tests.serving import Server, Tenant, delivery_id

_TO = {
    Status.ASSIGNED: (Status.ASSIGNED,),
    Status.PICKUP_READY: (Status.ASSIGNED, Status.PICKUP_READY),
    Status.IN_TRANSIT: (Status.ASSIGNED, Status.IN_TRANSIT),
    Status.OUT_FOR_DELIVERY: (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY),
    Status.DELIVERED: (
        Status.ASSIGNED,
        Status.IN_TRANSIT,
        Status.OUT_FOR_DELIVERY,
        Status.DELIVERED,
    ),
    Status.FAILED: (Status.ASSIGNED, Status.IN_TRANSIT, Status.FAILED),
    Status.STALLED: (Status.STALLED,),
    Status.CANCELLED: (Status.CANCELLED,),
}


async def test_cancellation_succeeds_before_a_courier_is_ready(entrega: Tenant) -> None:
    waiting = await created(entrega, payment_method="bank_transfer")
    pending, assigned = [await created(entrega) for _ in range(2)]
    await entrega.move(assigned["id"], Status.ASSIGNED)
    for each in (waiting, pending, assigned):
        answer = await entrega.call(ENTREGA.cancel(each["id"]))
        assert answer.status == 200
        assert answer.told["data"] == each | {
            "status": "cancelled",
            "updated_at": answer.told["data"]["updated_at"],
        }


@pytest.mark.parametrize("status", [to for to in _TO if to is not Status.ASSIGNED], ids=str)
async def test_cancellation_in_any_other_status_is_a_conflict(
    entrega: Tenant, status: Status
) -> None:
    id = (await created(entrega))["id"]
    await entrega.move(id, *_TO[status])
    told = refused(await entrega.call(ENTREGA.cancel(id)), 409)
    assert status in told["detail"]
    assert ENTREGA.status_of((await entrega.call(ENTREGA.get(id))).told) == status


async def test_cancellation_can_be_repeated_under_its_key(entrega: Tenant) -> None:
    id = (await created(entrega))["id"]
    key = {"Idempotency-Key": "c"}
    first = await entrega.call(ENTREGA.cancel(id), key)
    again = await entrega.call(ENTREGA.cancel(id), key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(await entrega.call(ENTREGA.cancel(id)), 409)
    refused_twice = [
        await entrega.call(ENTREGA.cancel(id), {"Idempotency-Key": "d"}) for _ in range(2)
    ]
    for answer in refused_twice:
        refused(answer, 409)
    assert refused_twice[1].headers["Idempotent-Replayed"] == "true"


async def test_one_of_many_cancellations_succeeds(entrega: Tenant) -> None:
    id = (await created(entrega))["id"]
    answers = await asyncio.gather(*(entrega.call(ENTREGA.cancel(id)) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19


async def test_what_is_no_delivery_of_ours_is_not_found(server: Server, entrega: Tenant) -> None:
    foreign = await (await server.tenant(KASPI)).create()
    uuid = str(delivery_id(foreign))
    for id in (ENTREGA.unknown_id, uuid, foreign, "x", "%00", f"{{{uuid}}}", uuid.replace("-", "")):
        for path in ("", "/events", "/tracking"):
            refused(await entrega.get(f"{DELIVERIES}/{id}{path}"), 404)
        refused(await entrega.call(ENTREGA.cancel(id)), 404)


async def test_id_is_found_in_either_case(entrega: Tenant) -> None:
    id = (await created(entrega))["id"]
    assert (await entrega.get(f"{DELIVERIES}/{id.upper()}")).told["data"]["id"] == id


async def test_timeline_tells_every_change_of_status_and_who_made_it(entrega: Tenant) -> None:
    id = (await created(entrega))["id"]
    dialect = entrega.server.platform.dialects["entrega"]
    moves = [
        Move(Status.ASSIGNED, Actor.COURIER, "Moto 12"),
        Move(Status.PENDING, Actor.COURIER, "Gave it back"),
        Move(Status.STALLED, Actor.SYSTEM, "No courier for too long"),
        Move(Status.PENDING, Actor.OPERATOR),
        Move(Status.ASSIGNED, Actor.DRIVER),
    ]
    await advance(entrega.server.platform, entrega.scope, dialect, delivery_id(id), moves)
    assert (await entrega.call(ENTREGA.cancel(id))).status == 200
    events = (await entrega.ask(Call("GET", f"{DELIVERIES}/{id}/events")))["data"]
    told = [(each["event_type"], each["source"], each["payload"]) for each in events]
    assert told == [
        ("delivery.created", "system", {"status": "pending"}),
        ("delivery.assigned", "courier", {"status": "assigned", "note": "Moto 12"}),
        ("delivery.pending", "courier", {"status": "pending", "note": "Gave it back"}),
        (
            "delivery.stalled",
            "system",
            {"status": "stalled", "note": "No courier for too long"},
        ),
        ("delivery.pending", "operator", {"status": "pending"}),
        ("delivery.assigned", "driver", {"status": "assigned"}),
        ("delivery.cancelled", "merchant", {"status": "cancelled"}),
    ]
    assert all(
        set(each) == {"id", "event_type", "occurred_at", "source", "payload"} for each in events
    )
    assert len({each["id"] for each in events}) == 7
    assert all(re.fullmatch(r"evt_[0-9a-f-]{36}", each["id"]) for each in events)
    times = [each["occurred_at"] for each in events]
    assert times == sorted(times)


async def test_first_event_of_an_unpaid_delivery_tells_its_status(entrega: Tenant) -> None:
    id = (await created(entrega, payment_method="bank_transfer"))["id"]
    (event,) = (await entrega.ask(Call("GET", f"{DELIVERIES}/{id}/events")))["data"]
    assert event["event_type"] == "delivery.created"
    assert event["payload"] == {"status": "awaiting_payment"}


async def test_anybody_may_track_and_sees_nothing_but_statuses(
    server: Server, entrega: Tenant
) -> None:
    shown = await created(entrega, options={"metadata": {"secret": "margin"}})
    await entrega.move(shown["id"], Status.ASSIGNED, note="Moto 12")
    answer = await server.request("GET", f"{DELIVERIES}/{shown['id']}/tracking")
    assert answer.status == 200
    events = answer.told["events"]
    assert answer.told == {
        "reference": shown["reference"],
        "status": "assigned",
        "events": events,
    }
    assert [set(event) for event in events] == [{"event_type", "occurred_at"}] * 2
    assert [event["event_type"] for event in events] == ["delivery.created", "delivery.assigned"]


async def test_tracking_page_opens_at_the_address_that_was_told(
    server: Server, entrega: Tenant
) -> None:
    shown = await created(entrega)
    path = shown["tracking_url"].removeprefix("http://delivery.example")
    answer = await server.request("GET", path)
    assert answer.status == 200
    assert "text/html" in answer.headers["Content-Type"]


async def test_sandbox_moves_a_delivery_by_hand(entrega: Tenant) -> None:
    id = (await created(entrega))["id"]
    path = f"/sandbox/v1/deliveries/{id}/advance"
    answer = await entrega.post(path, {"status": "out_for_delivery"})
    assert answer.status == 200, answer.body
    events = (await entrega.ask(Call("GET", f"{DELIVERIES}/{id}/events")))["data"]
    assert [each["event_type"] for each in events] == [
        "delivery.created",
        "delivery.assigned",
        "delivery.pickup_ready",
        "delivery.in_transit",
        "delivery.out_for_delivery",
    ]
