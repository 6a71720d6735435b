"""What every request meets before and after the code that answers it: ids, records, crashes."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp

from estafette.http.fallback import Words, plain
from estafette.http.mounts import Mount, Mounted, Mounts
from estafette.http.observe import Observer
from estafette.http.protocol import HEAD_LIMIT
from estafette.http.request import read_body
from estafette.http.trace import trace_of
from estafette.metrics import RequestMetrics
from tests.serving import hang_up, listening


class _Log:
    """Remembers what is logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.spoken = asyncio.Event()

    def info(self, event: str, /, **facts: Any) -> None:
        self.lines.append({"event": event, **facts})
        self.spoken.set()

    def error(self, event: str, /, **facts: Any) -> None:
        self.lines.append({"event": event, **facts})

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


def _json_words(status: int) -> Words:
    return Words("application/json", json.dumps({"status": status}).encode())


def _mounts(mounted: Mapping[Mount, ASGIApp], rest: ASGIApp) -> Mounts:
    owned = [Mounted(mount, app, _json_words) for mount, app in mounted.items()]
    return Mounts("https://delivery.example:8443", owned, rest)


async def _hello(request: Request) -> Response:
    trace_of(request.scope).route = "/api/hello/{name}"
    trace_of(request.scope).account_id = "an-account"
    return PlainTextResponse("hello")


async def _crash(_: Request) -> Response:
    raise ZeroDivisionError("the secret of the crash")


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await read_body(request.scope, request.receive))))


class _Stage:
    """An application under observation, on a port."""

    def __init__(self, port: int, log: _Log, registry: CollectorRegistry) -> None:
        self.port = port
        self.log = log
        self.registry = registry

    async def send(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Sends raw bytes; returns status, headers (names in lower case) and body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 60)
        await hang_up(writer)
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), headers, body

    async def get(self, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
        lines = "".join(f"{header}\r\n" for header in headers)
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
        return await self.send(head.encode("latin-1"))


@asynccontextmanager
async def _stage() -> AsyncGenerator[_Stage]:
    log, registry = _Log(), CollectorRegistry()
    api = Starlette(
        routes=[
            Route("/hello/{name}", _hello),
            Route("/crash", _crash),
            Route("/read", _read, methods=["POST"]),
        ]
    )
    app = _mounts({Mount("/api"): api}, Starlette())
    observer = Observer(app, logger=log, metrics=RequestMetrics(registry), fallback=app.fallback)
    async with listening(observer, app.fallback) as port:
        yield _Stage(port, log, registry)


async def test_every_response_carries_a_request_id() -> None:
    async with _stage() as stage:
        for path in ("/api/hello/you", "/api/nothing", "/elsewhere", "/api/crash"):
            _, headers, _ = await stage.get(path)
            assert len(headers["x-request-id"]) == 32
        _, headers, _ = await stage.get("/api/hello/you", "X-Request-Id: mine-1")
        assert headers["x-request-id"] == "mine-1"


async def test_a_request_leaves_one_line_without_personal_data() -> None:
    async with _stage() as stage:
        await stage.get("/api/hello/dana?phone=77011111111", "X-Request-Id: r1", "x-api-key: key")
    (line,) = stage.log.of("request")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request",
        "request_id": "r1",
        "method": "GET",
        "route": "/api/hello/{name}",
        "status": 200,
        "client": "127.0.0.1",
        "account": "an-account",
        "key_id": None,
    }


async def test_paths_nobody_serves_are_counted_together() -> None:
    async with _stage() as stage:
        for path in ("/a", "/b", "/api/c", "/api/d"):
            await stage.get(path)
        labels = {"method": "GET", "status": "404"}
        name = "estafette_http_requests_total"
        assert stage.registry.get_sample_value(name, {**labels, "route": "/*"}) == 2
        assert stage.registry.get_sample_value(name, {**labels, "route": "/api/*"}) == 2


async def test_a_crash_tells_the_log_everything_and_the_caller_nothing() -> None:
    async with _stage() as stage:
        status, headers, body = await stage.get("/api/crash", "X-Request-Id: r2")
    assert status == 500
    assert headers["x-request-id"] == "r2"
    assert b"secret" not in body
    (crash,) = stage.log.of("request crashed")
    assert crash["request_id"] == "r2"
    assert isinstance(crash["exc_info"], ZeroDivisionError)
    (line,) = stage.log.of("request")
    assert line["status"] == 500


async def test_a_crash_before_any_answer_is_told_in_the_owners_words() -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    observer = Observer(
        broken,
        logger=_Log(),
        metrics=RequestMetrics(CollectorRegistry()),
        fallback=_mounts({Mount("/api"): broken}, broken).fallback,
    )
    async with listening(observer, plain) as port:
        stage = _Stage(port, _Log(), CollectorRegistry())
        status, headers, body = await stage.get("/api/x")
        assert (status, headers["content-type"]) == (500, "application/json")
        assert json.loads(body) == {"status": 500}
        status, headers, body = await stage.get("/apix")
        assert (status, body) == (
            500,
            b"Something went wrong on our side; the request may be repeated\n",
        )


async def test_a_caller_who_leaves_is_no_crash() -> None:
    async with _stage() as stage:
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"POST /api/read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        await hang_up(writer)
        await asyncio.wait_for(stage.log.spoken.wait(), 60)
    (line,) = stage.log.lines
    assert line["status"] == 499


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/x HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\x00b\r\n\r\n",
        b"GET /api/x HTTP/1.1\r\nHost: x\r\nbad header: 1\r\n\r\n",
        b"GET /api/x HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /api/x\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/\xd0\x96 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET api/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\xff\xfe\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_with_400_and_an_id(head: bytes) -> None:
    async with _stage() as stage:
        status, headers, body = await stage.send(head)
        assert status == 400
        assert headers["x-request-id"]
        assert headers["connection"] == "close"
        assert body
        if b" /api/" in head:
            assert headers["content-type"] == "application/json"
            assert json.loads(body)["status"] == 400
        assert (await stage.get("/api/hello/you"))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/hello/%",
        "/api/hello/%zz",
        "/api/hello/%ff%fe",
        "/api/hello/%00",
        "/api/hello/a%0d%0ab",
        "//api//hello",
        "/api/hello/..",
        "/api/../../etc",
        "*",
    ],
)
async def test_unusual_paths_do_no_harm(path: str) -> None:
    async with _stage() as stage:
        status, headers, _ = await stage.get(path)
        assert status in (200, 404)
        assert headers["x-request-id"]


async def test_a_head_without_end_is_cut_off() -> None:
    async with _stage() as stage:
        endless = b"GET /api/x HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (HEAD_LIMIT + 1000)
        status, headers, _ = await stage.send(endless)
        assert (status, headers["content-type"]) == (400, "application/json")


async def test_many_requests_over_one_connection_are_not_taken_for_a_long_head() -> None:
    async with _stage() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        padding = "a" * 20_000
        for _ in range(8):
            writer.write(f"GET /api/hello/x HTTP/1.1\r\nHost: x\r\nX: {padding}\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            assert (await reader.readuntil(b"hello")).endswith(b"hello")
        await hang_up(writer)


async def test_nonsense_after_a_request_does_not_look_like_its_answer() -> None:
    gate = asyncio.Event()

    async def slow(_: Request) -> Response:
        await gate.wait()
        return PlainTextResponse("the answer")

    app = Starlette(routes=[Route("/slow", slow)])
    async with listening(app, plain) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n\x00\xff nonsense\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 60) == b""
        gate.set()
        await hang_up(writer)


async def test_all_that_lies_under_a_prefix_belongs_to_its_application() -> None:
    async def owner(request: Request) -> Response:
        root: str = request.scope["root_path"]
        return PlainTextResponse(f"{root} {request.scope['path'].removeprefix(root)!r}")

    async def rest(_: Request) -> Response:
        return PlainTextResponse("rest")

    app = _mounts({Mount("/api"): request_response(owner)}, request_response(rest))
    async with listening(app, plain) as port:
        stage = _Stage(port, _Log(), CollectorRegistry())
        for path, told in {
            "/api": "/api ''",
            "/api/": "/api '/'",
            "/api/x/y?z=1": "/api '/x/y'",
            "/api/a%0Ab": r"/api '/a\nb'",
            "/apix": "rest",
            "/": "rest",
            "//api": "rest",
        }.items():
            assert (await stage.get(path))[2].decode() == told
