"""What each operation answers, through the real server and database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from estafette.core.account import Mode
from estafette.core.delivery import Status
from estafette.http.moments import timestamp
from estafette.usecases.keys import disable_key, revoke_key
from tests.edges import KASPI, Call
from tests.serving import Answer, Server, Tenant, delivery_id

_DELIVERIES = "/delivery/v1/deliveries"
_QUOTES = "/delivery/v1/quotes"
_TEST = "/delivery/v1/webhooks/test"


def _refused(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    KASPI.check_error(answer.status, answer.headers, answer.body)
    return answer.told


def _fields(answer: Answer) -> set[str]:
    return {detail["field"] for detail in _refused(answer, 400)["details"]}


_OPERATIONS = [
    Call("POST", _DELIVERIES, KASPI.body("order-1")),
    Call("GET", _DELIVERIES),
    KASPI.get(KASPI.unknown_id),
    KASPI.cancel(KASPI.unknown_id),
    Call("POST", _QUOTES, {}),
    Call("POST", _TEST, {}),
]
_NAMES = [f"{call.method} {call.path.rpartition('/')[2]}" for call in _OPERATIONS]


# Who calls


@pytest.mark.parametrize("call", _OPERATIONS, ids=_NAMES)
async def test_no_operation_works_without_a_good_key(server: Server, call: Call) -> None:
    tenant = await server.tenant(KASPI)
    key = {"x-api-key": tenant.key}
    shown: list[list[tuple[str, str]]] = [
        [],
        [("x-api-key", "")],
        [("x-api-key", "nobody")],
        [("x-api-key", "ключ")],
        [("x-api-key", tenant.key), ("x-api-key", tenant.key)],
        [("Authorization", f"Bearer {tenant.key}")],
    ]
    for headers in shown:
        answer = await server.request(call.method, call.path, call.body, headers)
        told = _refused(answer, 401)
        assert told == {"code": "unauthorized", "message": "Invalid API key"}
    assert (await server.request(call.method, call.path, call.body, key)).status != 401


@pytest.mark.parametrize("call", _OPERATIONS, ids=_NAMES)
async def test_disabled_key_is_forbidden_everywhere(kaspi: Tenant, call: Call) -> None:
    await disable_key(kaspi.server.platform, kaspi.account, kaspi.key)
    told = _refused(await kaspi.call(call, {"Idempotency-Key": "never used"}), 403)
    assert told == {"code": "forbidden", "message": "API key is disabled"}


async def test_disabled_key_does_not_get_a_stored_answer(kaspi: Tenant) -> None:
    id = await kaspi.create("order-1", key="k")
    await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "c"})
    await disable_key(kaspi.server.platform, kaspi.account, kaspi.key)
    again = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "k"})
    _refused(again, 401)
    _refused(await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "c"}), 401)
    _refused(await kaspi.post(_DELIVERIES, {}, {"Idempotency-Key": "other"}), 403)
    _refused(await kaspi.post(_DELIVERIES, {}, {"Idempotency-Key": "x" * 256}), 403)


async def test_revoked_key_is_unknown(kaspi: Tenant) -> None:
    await revoke_key(kaspi.server.platform, kaspi.account, kaspi.key)
    _refused(await kaspi.get(_DELIVERIES), 401)


async def test_key_is_looked_at_before_the_request(kaspi: Tenant) -> None:
    broken = await kaspi.server.request("POST", _DELIVERIES, b"{", {"x-api-key": "nobody"})
    _refused(broken, 401)
    _refused(await kaspi.get(f"{_DELIVERIES}/no-id"), 404)


async def test_too_many_requests_are_told_when_to_come_back(server: Server) -> None:
    tenant = await server.tenant(KASPI, rate_per_second=1, burst=2)
    answers = await asyncio.gather(*(tenant.get(_DELIVERIES) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 200, 429, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert _refused(refused, 429) == {"code": "rate_limited", "message": "Too many requests"}
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await tenant.in_mode(Mode.LIVE).get(_DELIVERIES)).status == 200


# Paths and methods


@pytest.mark.parametrize(
    "path",
    [
        "/delivery",
        "/delivery/",
        "/delivery/v1",
        "/delivery/v1/",
        "/delivery/v2/deliveries",
        "/delivery/v1/deliveries/",
        "/delivery/v1/deliveries/x/",
        "/delivery/v1/deliveries/x/cancel/y",
        "/delivery//v1/deliveries",
        "/delivery/v1/deliveries/a%0Ab",
        "/delivery/%0A",
        "/delivery/docs/..%2f..%2fapp.py",
    ],
)
async def test_unknown_path_is_not_found_in_the_shape_of_the_contract(
    kaspi: Tenant, path: str
) -> None:
    methods = ("GET",) if "%0Ab" in path else ("GET", "POST", "DELETE")
    for method in methods:
        _refused(await kaspi.call(Call(method, path)), 404)


async def test_docs_have_no_other_files_than_theirs(kaspi: Tenant) -> None:
    for name in ("secret.txt", "..", "%2e%2e%2fapp.py", "%00"):
        _refused(await kaspi.get(f"/delivery/docs/{name}"), 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (_DELIVERIES, "GET, HEAD, POST"),
        (f"{_DELIVERIES}/{KASPI.unknown_id}", "GET, HEAD"),
        (f"{_DELIVERIES}/{KASPI.unknown_id}/cancel", "POST"),
        (_QUOTES, "POST"),
        (_TEST, "POST"),
        ("/delivery/openapi.yaml", "GET, HEAD"),
    ],
)
async def test_wrong_method_names_the_right_ones(kaspi: Tenant, path: str, allowed: str) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await kaspi.call(Call(method, path))
        _refused(answer, 405)
        assert answer.headers["Allow"] == allowed


async def test_head_is_answered_as_get_without_a_body(kaspi: Tenant) -> None:
    got = await kaspi.get(_DELIVERIES)
    answer = await kaspi.call(Call("HEAD", _DELIVERIES))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(got.body))


# Creating


async def test_replay_repeats_the_first_answer_to_the_letter(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    first = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), key)
    await kaspi.move(first.told["deliveryId"], Status.ASSIGNED)
    second = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), key)
    assert "X-Idempotent-Replay" not in first.headers
    assert second.headers["X-Idempotent-Replay"] == "true"
    assert (second.status, second.body) == (first.status, first.body)
    assert await kaspi.count("deliveries") == 1


async def test_key_with_another_payload_is_a_conflict(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    await kaspi.post(_DELIVERIES, KASPI.body("order-1"), key)
    _refused(await kaspi.post(_DELIVERIES, KASPI.body("order-2"), key), 409)
    assert await kaspi.count("deliveries") == 1


async def test_second_delivery_of_an_order_names_the_first(kaspi: Tenant) -> None:
    first = await kaspi.create("order-1", key="a")
    second = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "b"})
    assert first in _refused(second, 409)["message"]
    await kaspi.call(KASPI.cancel(first))
    assert await kaspi.create("order-1", key="c") != first
    replayed = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "b"})
    assert (replayed.status, replayed.body) == (409, second.body)
    assert replayed.headers["X-Idempotent-Replay"] == "true"


async def test_bad_request_leaves_its_key_unused(kaspi: Tenant) -> None:
    key = {"Idempotency-Key": "k"}
    _refused(await kaspi.post(_DELIVERIES, {}, key), 400)
    assert (await kaspi.post(_DELIVERIES, KASPI.body("order-1"), key)).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
async def test_unusable_idempotency_key_is_a_bad_request(kaspi: Tenant, key: str) -> None:
    answer = await kaspi.post(_DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": key})
    assert _fields(answer) == {"Idempotency-Key"}
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
    told = _refused(await kaspi.post(_DELIVERIES, body), 400)
    assert told["details"][0]["field"] == "body"
    assert says in told["details"][0]["reason"]


async def test_body_beyond_the_limit_is_too_large(kaspi: Tenant) -> None:
    body = KASPI.body("order-1")
    body["padding"] = "x" * 10_000_000
    for path in (_DELIVERIES, _QUOTES, _TEST, KASPI.cancel(KASPI.unknown_id).path):
        _refused(await kaspi.post(path, body), 413)
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
    assert (await kaspi.post(_DELIVERIES, body)).status == 201


# Reading


async def test_history_is_there_only_when_asked_for(kaspi: Tenant) -> None:
    id = await kaspi.create()
    await kaspi.move(id, Status.ASSIGNED, note="Courier assigned")
    path = f"{_DELIVERIES}/{id}"
    for query in ("", "?includeHistory=false", "?includeHistory=", "?includeHistory=maybe"):
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
    told = (await kaspi.get(f"{_DELIVERIES}/{id}?includeHistory=true")).told
    assert told["status"] == "in_transit"
    assert told["history"][-1]["status"] == "in_transit"
    assert told["history"][-1]["notes"] == "Delivery failed: Recipient unavailable"


@pytest.mark.parametrize("id", [KASPI.unknown_id, "x", "dlv_", "%00", "%ff", "dlv_%F0%9F%98%80"])
async def test_unknown_delivery_is_not_found(kaspi: Tenant, id: str) -> None:
    _refused(await kaspi.get(f"{_DELIVERIES}/{id}"), 404)
    _refused(await kaspi.post(f"{_DELIVERIES}/{id}/cancel"), 404)


async def test_deliveries_of_others_are_not_found(server: Server, kaspi: Tenant) -> None:
    id = await kaspi.create("order-1")
    for other in (await server.tenant(KASPI), kaspi.in_mode(Mode.LIVE)):
        _refused(await other.call(KASPI.get(id)), 404)
        _refused(await other.call(KASPI.cancel(id)), 404)
        assert (await other.get(_DELIVERIES)).told["data"] == []


# Cancelling


@pytest.mark.parametrize("body", [None, b"", b" \n", b"{}", b'{"reason": null}'])
async def test_reason_of_a_cancellation_is_optional(kaspi: Tenant, body: bytes | None) -> None:
    id = await kaspi.create()
    answer = await kaspi.post(f"{_DELIVERIES}/{id}/cancel", body)
    assert (answer.status, answer.told["status"]) == (200, "cancelled")


async def test_reason_of_a_cancellation_is_in_the_history(kaspi: Tenant) -> None:
    id = await kaspi.create()
    await kaspi.call(KASPI.cancel(id))
    history = (await kaspi.get(f"{_DELIVERIES}/{id}?includeHistory=true")).told["history"]
    assert history[-1]["notes"] == "Customer changed address"


async def test_cancelling_twice_is_a_conflict_but_a_repetition_is_not(kaspi: Tenant) -> None:
    id = await kaspi.create()
    first = await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "a"})
    again = await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "a"})
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["X-Idempotent-Replay"] == "true"
    told = _refused(await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "b"}), 409)
    assert told["message"] == "Delivery is already cancelled"


async def test_cancellation_with_a_bad_body_is_refused(kaspi: Tenant) -> None:
    id = await kaspi.create()
    path = f"{_DELIVERIES}/{id}/cancel"
    assert _fields(await kaspi.post(path, b"reason=x")) == {"body"}
    assert _fields(await kaspi.post(path, {"reason": 5})) == {"reason"}
    assert _fields(await kaspi.post(path, [])) == {"body"}
    assert (await kaspi.call(KASPI.get(id))).told["status"] == "created"


# Listing


async def _listed(tenant: Tenant, query: str) -> list[str]:
    answer = await tenant.get(f"{_DELIVERIES}{query}")
    assert answer.status == 200, answer.body
    return [delivery["deliveryId"] for delivery in answer.told["data"]]


async def test_list_is_paged_from_the_newest(kaspi: Tenant) -> None:
    ids = [await kaspi.create() for _ in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while True:
        told = (await kaspi.get(f"{_DELIVERIES}{query}")).told
        seen += [delivery["deliveryId"] for delivery in told["data"]]
        if told["nextCursor"] is None:
            break
        await kaspi.create()  # shifts no later page
        query = f"?limit=2&cursor={quote(told['nextCursor'])}"
    assert seen == ids[::-1]


async def test_list_shows_deliveries_as_they_are_shown_alone(kaspi: Tenant) -> None:
    id = await kaspi.create()
    alone = (await kaspi.call(KASPI.get(id))).told
    assert (await kaspi.get(_DELIVERIES)).told == {"data": [alone], "nextCursor": None}


async def test_list_is_filtered_by_status(kaspi: Tenant) -> None:
    created, accepted, moving = [await kaspi.create() for _ in range(3)]
    await kaspi.move(accepted, Status.ASSIGNED, Status.PICKUP_READY)
    await kaspi.move(moving, Status.ASSIGNED, Status.IN_TRANSIT, Status.STALLED)
    assert await _listed(kaspi, "?status=created") == [created]
    assert await _listed(kaspi, "?status=accepted,in_transit") == [moving, accepted]
    assert await _listed(kaspi, "?status=created&status=accepted") == [accepted, created]
    assert await _listed(kaspi, "?status=delivered") == []


async def test_list_is_filtered_by_order(kaspi: Tenant) -> None:
    id = await kaspi.create("заказ 1/2")
    await kaspi.create("order-2")
    assert await _listed(kaspi, f"?externalOrderId={quote('заказ 1/2')}") == [id]
    assert await _listed(kaspi, "?externalOrderId=none") == []


async def test_list_is_filtered_by_time_inclusively(kaspi: Tenant) -> None:
    id = await kaspi.create()
    async with kaspi.server.platform.pool.acquire() as connection:
        at: datetime = await connection.fetchval(
            "select created_at from deliveries where account_id = $1 and id = $2",
            kaspi.account.id,
            delivery_id(id),
        )
    exact = at.isoformat().replace("+00:00", "Z")
    second = timestamp(at)
    before, after = (timestamp(at + timedelta(seconds=by)) for by in (-1, 1))
    elsewhere = at.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=5)
    for query in (
        f"?createdFrom={exact}",
        f"?createdTo={exact}",
        f"?createdFrom={second}&createdTo={second}",
        f"?createdFrom={before}&createdTo={after}",
        f"?createdTo={elsewhere.isoformat(timespec='milliseconds')}%2B05:00",
        f"?createdTo={elsewhere.isoformat(timespec='milliseconds')}+05:00",
    ):
        assert await _listed(kaspi, query) == [id], query
    for query in (f"?createdFrom={after}", f"?createdTo={before}"):
        assert await _listed(kaspi, query) == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", {"limit"}),
        ("limit=101", {"limit"}),
        ("limit=", {"limit"}),
        ("limit=ten", {"limit"}),
        ("limit=-1", {"limit"}),
        ("limit=%D9%A1", {"limit"}),
        ("limit=1&limit=2", {"limit"}),
        ("status=lost", {"status"}),
        ("status=", {"status"}),
        ("status=created,", {"status"}),
        ("cursor=x", {"cursor"}),
        ("cursor=%00", {"cursor"}),
        ("cursor=" + "_" * 31, {"cursor"}),
        ("createdFrom=yesterday", {"createdFrom"}),
        ("createdFrom=2024-06-12", {"createdFrom"}),
        ("createdFrom=2024-06-12T08:20:54", {"createdFrom"}),
        ("createdFrom=2024-13-12T08:20:54Z", {"createdFrom"}),
        ("createdFrom=0001-01-01T00:00:00%2B14:00", {"createdFrom"}),
        ("createdTo=9999-12-31T23:59:59-14:00", {"createdTo"}),
        ("createdTo=2024-06-12T08:20:60Z", {"createdTo"}),
        ("createdTo=2024-06-12T08:20:54%2B99:00", {"createdTo"}),
        ("externalOrderId=%00", {"externalOrderId"}),
        ("externalOrderId=" + "x" * 501, {"externalOrderId"}),
        ("limit=0&status=lost&cursor=x", {"limit", "status", "cursor"}),
    ],
)
async def test_bad_parameters_are_named_all_at_once(
    kaspi: Tenant, query: str, fields: set[str]
) -> None:
    assert _fields(await kaspi.get(f"{_DELIVERIES}?{query}")) == fields


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "&&=&x",
        "externalOrderId=%ff",
        "createdFrom=0001-01-01T00:00:00Z",
        "createdFrom=2024-06-12t08:20:54.123456789z",
        "createdTo=9999-12-31T23:59:59Z",
    ],
)
async def test_unusual_parameters_do_no_harm(kaspi: Tenant, query: str) -> None:
    assert (await kaspi.get(f"{_DELIVERIES}?{query}")).status == 200


# Quoting


_ROUTE: dict[str, Any] = {
    "pickup": {"address": "21 Zhibek Zholy, Almaty"},
    "dropoff": {"address": "17 Abylay Khan Ave, Almaty"},
    "parcel": {"weightGrams": 1200},
}


async def _quote(tenant: Tenant, body: dict[str, Any]) -> dict[str, Any]:
    answer = await tenant.post(_QUOTES, body)
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
    answer = await kaspi.post(_DELIVERIES, body)
    assert answer.status == 201, answer.body
    fee = await kaspi.server.platform.pool.fetchval(
        "select fee from deliveries where account_id = $1", kaspi.account.id
    )
    assert fee == quoted["feeKzt"]


async def test_quote_is_used_once(kaspi: Tenant) -> None:
    quoted = await _quote(kaspi, _ROUTE)
    first = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    created = await kaspi.post(_DELIVERIES, first, {"Idempotency-Key": "a"})
    assert created.status == 201
    assert (await kaspi.post(_DELIVERIES, first, {"Idempotency-Key": "a"})).status == 201
    second = KASPI.body("order-2") | {"quoteId": quoted["quoteId"]}
    told = _refused(await kaspi.post(_DELIVERIES, second), 409)
    assert created.told["deliveryId"] in told["message"]


async def test_quote_binds_what_it_was_given(kaspi: Tenant) -> None:
    bound = {**_ROUTE, "parcel": {"weightGrams": 1200, "valueKzt": 85_000}}
    quoted = await _quote(kaspi, bound)
    body = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    body["parcel"] |= {"weightGrams": 1300, "valueKzt": 85_001, "description": "Not quoted"}
    body["dropoff"]["address"] = "Elsewhere, Almaty"
    assert _fields(await kaspi.post(_DELIVERIES, body)) == {
        "dropoff.address",
        "parcel.weightGrams",
        "parcel.valueKzt",
    }
    body["parcel"] |= {"weightGrams": 1200.0, "valueKzt": 85_000}
    body["dropoff"]["address"] = "17 Abylay Khan Ave, Almaty"
    assert (await kaspi.post(_DELIVERIES, body)).status == 201


async def test_quote_of_others_is_unknown(server: Server, kaspi: Tenant) -> None:
    quoted = await _quote(kaspi, _ROUTE)
    body = KASPI.body("order-1") | {"quoteId": quoted["quoteId"]}
    for other in (await server.tenant(KASPI), kaspi.in_mode(Mode.LIVE)):
        assert _fields(await other.post(_DELIVERIES, body)) == {"quoteId"}


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
    told = _refused(await kaspi.post(_QUOTES, _ROUTE | change), 422)
    assert told["code"] == "out_of_coverage"
    assert says in told["message"]


# Trying webhooks


async def test_test_webhook_is_queued_for_the_address_given(kaspi: Tenant) -> None:
    body = {"url": "https://shop.example/hook", "type": "delivery.delivered"}
    answer = await kaspi.post(_TEST, body)
    assert answer.status == 202, answer.body
    assert answer.told["status"] == "queued"
    assert answer.told["eventId"].startswith("wh_test_")
    assert await kaspi.count("messages") == 1


async def test_test_webhook_without_any_address_says_what_to_do(kaspi: Tenant) -> None:
    assert _fields(await kaspi.post(_TEST, {})) == {"url"}
    assert await kaspi.count("messages") == 0


async def test_test_webhook_refuses_addresses_that_webhooks_do_not_go_to(kaspi: Tenant) -> None:
    assert _fields(await kaspi.post(_TEST, {"url": "file:///etc/passwd", "type": "x"})) == {
        "url",
        "type",
    }
