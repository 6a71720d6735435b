"""Whatever is sent to any path of any dialect: refused in its shape, nothing stored or leaked.

The server is a process of its own, so that all of its log is heard.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from estafette.core.accounts.account import Mode
from tests import hostile
from tests.target import Target
from tests.wire import request, wire

_TEN_MEGABYTES = 10 * 1024 * 1024


async def test_what_is_no_json_is_refused_wherever_a_body_is_read(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.with_body():
            for body in hostile.NOT_JSON:
                answer = await target.send(operation, body)
                target.refused(answer, 400, why=(operation.name, body[:100]))


async def test_json_that_is_no_request_is_refused(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.with_body():
            for body in hostile.NO_OBJECTS:
                answer = await target.send(operation, body)
                target.refused(answer, 400, 422, why=(operation.name, body))
            if operation.needs_body:
                for body in (b"", b" \r\n\t", b"null", b"{}\x00"):
                    target.refused(await target.send(operation, body), 400, 422, why=operation.name)


async def test_bodies_where_none_is_read_change_nothing(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.operations:
            if operation.takes_body or operation.method != "GET":
                continue
            plain = await target.send(operation, None)
            for body in (*hostile.NOT_JSON, b"x" * 300_000):
                answer = await target.send(operation, body)
                assert (answer.status, answer.body) == (plain.status, plain.body)


async def test_any_value_of_a_good_body_may_be_anything(target: Target) -> None:
    good = await target.tenant.body("@order")
    created = 0
    before = await target.tenant.count("deliveries")
    for written in _with_one_replaced(good):
        for value in hostile.VALUES:
            body = written.replace(b'"@"', value).replace(b"@order", f"order-{created}".encode())
            answer = await target.tenant.post(target.edge.create_path, body)
            if answer.status == target.edge.created_status:
                created += 1
            else:
                target.refused(answer, 400, 409, 413, 422, why=body[:300])
    assert created > 0
    assert await target.tenant.count("deliveries") == before + created


def _with_one_replaced(value: dict[str, Any]) -> Iterator[bytes]:
    """A body for each of its members, at any depth, with `"@"` in its place."""

    def variants(value: Any) -> Iterator[Any]:
        yield "@"
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            for name, member in members.items():
                for variant in variants(member):
                    yield {**members, name: variant}

    for variant in variants(value):
        yield json.dumps(variant).encode()


async def test_sandbox_refuses_the_same_in_its_own_shape(target: Target) -> None:
    key = {"x-api-key": target.tenant.key}
    async with target.nothing_stored():
        for body in (*hostile.NOT_JSON, *hostile.NO_OBJECTS, b'{"status": 1}', b'{"note": {}}'):
            answer = await target.tenant.advance(target.delivery, body)
            assert answer.status == 400, body[:100]
            assert set(answer.told) == {"code", "message"}
        for id in hostile.IDS:
            path = f"/sandbox/v1/deliveries/{id}/advance"
            answer = await target.path("POST", path, key=key)
            assert answer.status == 404
            assert set(answer.told) == {"code", "message"}


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_ten_megabytes_are_refused(target: Target, chunked: bool) -> None:
    async with target.nothing_stored():
        for operation in target.with_body():
            call = operation.call(target.edge, target.delivery)
            key = target.tenant.authorization(operation.name)
            async with wire(target.server.port) as connection:
                if chunked:
                    head = {**key, "Transfer-Encoding": "chunked"}
                    connection.send(request(call.method, call.path, head))
                    for _ in range(_TEN_MEGABYTES // 65_536):
                        connection.send(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                    connection.send(b"0\r\n\r\n")
                else:
                    body = b'"' + b"x" * _TEN_MEGABYTES + b'"'
                    connection.send(request(call.method, call.path, key, body))
                answer = await connection.answer()
                assert answer is not None
                target.refused(answer, 413)


async def test_compressed_bodies_are_refused_by_name(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.with_body():
            call = operation.call(target.edge, target.delivery)
            key = target.tenant.authorization(operation.name)
            for encoding, body in (("gzip", gzip.compress(b"{}")), ("br", b"{}"), ("GZIP", b"")):
                head = {**key, "Content-Encoding": encoding}
                async with wire(target.server.port) as connection:
                    connection.send(request(call.method, call.path, head, body))
                    answer = await connection.answer()
                assert answer is not None
                target.refused(answer, 415)
                assert b"gzip" in answer.body


async def test_mark_of_utf_8_before_a_body_is_passed_over(target: Target) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(await target.tenant.body()).encode()
    head = {**target.edge.authorize(target.tenant.key), "Content-Encoding": "identity"}
    async with wire(target.server.port) as connection:
        connection.send(request("POST", target.edge.create_path, head, body))
        answer = await connection.answer()
    assert answer is not None
    assert answer.status == target.edge.created_status


async def test_slow_body_keeps_nobody_waiting(target: Target) -> None:
    body = json.dumps(await target.tenant.body()).encode()
    key = target.edge.authorize(target.tenant.key)
    whole = request("POST", target.edge.create_path, key, body)
    async with wire(target.server.port) as connection:
        for place in range(len(whole) - 1):
            connection.send(whole[place : place + 1])
            if place % 20 == 0:
                await connection.sent()
        assert (await target.tenant.call(target.edge.list)).status == 200
        assert await target.tenant.count("deliveries") == 1
        connection.send(whole[-1:])
        answer = await connection.answer()
        assert answer is not None
        assert answer.status == target.edge.created_status


async def test_half_a_body_stores_nothing(target: Target) -> None:
    body = json.dumps(await target.tenant.body()).encode()
    key = target.edge.authorize(target.tenant.key)
    async with target.nothing_stored():
        for half in (body[:-1], body[: len(body) // 2], b""):
            whole = request("POST", target.edge.create_path, key, body)
            async with wire(target.server.port) as connection:
                connection.send(whole[: len(whole) - len(body)] + half)
                await connection.sent()
                assert (await target.tenant.call(target.edge.list)).status == 200


async def test_content_types_and_codings_do_not_matter_or_are_refused(target: Target) -> None:
    for header, value in (
        ("Content-Type", ""),
        ("Content-Type", "text/plain"),
        ("Content-Type", "multipart/form-data"),
        ("Content-Type", "application/json; charset=utf-16"),
        ("Content-Type", "application/xml; " + "x" * 5_000),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "br, deflate, gzip"),
        ("Accept", "application/nothing"),
        ("Accept-Encoding", "gzip;q=x, *;q=0"),
        ("Range", "bytes=0-0"),
        ("If-None-Match", "*"),
        ("Host", "evil.example\u00e9"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Cookie", "a=b; " * 500),
    ):
        body = json.dumps(await target.tenant.body()).encode()
        headers = {**target.edge.authorize(target.tenant.key), header: value}
        head = request("POST", target.edge.create_path, headers, body, last=True)
        (answer,) = await target.talk(head)
        assert b"evil.example" not in answer.body
        if answer.status != target.edge.created_status:
            target.refused(answer, 400, 415, why=(header, value))


async def test_strange_ids_are_not_found(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.operations:
            path = operation.call(target.edge, "\0").path
            if "\0" not in path:
                continue
            for id in hostile.IDS:
                strange = path.replace("\0", id)
                answer = await target.path(operation.method, strange, operation.name)
                target.refused(answer, 400, 404, 405, why=(operation.name, id))


async def test_strange_parameters_are_refused_or_ignored(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.operations:
            if operation.method != "GET":
                continue
            path = operation.call(target.edge, target.delivery).path
            key = target.tenant.authorization(operation.name)
            # a page finds nothing but what pages have ordered
            refused = (400, 404, 422) if "/widget/" in path else (400, 422)
            for name in (*operation.query, "x", "%00", "%ff"):
                for value in hostile.QUERIES:
                    query = f"{path}?{name}={value}"
                    answer = await target.tenant.get(query, key)
                    if answer.status != 200:
                        target.refused(answer, *refused, why=query)
                twice = await target.tenant.get(f"{path}?{name}=1&{name}=2", key)
                if twice.status != 200:
                    target.refused(twice, *refused, why=name)


async def test_paths_that_are_none_are_not_found(target: Target) -> None:
    async with target.nothing_stored():
        for path in hostile.STRANGE_PATHS:
            for method in ("GET", "POST", "DELETE"):
                answer = await target.path(method, target.edge.base + path)
                target.refused(answer, 404, 405, why=(method, path[:100]))


async def test_a_path_with_a_line_feed_at_its_end_is_another(target: Target) -> None:
    async with target.nothing_stored():
        for operation in target.operations:
            path = operation.call(target.edge, target.delivery).path
            answer = await target.path(operation.method, path + "%0A", operation.name)
            target.refused(answer, 404, why=operation.name)


async def test_methods_of_no_use_are_refused_on_every_path(target: Target) -> None:
    known: dict[str, set[str]] = {}
    for operation in target.operations:
        path = operation.call(target.edge, target.delivery).path
        known.setdefault(path, set()).add(operation.method)
        if operation.name in target.edge.publishable:
            known[path].add("OPTIONS")  # by which a browser asks whether a page may ask
    async with target.nothing_stored():
        for path, methods in known.items():
            for method in set(hostile.METHODS) - methods:
                answer = await target.path(method, path)
                target.refused(answer, 405, why=(method, path))
                assert methods <= set(answer.headers["allow"].upper().split(", "))
            for method in ("BREW", "get", "X" * 1_000, "G\x00T"):
                target.refused(await target.path(method, path), 400, 405, why=(method, path))


async def test_log_tells_nothing_of_live_customers_either(target: Target) -> None:
    live = target.tenant.in_mode(Mode.LIVE)
    id = await live.create("secret-order", key="secret-order")
    for call in (target.edge.get(id), target.edge.list, target.edge.cancel(id)):
        assert (await live.call(call)).status == 200
    query = "?phone=%2B77011111111&key=" + live.key
    await target.path("GET", target.edge.get(id).path + query)
