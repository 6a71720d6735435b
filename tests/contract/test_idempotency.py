"""What holds for idempotency keys in every dialect, over HTTP."""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.usecases.accounts.keys import create_key, disable_key, revoke_key
from tests.edges import Edge
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, delivery_id
from tests.wire import request, wire


def _key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def _create(tenant: Tenant, body: Any, key: str | None = None) -> Answer:
    headers = {} if key is None else _key(key)
    return await tenant.post(tenant.edge.create_path, body, headers)


def _is_replay(answer: Answer, edge: Edge) -> bool:
    value = answer.headers.get(edge.replay_header)
    assert value in (None, "true")
    return value is not None


async def _refused(answer: Answer, edge: Edge, *statuses: int) -> None:
    assert answer.status in statuses, answer.body
    assert not _is_replay(answer, edge)
    edge.check_error(answer.status, answer.headers, answer.body)


async def test_parallel_duplicates_make_one_delivery_and_equal_answers(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    answers = await asyncio.gather(*(_create(tenant, body, "same") for _ in range(100)))
    assert {answer.status for answer in answers} == {edge.created_status}
    assert len({answer.body for answer in answers}) == 1
    assert sum(_is_replay(answer, edge) for answer in answers) == 99
    assert await tenant.count("deliveries") == 1
    assert await tenant.count("events") == 1
    assert await tenant.count("idempotency") == 1


async def test_parallel_requests_with_different_payloads_are_one_answer_and_conflicts(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    bodies = [await tenant.body() for _ in range(20)]
    answers = await asyncio.gather(*(_create(tenant, body, "same") for body in bodies))
    refused = [answer for answer in answers if answer.status != edge.created_status]
    assert len(refused) == 19
    for answer in refused:
        await _refused(answer, edge, 409)
    assert await tenant.count("deliveries") == 1


async def test_replay_repeats_the_answer_to_the_letter(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    second = await _create(tenant, body, "k")
    assert not _is_replay(first, edge)
    assert _is_replay(second, edge)
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]


async def test_same_key_with_another_payload_is_a_conflict(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    await _refused(await _create(tenant, await tenant.body(), "k"), edge, 409)
    again = await _create(tenant, body, "k")
    assert _is_replay(again, edge)
    assert again.body == first.body
    assert await tenant.count("deliveries") == 1


async def test_keys_of_different_tenants_and_modes_are_independent(
    server: Server, edge: Edge
) -> None:
    one = await server.tenant(edge)
    tenants = [one, one.in_mode(Mode.LIVE), await server.tenant(edge)]
    answers = [await _create(tenant, await tenant.body("order"), "k") for tenant in tenants]
    assert [answer.status for answer in answers] == [edge.created_status] * 3
    assert not any(_is_replay(answer, edge) for answer in answers)
    assert len({edge.id_of(answer.told) for answer in answers}) == 3


async def test_keys_of_different_paths_are_independent(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    first = await tenant.create(key="k")
    other = await tenant.create()
    for id in (first, other):
        answer = await tenant.call(edge.cancel(id), _key("k"))
        assert answer.status == 200
        assert not _is_replay(answer, edge)
        assert edge.id_of(answer.told) == id


async def test_every_key_of_an_account_sees_the_same_idempotency_keys(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    issued = await create_key(server.platform, tenant.account, tenant.mode)
    again = await _create(tenant.with_key(issued.key), body, "k")
    assert _is_replay(again, edge)
    assert again.body == first.body


async def test_order_of_keys_and_white_space_do_not_matter(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    turned = json.dumps(_turned(body), indent=3, ensure_ascii=True).encode()
    written = b"\r\n\t " + turned.replace(b'": ', b'"\t:\n') + b"\n\n"
    again = await _create(tenant, written, "k")
    assert _is_replay(again, edge)
    assert again.body == first.body


def _turned(value: Any) -> Any:
    """The same JSON value with its keys in the opposite order."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _turned(members[name]) for name in reversed(members)}
    return value


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (b"1", b"1.0", False),
        (b"1", b'"1"', False),
        (b"1", b"true", False),
        (b"0", b"false", False),
        (b"null", b"0", False),
        (b"[]", b"{}", False),
        (b"[1,2]", b"[2,1]", False),
        (b"100000000000000000000", b"100000000000000000001", False),
        (b"1e2", b"100.0", True),
        (b'"\\u0416\\/"', '"Ж/"'.encode(), True),
        (b"100000000000000000000", b" 100000000000000000000 ", True),
    ],
)
async def test_payloads_are_compared_as_json_values(
    server: Server, edge: Edge, first: bytes, second: bytes, same: bool
) -> None:
    tenant = await server.tenant(edge)
    # a field that no contract knows: ignored, and part of the payload all the same
    body = json.dumps({**await tenant.body(), "x_unknown": "@"}).encode()
    assert (await _create(tenant, body.replace(b'"@"', first), "k")).status == edge.created_status
    answer = await _create(tenant, body.replace(b'"@"', second), "k")
    assert _is_replay(answer, edge) is same
    if not same:
        await _refused(answer, edge, 409)


@pytest.mark.parametrize("key", ["k", "x" * 255, "order 1/2; ~!", "\"quoted\", 'k' \\ %00 {}"])
async def test_printable_keys_up_to_255_characters_are_kept(
    server: Server, edge: Edge, key: str
) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    assert (await _create(tenant, body, key)).status == edge.created_status
    assert _is_replay(await _create(tenant, body, key), edge)


async def test_keys_differ_in_every_character(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    keys = ["k", "K", "k.", "x" * 254, "x" * 255]
    ids = {await tenant.create(key=key) for key in keys}
    assert len(ids) == len(keys)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"   ",
        b"x" * 256,
        b"x" * 20_000,
        b"a\tb",
        b"a\x01b",
        b"a\x7fb",
        b"a\x00b",
        "ключ".encode(),
        b"caf\xe9",
        b"\xff\xfe",
        b"a\r\n b",
    ],
    ids=lambda value: ascii(value[:40]),
)
async def test_keys_that_cannot_be_kept_are_refused_and_nothing_is_made(
    server: Server, edge: Edge, value: bytes
) -> None:
    tenant = await server.tenant(edge)
    answer = await _create_with_lines(tenant, b"Idempotency-Key: " + value)
    await _refused(answer, edge, 400)
    assert await tenant.count("deliveries") == 0


@pytest.mark.parametrize("second", [b"k", b"other", b""])
async def test_key_sent_twice_is_refused(server: Server, edge: Edge, second: bytes) -> None:
    tenant = await server.tenant(edge)
    twice = b"Idempotency-Key: k\r\nidempotency-key: " + second
    await _refused(await _create_with_lines(tenant, twice), edge, 400)
    assert await tenant.count("deliveries") == 0


async def _create_with_lines(tenant: Tenant, lines: bytes) -> Answer:
    """Creates a delivery with further header lines, as they are."""
    body = json.dumps(await tenant.body()).encode()
    headers = tenant.edge.authorize(tenant.key)
    head = request("POST", tenant.edge.create_path, headers, body)
    async with wire(tenant.server.port) as connection:
        connection.send(head.replace(b"Host: x", b"Host: x\r\n" + lines))
        answer = await connection.answer()
    assert answer is not None
    return answer


async def test_replay_shows_the_delivery_as_it_was(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    id = edge.id_of(first.told)
    await tenant.move(id, Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT)
    again = await _create(tenant, body, "k")
    assert (again.status, again.body) == (first.status, first.body)
    now = edge.status_of((await tenant.call(edge.get(id))).told)
    assert now == edge.shown(Status.IN_TRANSIT, Status.IN_TRANSIT)


async def test_replay_of_a_cancellation_shows_the_first_answer(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    cancel = edge.cancel(await tenant.create())
    first = await tenant.call(cancel, _key("c"))
    assert first.status == 200
    again = await tenant.call(cancel, _key("c"))
    assert _is_replay(again, edge)
    assert again.body == first.body
    await _refused(await tenant.call(cancel, _key("d")), edge, 409)


async def test_parallel_cancellations_under_one_key_are_one(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    cancel = edge.cancel(await tenant.create())
    answers = await asyncio.gather(*(tenant.call(cancel, _key("c")) for _ in range(30)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert sum(_is_replay(answer, edge) for answer in answers) == 29
    assert await tenant.count("events") == 2


async def test_state_conflicts_are_kept_and_repeated(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    id = await tenant.create()
    await tenant.move(id, Status.ASSIGNED, Status.IN_TRANSIT)
    first = await tenant.call(edge.cancel(id), _key("c"))
    await _refused(first, edge, 409)
    await tenant.move(id, Status.OUT_FOR_DELIVERY)
    again = await tenant.call(edge.cancel(id), _key("c"))
    assert _is_replay(again, edge)
    assert (again.status, again.body) == (409, first.body)


async def test_disabled_key_is_not_told_the_stored_answer(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    await _create(tenant, body, "k")
    await disable_key(server.platform, tenant.account, tenant.key)
    plain, replay = edge.disabled_statuses
    await _refused(await _create(tenant, body, "k"), edge, replay)
    await _refused(await _create(tenant, body), edge, plain)
    await _refused(await _create(tenant, body, "unused"), edge, plain)
    await _refused(await tenant.call(edge.list), edge, plain)


async def test_revoked_key_is_not_told_the_stored_answer(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    await _create(tenant, body, "k")
    await revoke_key(server.platform, tenant.account, tenant.key)
    for key in ("k", None, "unused"):
        await _refused(await _create(tenant, body, key), edge, 401)


async def test_keys_are_forgotten_after_24_hours(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    first = await _create(tenant, body, "k")
    await _age(tenant, timedelta(hours=23, minutes=59))
    assert (await _create(tenant, body, "k")).body == first.body
    await _age(tenant, timedelta(minutes=2))
    other = await _create(tenant, await tenant.body(), "k")
    assert other.status == edge.created_status
    assert not _is_replay(other, edge)
    assert edge.id_of(other.told) != edge.id_of(first.told)


async def _age(tenant: Tenant, by: timedelta) -> None:
    """Lets what is kept be older."""
    where = {"account_id": tenant.account.id}
    await tables.shift(tenant.server.platform.pool, "idempotency", where, created_at=-by)


async def test_refusals_leave_the_key_unused(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    good = await tenant.body()
    cases: list[tuple[Any, tuple[int, ...]]] = [
        (b"{", (400,)),
        (b"", (400,)),
        ({}, (400, 422)),
        ([], (400, 422)),
        (b"x" * 300_000, (413,)),
    ]
    for body, statuses in cases:
        await _refused(await _create(tenant, body, "k"), edge, *statuses)
    await _refused(await _create(tenant.with_key("nobody's"), good, "k"), edge, 401)
    assert await tenant.count("idempotency") == 0
    answer = await _create(tenant, good, "k")
    assert answer.status == edge.created_status
    assert not _is_replay(answer, edge)


async def test_missing_delivery_leaves_the_key_unused(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    await _refused(await tenant.call(edge.cancel(edge.unknown_id), _key("c")), edge, 404)
    assert await tenant.count("idempotency") == 0


async def test_rate_limit_leaves_the_key_unused(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=2, burst=4)
    body = await tenant.body()
    while (await tenant.call(edge.list)).status != 429:
        pass
    answer = await _create(tenant, body, "k")
    while answer.status == 429:
        await _refused(answer, edge, 429)
        await asyncio.sleep(0.05)  # until there is a token again
        answer = await _create(tenant, body, "k")
    assert answer.status == edge.created_status
    assert not _is_replay(answer, edge)


async def test_requests_without_a_key_are_not_kept(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    ids = {await tenant.create(f"order-{uuid4().hex}") for _ in range(2)}
    assert len(ids) == 2
    assert await tenant.count("idempotency") == 0


async def test_answer_that_was_not_waited_for_is_repeated(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body()
    headers = {**edge.authorize(tenant.key), **_key("k")}
    async with wire(server.port) as connection:
        connection.send(request("POST", edge.create_path, headers, json.dumps(body).encode()))
        async with asyncio.timeout(60):
            while not await tenant.count("deliveries"):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
    answer = await _create(tenant, body, "k")
    assert answer.status == edge.created_status
    assert _is_replay(answer, edge)
    assert await tenant.count("deliveries") == 1
    found = await tenant.call(edge.get(edge.id_of(answer.told)))
    assert found.status == 200
    assert delivery_id(edge.id_of(answer.told)).version == 7
