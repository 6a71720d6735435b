"""What creating, reading and cancelling answer, through the real server and database."""

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from tests.dialects.kaspi.answers import DELIVERIES, QUOTES, TEST, bad_fields, refused
from tests.edges import KASPI
from tests.serving import Server, Tenant


async def test_replay_repeats_the_first_answer_to_the_letter(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    first = await kaspi.post(DELIVERIES, KASPI.body("order-1"), key)
    await kaspi.move(first.told["deliveryId"], Status.ASSIGNED)
    second = await kaspi.post(DELIVERIES, KASPI.body("order-1"), key)
    assert "X-Idempotent-Replay" not in first.headers
    assert second.headers["X-Idempotent-Replay"] == "true"
    assert (second.status, second.body) == (first.status, first.body)
    assert await kaspi.count("deliveries") == 1


async def test_key_with_another_payload_is_a_conflict(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    await kaspi.post(DELIVERIES, KASPI.body("order-1"), key)
    refused(await kaspi.post(DELIVERIES, KASPI.body("order-2"), key), 409)
    assert await kaspi.count("deliveries") == 1


async def test_second_delivery_of_an_order_names_the_first(kaspi: Tenant) -> None:
    first = await kaspi.create("order-1", key="a")
    second = await kaspi.post(DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "b"})
    assert first in refused(second, 409)["message"]
    await kaspi.call(KASPI.cancel(first))
    assert await kaspi.create("order-1", key="c") != first
    replayed = await kaspi.post(DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "b"})
    assert (replayed.status, replayed.body) == (409, second.body)
    assert replayed.headers["X-Idempotent-Replay"] == "true"


async def test_bad_request_leaves_its_key_unused(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    refused(await kaspi.post(DELIVERIES, {}, key), 400)
    assert (await kaspi.post(DELIVERIES, KASPI.body("order-1"), key)).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
async def test_unusable_idempotency_key_is_a_bad_request(kaspi: Tenant, key: str) -> None:
    answer = await kaspi.post(DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": key})
    assert bad_fields(answer) == {"Idempotency-Key"}
    assert await kaspi.count("deliveries") == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"order=1", "is not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (rb'{"externalOrderId": "\u0000"}', "NUL"),
        (rb'{"externalOrderId": "\ud800"}', "surrogate"),
        (b"[" * 5000, "deep"),
        (b'"\xff"', "UTF-8"),
        (b"NaN", "NaN"),
    ],
)
async def test_body_that_is_no_json_is_a_bad_request(kaspi: Tenant, body: bytes, says: str) -> None:
    told = refused(await kaspi.post(DELIVERIES, body), 400)
    assert told["details"][0]["field"] == "body"
    assert says in told["details"][0]["reason"]


async def test_body_beyond_the_limit_is_too_large(kaspi: Tenant) -> None:
    body = KASPI.body("order-1")
    body["padding"] = "x" * 10_000_000
    for path in (DELIVERIES, QUOTES, TEST, KASPI.cancel(KASPI.unknown_id).path):
        refused(await kaspi.post(path, body), 413)
    assert await kaspi.count("deliveries") == 0


async def test_body_without_a_length_is_too_large_too(kaspi: Tenant) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = await kaspi.server.raw(
        b"POST /delivery/v1/deliveries HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"x-api-key: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
        % kaspi.key.encode()
        + chunk * 8
        + b"0\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"payload_too_large"' in answer


async def test_an_address_nobody_knows_is_delivered_all_the_same(kaspi: Tenant) -> None:
    body = KASPI.body("order-1")
    body["dropoff"]["address"] = "Somewhere else"
    assert (await kaspi.post(DELIVERIES, body)).status == 201


NOT_TRUE = ("", "false", "maybe", "1", "TRUE", "True", "%22true%22", "true%20")


async def test_history_is_there_only_when_asked_for(kaspi: Tenant) -> None:
    id = await kaspi.create()
    await kaspi.move(id, Status.ASSIGNED, note="Courier assigned")
    path = f"{DELIVERIES}/{id}"
    for query in ("", "?includeHistory", *(f"?includeHistory={it}" for it in NOT_TRUE)):
        assert "history" not in (await kaspi.get(path + query)).told
    history = (await kaspi.get(f"{path}?includeHistory=true")).told["history"]
    assert [(entry["status"], entry.get("notes")) for entry in history] == [
        ("created", None),
        ("accepted", "Courier assigned"),
    ]


async def test_failed_delivery_keeps_its_last_status(kaspi: Tenant) -> None:
    id = await kaspi.create()
    await kaspi.move(id, Status.ASSIGNED, Status.IN_TRANSIT)
    await kaspi.move(id, Status.FAILED, note="Recipient unavailable")
    told = (await kaspi.get(f"{DELIVERIES}/{id}?includeHistory=true")).told
    assert told["status"] == "in_transit"
    assert told["history"][-1]["status"] == "in_transit"
    assert told["history"][-1]["notes"] == "Delivery failed: Recipient unavailable"


@pytest.mark.parametrize("id", [KASPI.unknown_id, "x", "dlv_", "%00", "%ff", "dlv_%F0%9F%98%80"])
async def test_unknown_delivery_is_not_found(kaspi: Tenant, id: str) -> None:
    refused(await kaspi.get(f"{DELIVERIES}/{id}"), 404)
    refused(await kaspi.post(f"{DELIVERIES}/{id}/cancel"), 404)


async def test_deliveries_of_others_are_not_found(server: Server, kaspi: Tenant) -> None:
    id = await kaspi.create("order-1")
    for other in (await server.tenant(KASPI), kaspi.in_mode(Mode.LIVE)):
        refused(await other.call(KASPI.get(id)), 404)
        refused(await other.call(KASPI.cancel(id)), 404)
        assert (await other.get(DELIVERIES)).told["data"] == []


@pytest.mark.parametrize("body", [None, b"", b" \n", b"{}", b'{"reason": null}'])
async def test_reason_of_a_cancellation_is_optional(kaspi: Tenant, body: bytes | None) -> None:
    id = await kaspi.create()
    answer = await kaspi.post(f"{DELIVERIES}/{id}/cancel", body)
    assert (answer.status, answer.told["status"]) == (200, "cancelled")


async def test_reason_of_a_cancellation_is_in_the_history(kaspi: Tenant) -> None:
    id = await kaspi.create()
    await kaspi.call(KASPI.cancel(id))
    history = (await kaspi.get(f"{DELIVERIES}/{id}?includeHistory=true")).told["history"]
    assert history[-1]["notes"] == "Customer changed address"


async def test_cancelling_twice_is_a_conflict_but_a_repetition_is_not(kaspi: Tenant) -> None:
    id = await kaspi.create()
    first = await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "a"})
    again = await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "a"})
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["X-Idempotent-Replay"] == "true"
    told = refused(await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "b"}), 409)
    assert told["message"] == "Delivery is already cancelled"


async def test_cancellation_with_a_bad_body_is_refused(kaspi: Tenant) -> None:
    id = await kaspi.create()
    path = f"{DELIVERIES}/{id}/cancel"
    assert bad_fields(await kaspi.post(path, b"reason=x")) == {"body"}
    assert bad_fields(await kaspi.post(path, {"reason": 5})) == {"reason"}
    assert bad_fields(await kaspi.post(path, [])) == {"body"}
    assert (await kaspi.call(KASPI.get(id))).told["status"] == "created"
