"""What a caller may not do to a server: be silent, be slow, leave unread, go on, and stay."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.connections import ConnectionLimits
from estafette.http.protocol import AHEAD, OVERRIDDEN, PRIVATE
from tests.http.stage import GET, HOLD, LONGEST, MANY_BYTES, SOON, STILL, staged
from tests.patience import timed, until
from tests.serving import Answer
from tests.wire import Wire, request, wire


async def _drip(connection: Wire, data: bytes) -> None:
    """Sends byte after byte, in good time, until the server hangs up."""
    with suppress(ConnectionError):
        for number in range(10_000):
            connection.send(data[number % len(data) :][:1])
            await asyncio.sleep(SOON / 10)


@asynccontextmanager
async def _dripping(connection: Wire, data: bytes) -> AsyncGenerator[None]:
    task = asyncio.create_task(_drip(connection, data))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@timed(STILL)
async def test_a_head_that_is_fed_byte_by_byte_is_cut_off_in_the_owners_words() -> None:
    async with staged(ConnectionLimits(head=SOON)) as stage, wire(stage.port) as connection:
        connection.send(b"GET /hello HTTP/1.1\r\nX: ")
        async with _dripping(connection, b"x"):
            answer = await connection.answer()
        assert answer is not None
        assert (answer.status, answer.told) == (408, {"path": "/hello", "status": 408})
        assert answer.headers["connection"] == "close"
        assert stage.ended("head") == 1


@pytest.mark.parametrize("said", [b"", b"\r\n"])
@timed(STILL)
async def test_a_connection_that_asks_for_nothing_is_closed(said: bytes) -> None:
    async with staged(ConnectionLimits(head=SOON)) as stage, wire(stage.port) as connection:
        async with _dripping(connection, said) if said else AsyncExitStack():
            assert await connection.answer() is None
        assert stage.ended("head") == 1


@timed(STILL)
async def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async with staged(ConnectionLimits(head=SOON)) as stage, wire(stage.port) as connection:
        connection.send(GET)
        assert await connection.answer() is not None
        async with _dripping(connection, b"GET /hello?"):
            answer = await connection.answer()
        assert answer is not None
        assert answer.status == 408


@pytest.mark.parametrize("said", [b"", b"\r\n"])
@timed(STILL)
async def test_an_idle_connection_is_closed_whatever_is_said_between_requests(said: bytes) -> None:
    async with staged(ConnectionLimits(idle=SOON)) as stage, wire(stage.port) as connection:
        connection.send(GET)
        assert await connection.answer() is not None
        async with _dripping(connection, said) if said else AsyncExitStack():
            assert await connection.answer() is None
        assert stage.ended("idle") == 1


@pytest.mark.parametrize("path", ["/read", "/ignore"])
@timed(STILL)
async def test_a_body_that_is_fed_byte_by_byte_is_cut_off(path: str) -> None:
    async with (
        staged(ConnectionLimits(body=SOON, farewell=SOON)) as stage,
        wire(stage.port) as connection,
    ):
        connection.send(request("POST", path, {"Content-Length": "100000"}))
        async with _dripping(connection, b"x"):
            answers = await connection.answers()
        told = 408 if path == "/read" else 200  # it has been answered already
        assert [answer.status for answer in answers] == [told]
        assert stage.ended("body") == 1


@timed(STILL)
async def test_who_does_not_read_an_answer_loses_it() -> None:
    for path in ("/large", "/endless"):
        # the time of an idle connection is long enough for the request to be read
        async with staged(ConnectionLimits(sending=SOON, idle=5)) as stage:
            with socket.create_connection(("127.0.0.1", stage.port)) as reader:
                reader.sendall(request("GET", path, {}, last=path == "/large"))
                await until(lambda: stage.ended("reading") == 1)
                await until(lambda: stage.open == 0)


async def test_the_system_ends_what_is_not_read_later_than_the_server_which_counts_it() -> None:
    limits = ConnectionLimits(sending=30)
    async with staged(limits) as stage:
        milliseconds = stage.listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    looks = 2  # the server sees what is unread, and that it still is, each up to a second later
    assert milliseconds / 1000 > limits.sending + looks


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
    with suppress(ConnectionResetError):
        async with asyncio.timeout(LONGEST):
            while part := await loop.sock_recv(reader, 65_536):
                size += len(part)
        return False
    return size < 200_000


@timed(STILL)
async def test_what_the_system_keeps_unread_counts_as_unread() -> None:
    async with staged(ConnectionLimits(sending=SOON)) as stage:
        with _silent_reader(stage.port, request("GET", "/much", {})) as reader:
            await until(lambda: stage.ended("reading") == 1)
            await until(lambda: stage.open == 0)
            assert await _is_reset(reader)


async def test_a_connection_that_makes_room_leaves_nothing_with_the_system() -> None:
    async with staged(ConnectionLimits(each=2)) as stage:
        # a little less than is handed on at once, so that the answer is done with for the server
        with _silent_reader(stage.port, request("GET", "/some", {})) as first:
            await until(lambda: stage.open == 1)
            async with stage.many(2, GET) as others:
                for each in others:
                    assert await each.answer()
                await until(lambda: stage.ended("evicted") >= 1)
            assert await _is_reset(first)


async def test_what_one_address_leaves_unread_is_bounded_together() -> None:
    async with staged() as stage, AsyncExitStack() as stack:
        for _ in range(4):
            stack.enter_context(_silent_reader(stage.port, request("GET", "/large", {})))
        await until(lambda: stage.ended("unread") == 2)
        await until(lambda: stage.open == 2)
    async with staged(is_proxy=True) as stage, AsyncExitStack() as stack:
        for _ in range(4):
            stack.enter_context(_silent_reader(stage.port, request("GET", "/large", {})))
        async with wire(stage.port) as other:
            await until(lambda: stage.open == 5)
            other.send(GET)
            assert await other.answer()
        assert stage.ended("unread") == 0


@timed(STILL)
async def test_who_goes_on_after_refusals_is_answered_late_and_in_the_end_cut_off() -> None:
    async with staged(ConnectionLimits(refusal=SOON / 4)) as stage:
        began = time.monotonic()
        answers: list[Answer] = []
        async with wire(stage.port) as connection:
            for _ in range(20):
                connection.send(request("GET", "/enough", {}))
                if (answer := await connection.answer()) is None:
                    break
                answers.append(answer)
        assert [answer.status for answer in answers] == [429] * 10
        assert time.monotonic() - began >= 7 * SOON / 4
        assert [answer.headers.get("connection") for answer in answers] == [*[None] * 9, "close"]


async def test_refusals_between_other_answers_cost_nothing() -> None:
    async with staged(ConnectionLimits(refusal=LONGEST)) as stage, wire(stage.port) as connection:
        for _ in range(10):
            for path, status in (("/enough", 429), ("/enough", 429), ("/hello", 200)):
                connection.send(request("GET", path, {}))
                answer = await connection.answer()
                assert answer is not None
                assert answer.status == status


async def test_a_trusted_proxy_is_not_held_liable_for_the_refusals_of_its_callers() -> None:
    async with (
        staged(ConnectionLimits(refusal=LONGEST), is_proxy=True) as stage,
        wire(stage.port) as connection,
    ):
        for _ in range(20):
            connection.send(request("GET", "/enough", {}))
            assert await connection.answer()


@timed(STILL)
async def test_who_reads_slowly_and_steadily_gets_the_whole_answer() -> None:
    async with staged(ConnectionLimits(sending=SOON)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(request("GET", "/large", {}, last=True))
        size, began = 0, time.monotonic()
        while part := await reader.read(2_000_000):
            size += len(part)
            if time.monotonic() - began < 4 * SOON:
                await asyncio.sleep(SOON / 5)
        assert size > MANY_BYTES
        writer.close()
        assert stage.ended("reading") == 0


async def test_requests_are_taken_ahead_of_their_answers_up_to_a_bound() -> None:
    async with staged() as stage, wire(stage.port) as connection:
        connection.send(HOLD + GET * 1000)
        await stage.held(1)
        stage.release.set()
        answers = await connection.answers()
        assert [answer.status for answer in answers] == [200] * (1 + AHEAD)
        assert stage.ended("pipeline") == 1


async def test_a_connection_that_is_closed_half_way_ends() -> None:
    async with staged() as stage:
        for data in (b"", b"GET /hel", HOLD, request("POST", "/read", {"Content-Length": "9"})):
            async with wire(stage.port) as connection:
                connection.send(data)
                connection.end()
                await connection.answers()
                await until(lambda: stage.open == 0)


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
