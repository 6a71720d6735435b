"""What a caller may not do to a server: be many, be silent, be slow, and stay."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router
from structlog.testing import capture_logs
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.connections import ConnectionLimits, ConnectionMetrics, Connections
from estafette.http.fallback import Words
from estafette.http.protocol import AHEAD, OVERRIDDEN, PRIVATE
from tests.serving import Answer, listening
from tests.wire import Wire, request, wire

_SOON = 0.4
"""What is called a long time here, in seconds."""

_LONGEST = 60
_MANY_BYTES = 30_000_000
_WHAT_A_SYSTEM_TAKES = 1_500_000
"""What Linux takes of a connection if it is let, though nobody reads it."""

_GET = request("GET", "/hello", {})
_HOLD = request("GET", "/hold", {})


def _words(_host: str, path: str, status: int) -> Words:
    return Words("application/json", json.dumps({"path": path, "status": status}).encode())


@dataclass
class _Stage:
    port: int
    registry: CollectorRegistry
    release: asyncio.Event
    holding: asyncio.Semaphore

    def ended(self, reason: str) -> float:
        """How many connections were refused or cut off for that."""
        labels = {"reason": reason}
        found = self.registry.get_sample_value("estafette_connections_refused_total", labels)
        return found or 0.0

    @property
    def open(self) -> float:
        """How many connections there are."""
        return self.registry.get_sample_value("estafette_connections") or 0.0

    @asynccontextmanager
    async def many(self, count: int, data: bytes = b"") -> AsyncGenerator[list[Wire]]:
        """So many connections over which `data` was sent."""
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(wire(self.port)) for _ in range(count)]
            for each in wires:
                each.send(data)
            yield wires

    async def held(self, count: int) -> None:
        """Waits until so many requests are held."""
        async with asyncio.timeout(_LONGEST):
            for _ in range(count):
                await self.holding.acquire()


@asynccontextmanager
async def _stage(*, is_proxy: bool = False, **limits: Any) -> AsyncGenerator[_Stage]:
    """A server with these limits: `/hello` answers, `/hold` waits, `/read` reads its body and
    `/ignore` does not, `/some`, `/much`, `/large` and `/endless` say more and more, `/enough` no.
    """
    registry = CollectorRegistry()
    release, holding = asyncio.Event(), asyncio.Semaphore(0)

    async def hello(_: Request) -> Response:
        return PlainTextResponse("hello")

    async def hold(_: Request) -> Response:
        holding.release()
        await release.wait()
        return PlainTextResponse("held")

    async def large(_: Request) -> Response:
        return PlainTextResponse("x" * _MANY_BYTES)

    async def much(_: Request) -> Response:
        return PlainTextResponse("x" * _WHAT_A_SYSTEM_TAKES)

    async def some(_: Request) -> Response:
        return PlainTextResponse("x" * 60_000)

    async def enough(_: Request) -> Response:
        return PlainTextResponse("no", 429)

    async def endless(_: Request) -> Response:
        async def parts() -> AsyncGenerator[bytes]:
            while True:
                yield b"x" * 100_000

        return StreamingResponse(parts())

    async def read(asked: Request) -> Response:
        return PlainTextResponse(str(len(await asked.body())))

    handlers = {"/hello": hello, "/hold": hold, "/large": large, "/endless": endless}
    handlers |= {"/much": much, "/some": some, "/enough": enough}
    routes = [Route(path, handler) for path, handler in handlers.items()]
    posts = {"/read": read, "/ignore": hello}
    routes += [Route(path, handler, methods=["POST"]) for path, handler in posts.items()]
    connections = Connections(
        ConnectionLimits(**limits),
        is_proxy=lambda _: is_proxy,
        metrics=ConnectionMetrics(registry),
    )
    async with listening(Router(routes), _words, connections) as port:
        yield _Stage(port, registry, release, holding)
        release.set()


async def _until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(_LONGEST):
        while not condition():  # noqa: ASYNC110 - a server tells nobody of its connections' ends
            await asyncio.sleep(0.02)


async def _drip(connection: Wire, data: bytes) -> None:
    """Sends byte after byte, in good time, until the server hangs up."""
    with suppress(ConnectionError):
        for number in range(10_000):
            connection.send(data[number % len(data) :][:1])
            await asyncio.sleep(_SOON / 10)


@asynccontextmanager
async def _dripping(connection: Wire, data: bytes) -> AsyncGenerator[None]:
    task = asyncio.create_task(_drip(connection, data))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_head_that_is_fed_byte_by_byte_is_cut_off_in_the_owners_words() -> None:
    async with _stage(head=_SOON) as stage, wire(stage.port) as connection:
        connection.send(b"GET /hello HTTP/1.1\r\nX: ")
        async with _dripping(connection, b"x"):
            answer = await connection.answer()
        assert answer is not None
        assert (answer.status, answer.told) == (408, {"path": "/hello", "status": 408})
        assert answer.headers["connection"] == "close"
        assert stage.ended("head") == 1


@pytest.mark.parametrize("said", [b"", b"\r\n"])
async def test_a_connection_that_asks_for_nothing_is_closed(said: bytes) -> None:
    async with _stage(head=_SOON) as stage, wire(stage.port) as connection:
        async with _dripping(connection, said) if said else AsyncExitStack():
            assert await connection.answer() is None
        assert stage.ended("head") == 1


async def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async with _stage(head=_SOON) as stage, wire(stage.port) as connection:
        connection.send(_GET)
        assert await connection.answer() is not None
        async with _dripping(connection, b"GET /hello?"):
            answer = await connection.answer()
        assert answer is not None
        assert answer.status == 408


@pytest.mark.parametrize("said", [b"", b"\r\n"])
async def test_an_idle_connection_is_closed_whatever_is_said_between_requests(said: bytes) -> None:
    async with _stage(idle=_SOON) as stage, wire(stage.port) as connection:
        connection.send(_GET)
        assert await connection.answer() is not None
        async with _dripping(connection, said) if said else AsyncExitStack():
            assert await connection.answer() is None
        assert stage.ended("idle") == 1


@pytest.mark.parametrize("path", ["/read", "/ignore"])
async def test_a_body_that_is_fed_byte_by_byte_is_cut_off(path: str) -> None:
    async with _stage(body=_SOON, farewell=_SOON) as stage, wire(stage.port) as connection:
        connection.send(request("POST", path, {"Content-Length": "100000"}))
        async with _dripping(connection, b"x"):
            answers = await connection.answers()
        told = 408 if path == "/read" else 200  # it has been answered already
        assert [answer.status for answer in answers] == [told]
        assert stage.ended("body") == 1


async def test_who_does_not_read_an_answer_loses_it() -> None:
    for path in ("/large", "/endless"):
        async with _stage(sending=_SOON, idle=5) as stage:  # in which the request surely was read
            with socket.create_connection(("127.0.0.1", stage.port)) as reader:
                reader.sendall(request("GET", path, {}, last=path == "/large"))
                await _until(lambda: stage.ended("reading") == 1)
                await _until(lambda: stage.open == 0)


def _silent_reader(port: int, data: bytes) -> socket.socket:
    """A connection over which `data` was sent and little can come back unread."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(data)
    return reader


async def _is_reset(reader: socket.socket) -> bool:
    """Whether a connection was ended without what had been sent, and not kept for later."""
    loop = asyncio.get_running_loop()
    reader.setblocking(False)
    size = 0
    with reader, suppress(ConnectionResetError):
        async with asyncio.timeout(_LONGEST):
            while part := await loop.sock_recv(reader, 65_536):
                size += len(part)
        return False
    return size < 200_000


async def test_what_the_system_keeps_unread_counts_as_unread() -> None:
    async with _stage(sending=_SOON) as stage:
        reader = _silent_reader(stage.port, request("GET", "/much", {}))
        await _until(lambda: stage.ended("reading") == 1)
        await _until(lambda: stage.open == 0)
        assert await _is_reset(reader)


async def test_a_connection_that_makes_room_leaves_nothing_with_the_system() -> None:
    async with _stage(each=2) as stage:
        # a little less than is handed on at once, so that the answer is done with for the server
        first = _silent_reader(stage.port, request("GET", "/some", {}))
        await _until(lambda: stage.open == 1)
        async with stage.many(2, _GET) as others:
            for each in others:
                assert await each.answer()
            await _until(lambda: stage.ended("evicted") >= 1)
        assert await _is_reset(first)


async def test_what_one_address_leaves_unread_is_bounded_together() -> None:
    async with _stage() as stage, AsyncExitStack() as stack:
        for _ in range(4):
            stack.enter_context(_silent_reader(stage.port, request("GET", "/large", {})))
        await _until(lambda: stage.ended("unread") == 2)
        await _until(lambda: stage.open == 2)
    async with _stage(is_proxy=True) as stage, AsyncExitStack() as stack:
        for _ in range(4):
            stack.enter_context(_silent_reader(stage.port, request("GET", "/large", {})))
        async with wire(stage.port) as other:
            await _until(lambda: stage.open == 5)
            other.send(_GET)
            assert await other.answer()
        assert stage.ended("unread") == 0


async def test_who_goes_on_after_refusals_is_answered_late_and_in_the_end_cut_off() -> None:
    async with _stage(refusal=_SOON / 4) as stage:
        began = time.monotonic()
        answers: list[Answer] = []
        async with wire(stage.port) as connection:
            for _ in range(20):
                connection.send(request("GET", "/enough", {}))
                if (answer := await connection.answer()) is None:
                    break
                answers.append(answer)
        assert [answer.status for answer in answers] == [429] * 10
        assert time.monotonic() - began >= 7 * _SOON / 4
        assert [answer.headers.get("connection") for answer in answers] == [*[None] * 9, "close"]


async def test_refusals_between_other_answers_cost_nothing() -> None:
    async with _stage(refusal=_LONGEST) as stage, wire(stage.port) as connection:
        for _ in range(10):
            for path, status in (("/enough", 429), ("/enough", 429), ("/hello", 200)):
                connection.send(request("GET", path, {}))
                answer = await connection.answer()
                assert answer is not None
                assert answer.status == status


async def test_a_trusted_proxy_is_not_held_liable_for_the_refusals_of_its_callers() -> None:
    async with (
        _stage(is_proxy=True, refusal=_LONGEST) as stage,
        wire(stage.port) as connection,
    ):
        for _ in range(20):
            connection.send(request("GET", "/enough", {}))
            assert await connection.answer()


async def test_who_reads_slowly_and_steadily_gets_the_whole_answer() -> None:
    async with _stage(sending=_SOON) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(request("GET", "/large", {}, last=True))
        size, began = 0, time.monotonic()
        while part := await reader.read(2_000_000):
            size += len(part)
            if time.monotonic() - began < 4 * _SOON:
                await asyncio.sleep(_SOON / 5)
        assert size > _MANY_BYTES
        writer.close()
        assert stage.ended("reading") == 0


async def test_the_longest_resting_connection_makes_room_for_another() -> None:
    async with (
        _stage(most=5) as stage,
        stage.many(4, b"GET /hel") as slow,
        wire(stage.port) as working,
    ):
        working.send(_HOLD)
        await stage.held(1)
        async with stage.many(3, _GET) as others:
            for each in others:
                answer = await each.answer()
                assert answer is not None
                assert answer.status == 200
            assert stage.open == 5
            assert stage.ended("evicted") == 3
            assert [await each.answer() for each in slow[:3]] == [None] * 3
        stage.release.set()
        answer = await working.answer()
        assert answer is not None
        assert answer.status == 200  # what is under way is not disturbed


@pytest.mark.parametrize(
    ("limits", "status", "reason"),
    [(ConnectionLimits(most=3), 503, "total"), (ConnectionLimits(each=3), 429, "address")],
)
async def test_where_all_are_at_work_a_further_one_is_told_to_come_back(
    limits: ConnectionLimits, status: int, reason: str
) -> None:
    async with _stage(most=limits.most, each=limits.each) as stage, stage.many(3, _HOLD):
        await stage.held(3)
        async with wire(stage.port) as further:
            further.send(request("POST", "/read", {}, b"body") + b"\x00 nonsense\r\n\r\n")
            answer = await further.answer()
            assert answer is not None
            assert (answer.status, answer.told) == (status, {"path": "/read", "status": status})
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-request-id"]
            assert await further.answer() is None
        assert stage.ended(reason) == 1
        async with stage.many(60) as silent:  # no more are kept to be told than a few
            await _until(lambda: stage.ended(reason) == 61)
            assert await silent[-1].answer() is None


async def test_a_trusted_proxy_may_have_any_number_of_connections() -> None:
    async with _stage(each=3, is_proxy=True) as stage, stage.many(6, _HOLD):
        await stage.held(6)
        assert stage.ended("address") == 0


async def test_requests_are_taken_ahead_of_their_answers_up_to_a_bound() -> None:
    async with _stage() as stage, wire(stage.port) as connection:
        connection.send(_HOLD + _GET * 1000)
        await stage.held(1)
        stage.release.set()
        answers = await connection.answers()
        assert [answer.status for answer in answers] == [200] * (1 + AHEAD)
        assert stage.ended("pipeline") == 1


async def test_a_connection_that_is_closed_half_way_ends() -> None:
    async with _stage() as stage:
        for data in (b"", b"GET /hel", _HOLD, request("POST", "/read", {"Content-Length": "9"})):
            async with wire(stage.port) as connection:
                connection.send(data)
                connection.end()
                await connection.answers()
                await _until(lambda: stage.open == 0)


async def test_a_flood_is_logged_by_a_line_now_and_then() -> None:
    with capture_logs() as lines:
        async with _stage(most=3) as stage:
            for _ in range(30):
                async with stage.many(3, _GET) as some:
                    assert await some[-1].answer() is not None
            for _ in range(20):
                async with wire(stage.port) as connection:
                    connection.send(b"\x00 nonsense\r\n\r\n")
                    assert await connection.answer() is not None
            assert stage.ended("malformed") == 20
    told = [line for line in lines if line["event"] == "connections refused or cut off"]
    assert {line["reason"] for line in told} >= {"malformed"}
    assert all(line["client"] == "127.0.0.1" for line in told)
    assert len(told) <= 4


def test_uvicorn_has_the_private_parts_that_are_used() -> None:
    """Where this fails after an upgrade, http/protocol.py must be held against the new uvicorn."""
    for kind, names in PRIVATE.items():
        source = _names_in(kind)
        missing = [name for name in names if name not in source]
        assert missing == [], f"uvicorn's {kind.__name__} has no {missing} any more"
    missing = [name for name in OVERRIDDEN if not callable(getattr(HttpToolsProtocol, name, None))]
    assert missing == [], f"uvicorn's HttpToolsProtocol has no method {missing} any more"
    called = {name for method in vars(HttpToolsProtocol).values() for name in _calls(method)}
    ours = {"send_400_response", "_start_asgi_task", "_unsupported_upgrade_warning"}
    assert ours <= called, f"uvicorn does not call {ours - called} any more"
    assert "on_response" in _names_in(RequestResponseCycle)


def _names_in(kind: type) -> set[str]:
    """The attributes that the methods of a class read or set."""
    return {name for method in vars(kind).values() for name in _calls(method)}


def _calls(method: object) -> tuple[str, ...]:
    code = getattr(method, "__code__", None)
    return code.co_names if code is not None else ()
