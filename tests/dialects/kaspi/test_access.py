"""Who may call, how often, and which paths and methods there are."""

import asyncio

import pytest

from estafette.core.accounts.account import Mode
from estafette.usecases.accounts.keys import disable_key, revoke_key
from tests.dialects.kaspi.answers import DELIVERIES, QUOTES, TEST, refused
from tests.edges import KASPI, Call
from tests.serving import Server, Tenant, running

_OPERATIONS = [
    Call("POST", DELIVERIES, KASPI.body("order-1")),
    Call("GET", DELIVERIES),
    KASPI.get(KASPI.unknown_id),
    KASPI.cancel(KASPI.unknown_id),
    Call("POST", QUOTES, {}),
    Call("POST", TEST, {}),
]
_NAMES = [f"{call.method} {call.path.rpartition('/')[2]}" for call in _OPERATIONS]


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
        told = refused(answer, 401)
        assert told == {"code": "unauthorized", "message": "Invalid API key"}
    assert (await server.request(call.method, call.path, call.body, key)).status != 401


@pytest.mark.parametrize("call", _OPERATIONS, ids=_NAMES)
async def test_disabled_key_is_forbidden_everywhere(kaspi: Tenant, call: Call) -> None:
    await disable_key(kaspi.server.platform, kaspi.account, kaspi.key)
    told = refused(await kaspi.call(call, {"Idempotency-Key": "never used"}), 403)
    assert told == {"code": "forbidden", "message": "API key is disabled"}


async def test_disabled_key_does_not_get_a_stored_answer(kaspi: Tenant) -> None:
    id = await kaspi.create("order-1", key="k")
    await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "c"})
    await disable_key(kaspi.server.platform, kaspi.account, kaspi.key)
    again = await kaspi.post(DELIVERIES, KASPI.body("order-1"), {"Idempotency-Key": "k"})
    refused(again, 401)
    refused(await kaspi.call(KASPI.cancel(id), {"Idempotency-Key": "c"}), 401)
    refused(await kaspi.post(DELIVERIES, {}, {"Idempotency-Key": "other"}), 403)
    refused(await kaspi.post(DELIVERIES, {}, {"Idempotency-Key": "x" * 256}), 403)


async def test_revoked_key_is_unknown(kaspi: Tenant) -> None:
    await revoke_key(kaspi.server.platform, kaspi.account, kaspi.key)
    refused(await kaspi.get(DELIVERIES), 401)


async def test_key_is_looked_at_before_the_request(kaspi: Tenant) -> None:
    broken = await kaspi.server.request("POST", DELIVERIES, b"{", {"x-api-key": "nobody"})
    refused(broken, 401)
    refused(await kaspi.get(f"{DELIVERIES}/no-id"), 404)


async def test_too_many_requests_are_told_when_to_come_back(postgres_dsn: str) -> None:
    async with running(postgres_dsn, processes=1000) as server:  # one request in 1000 seconds
        tenant = await server.tenant(KASPI, rate_per_second=1)
        answers = await asyncio.gather(*(tenant.get(DELIVERIES) for _ in range(4)))
        assert sorted(answer.status for answer in answers) == [200, 429, 429, 429]
        late = next(answer for answer in answers if answer.status == 429)
        assert refused(late, 429) == {"code": "rate_limited", "message": "Too many requests"}
        assert 900 < int(late.headers["Retry-After"]) <= 1000
        assert (await tenant.in_mode(Mode.LIVE).get(DELIVERIES)).status == 200


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
        refused(await kaspi.call(Call(method, path)), 404)


async def test_docs_have_no_other_files_than_theirs(kaspi: Tenant) -> None:
    for name in ("secret.txt", "..", "%2e%2e%2fapp.py", "%00"):
        refused(await kaspi.get(f"/delivery/docs/{name}"), 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (DELIVERIES, "GET, HEAD, POST"),
        (f"{DELIVERIES}/{KASPI.unknown_id}", "GET, HEAD"),
        (f"{DELIVERIES}/{KASPI.unknown_id}/cancel", "POST"),
        (QUOTES, "POST"),
        (TEST, "POST"),
        ("/delivery/openapi.yaml", "GET, HEAD"),
    ],
)
async def test_wrong_method_names_the_right_ones(kaspi: Tenant, path: str, allowed: str) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await kaspi.call(Call(method, path))
        refused(answer, 405)
        assert answer.headers["Allow"] == allowed


async def test_head_is_answered_as_get_without_a_body(kaspi: Tenant) -> None:
    got = await kaspi.get(DELIVERIES)
    answer = await kaspi.call(Call("HEAD", DELIVERIES))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(got.body))
