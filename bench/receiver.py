"""A merchant's endpoint that costs next to nothing: notes each request, answers 200.

`python -m bench.receiver PORT` is the process; the rest is for whoever starts it and asks it.
`GET /state` tells what has arrived, `POST /reset` forgets it, `POST /keep?PATH` writes it down.
"""

import asyncio
import http.client
import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from bench.process import BenchError, plain_environment, running, tail

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_START_SECONDS = 15.0
_POLL_SECONDS = 0.1


class Arrived(NamedTuple):
    """What has arrived since the last reset.

    `events` counts the different events that were told; `seconds` is the time from the first
    request to the last.
    """

    requests: int
    events: int
    seconds: float


@dataclass(frozen=True)
class Receiver:
    """A running receiver, from outside."""

    port: int

    @property
    def url(self) -> str:
        """Where it receives."""
        return f"http://127.0.0.1:{self.port}/webhooks"

    async def state(self) -> Arrived:
        """What has arrived."""
        return Arrived(**json.loads(await asyncio.to_thread(self._ask, "GET", "/state")))

    async def reset(self) -> None:
        """Forgets what has arrived."""
        await asyncio.to_thread(self._ask, "POST", "/reset")

    async def keep(self, path: Path) -> None:
        """Writes each request that has arrived into a file: a JSON line of headers and body."""
        await asyncio.to_thread(self._ask, "POST", f"/keep?{path}")

    async def all_of(self, count: int, seconds: float) -> Arrived:
        """Waits for that many requests. Raises BenchError when they take too long."""
        deadline = time.monotonic() + seconds
        while (arrived := await self.state()).requests < count:
            if time.monotonic() > deadline:
                raise BenchError(f"{arrived.requests} of {count} webhooks came in {seconds:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
        return arrived

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


@asynccontextmanager
async def receiver(folder: Path) -> AsyncGenerator[Receiver]:
    """A receiver in a process of its own, until the block ends."""
    told, log = folder / "receiver.port", folder / "receiver.log"
    command = [sys.executable, "-m", "bench.receiver", str(told)]
    environment = plain_environment() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    async with running(command, environment, log):
        deadline = time.monotonic() + _START_SECONDS
        while not told.exists():
            if time.monotonic() > deadline:
                raise BenchError(f"the receiver did not start:\n{tail(log)}")
            await asyncio.sleep(0.02)
        yield Receiver(int(told.read_text()))


class _Notes:
    def __init__(self) -> None:
        self._requests: list[bytes] = []
        self._events: set[bytes] = set()
        self._first = self._last = 0.0

    def add(self, request: bytes) -> None:
        self._last = time.monotonic()
        if not self._requests:
            self._first = self._last
        self._requests.append(request)
        start = request.find(b'"eventId":"') + 11
        self._events.add(request[start : request.find(b'"', start)])

    def clear(self) -> None:
        self._requests.clear()
        self._events.clear()

    def state(self) -> bytes:
        arrived = Arrived(len(self._requests), len(self._events), self._last - self._first)
        return json.dumps(arrived._asdict()).encode()

    def write(self, path: Path) -> None:
        with path.open("w") as file:
            for request in self._requests:
                head, _, body = request.decode().partition("\r\n\r\n")
                pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
                headers = {
                    name: value
                    for name, value in pairs
                    if name.lower() in ("content-type", "user-agent") or name.startswith("X-")
                }
                file.write(json.dumps({"headers": headers, "body": body}) + "\n")


class _Protocol(asyncio.Protocol):
    def __init__(self, notes: _Notes) -> None:
        self._notes = notes
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := _end(self._buffer)) and end <= len(self._buffer):
            request, self._buffer = self._buffer[:end], self._buffer[end:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if self._transport is None:
            return
        if request.startswith(b"POST /webhooks"):
            self._notes.add(request)
            self._transport.write(_OK)
            return
        body = b""
        if request.startswith(b"GET /state"):
            body = self._notes.state()
        elif request.startswith(b"POST /reset"):
            self._notes.clear()
        elif request.startswith(b"POST /keep?"):
            self._notes.write(Path(request[11 : request.find(b" HTTP/")].decode()))
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def _end(buffer: bytes) -> int:
    """Where the first request in the buffer ends; 0 while its head is not complete."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    lower = buffer[:head].lower()
    start = lower.find(b"content-length:")
    length = int(lower[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
    return head + 4 + length


async def _receive(told: Path) -> None:
    notes = _Notes()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(notes), "127.0.0.1", 0, backlog=1024
    )
    unfinished = told.with_suffix(".new")
    unfinished.write_text(str(server.sockets[0].getsockname()[1]))
    unfinished.rename(told)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_receive(Path(sys.argv[1])))
