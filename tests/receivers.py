"""Receivers of webhooks for the tests: real sockets, raw HTTP, and manners from good to hostile.

    async with Receiver() as receiver:                    # answers 200 and records
        ...
        await receiver.wait_for(3)                        # three requests have arrived whole
        receiver.requests[0].body

    async with Receiver(endless_body()) as receiver: ...  # the same, with other manners

A behaviour is called for every request that has arrived whole. It writes what it likes and returns
whether the connection may carry another request; if not, the connection is closed.
"""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

# Longer than anything here takes: only a test that fails waits so long.
_WAIT_SECONDS: Final = 60


@dataclass(frozen=True)
class ReceivedRequest:
    """One request, as it arrived.

    `headers` has lower-case names; `connection` counts the receiver's connections from 1, `place`
    the requests of that connection from 1.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    connection: int
    place: int


class Connection:
    """What a behaviour does its worst with."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write `data`; `ConnectionError` once the sender has hung up."""
        self.writer.write(data)
        await self.writer.drain()

    async def idle(self, seconds: float | None = None) -> None:
        """Do nothing for some seconds, or for ever; `ConnectionError` once the sender hangs up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
                raise ConnectionResetError("the sender has hung up")

    def reset(self) -> None:
        """End the connection by RST: what has been sent may be lost, and nothing is said."""
        peer: socket.socket = self.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[ReceivedRequest, Connection], Awaitable[bool]]


class Receiver:
    """An HTTP server on a free port of `host` that behaves as told, and records.

    Attributes:
        behaviour: may be exchanged at any time; the next request meets the new one.
        requests: all that arrived whole, in order.
        connections: how many connections have been accepted.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.behaviour = behaviour or answer()
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self._host = host
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self._host, 0, ssl=self._tls, limit=1 << 20, backlog=1024
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The URL of `/hook` here."""
        return self.url_for(f"[{self._host}]" if ":" in self._host else self._host)

    def url_for(self, host: str) -> str:
        """The URL of `/hook` on this port of another host."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/hook"

    @property
    def open_connections(self) -> int:
        """How many connections are neither finished here nor hung up by the sender."""
        return len(self._tasks)

    async def wait_for(self, count: int, *, seconds: float = _WAIT_SECONDS) -> None:
        """Wait until `count` requests have arrived; `TimeoutError` after `seconds`."""
        await self.wait_until(lambda: len(self.requests) >= count, seconds=seconds)

    async def wait_until(
        self, condition: Callable[[], bool], *, seconds: float = _WAIT_SECONDS
    ) -> None:
        """Wait until `condition` holds; it is asked after every request and every hang-up."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the sender hung up, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            await self._announce()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, place = self.connections, 0
        connection = Connection(reader, writer)
        more = True
        while more:
            place += 1
            request = await _read_request(reader, number, place)
            self.requests.append(request)
            await self._announce()
            more = await self.behaviour(request, connection)

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _read_request(
    reader: asyncio.StreamReader, connection: int, place: int
) -> ReceivedRequest:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return ReceivedRequest(method, target, headers, body, connection, place)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode("latin-1")


# Good manners.


def answer(
    status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"ok"
) -> Behaviour:
    """Answer at once and keep the connection, as `answer(429, {"Retry-After": "60"})`."""
    whole = _head(status, {**(headers or {}), "Content-Length": str(len(body))}) + body

    async def behave(_: ReceivedRequest, connection: Connection) -> bool:
        await connection.send(whole)
        return True

    return behave


def redirect(location: str, status: int = 307) -> Behaviour:
    """Send the sender elsewhere."""
    return answer(status, {"Location": location}, b"")


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave differently request by request, and like the last one from there on."""
    left = list(behaviours)

    async def behave(request: ReceivedRequest, connection: Connection) -> bool:
        now = left.pop(0) if len(left) > 1 else left[0]
        return await now(request, connection)

    return behave


def after(event: asyncio.Event, behaviour: Behaviour) -> Behaviour:
    """Behave only once `event` is set."""

    async def behave(request: ReceivedRequest, connection: Connection) -> bool:
        await event.wait()
        return await behaviour(request, connection)

    return behave


# Bad manners. None ends by itself: the sender has to hang up.


def raw(data: bytes, *, then_close: bool = True) -> Behaviour:
    """Send these very bytes, then close the connection or fall silent."""

    async def behave(_: ReceivedRequest, connection: Connection) -> bool:
        await connection.send(data)
        if not then_close:
            await connection.idle()
        return False

    return behave


def silent() -> Behaviour:
    """Read the request and never say anything."""
    return raw(b"", then_close=False)


def _trickle(start: bytes, portion: bytes, seconds: float) -> Behaviour:
    async def behave(_: ReceivedRequest, connection: Connection) -> bool:
        await connection.send(start)
        while True:
            await connection.send(portion)
            await connection.idle(seconds)

    return behave


def _flood(start: bytes, portion: bytes) -> Behaviour:
    portion *= 1 + 32_768 // len(portion)

    async def behave(_: ReceivedRequest, connection: Connection) -> bool:
        await connection.send(start)
        while True:
            await connection.send(portion)
            # A drain that need not wait does not yield either, and nobody else would run.
            await asyncio.sleep(0)

    return behave


def slow_headers(seconds: float = 1.0) -> Behaviour:
    """Begin an answer, and send a header line every so many seconds, without end."""
    return _trickle(b"HTTP/1.1 200 OK\r\n", b"X-Slow: yes\r\n", seconds)


def byte_a_second(seconds: float = 1.0) -> Behaviour:
    """Answer 200 with a long body, and send one byte of it every so many seconds."""
    return _trickle(_head(200, {"Content-Length": "100000"}), b"a", seconds)


def endless_body() -> Behaviour:
    """Answer 200 with a body that does not end, as fast as it is taken."""
    return _flood(_head(200, {"Connection": "close"}), b"a" * 1024)


def endless_headers() -> Behaviour:
    """Send header lines without end, as fast as they are taken."""
    return _flood(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n")


def endless_header_line() -> Behaviour:
    """Send one header line without end, as fast as it is taken."""
    return _flood(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 1024)


def endless_interim_answers() -> Behaviour:
    """Send `100 Continue` without end, as fast as it is taken."""
    return _flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n")


def endless_chunk_extension() -> Behaviour:
    """Answer 200 and send an extension of the first chunk without end: framing, no body at all."""
    return _flood(_head(200, {"Transfer-Encoding": "chunked"}) + b"1;x=", b"a" * 1024)


def gzip_bomb() -> Behaviour:
    """Answer 200 with 65 KB of gzip that hold 64 MiB."""
    return answer(200, {"Content-Encoding": "gzip"}, _bomb())


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(64 << 20), compresslevel=9)


def reset_after_reading() -> Behaviour:
    """Read the request and reset the connection without a word."""

    async def behave(_: ReceivedRequest, connection: Connection) -> bool:
        connection.reset()
        return False

    return behave


def close_after_reading() -> Behaviour:
    """Read the request and close the connection without a word."""
    return raw(b"")
