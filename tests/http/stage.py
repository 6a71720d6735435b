"""A server that gives its callers little time and little room."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from estafette.http.connections import ConnectionLimits, ConnectionMetrics, Connections
from estafette.http.fallback import Words
from estafette.http.server import HttpServer, open_sockets, serving
from tests.wire import Wire, request, wire

SOON = 0.4
"""What is called a long time here, in seconds."""

STILL = SOON / 4
"""A process that stood still for so many seconds has not been timed."""

LONGEST = 60
"""How long anything is waited for, in seconds."""

MANY_BYTES = 30_000_000
"""How much `/large` says: more than any system takes of a connection that is not read."""

_WHAT_A_SYSTEM_TAKES = 1_500_000
"""What Linux takes of a connection if it is let, though nobody reads it."""

GET = request("GET", "/hello", {})
HOLD = request("GET", "/hold", {})


def _words(_host: str, path: str, status: int) -> Words:
    return Words("application/json", json.dumps({"path": path, "status": status}).encode())


@dataclass
class Stage:
    """A server at work, what its metrics tell of connections, and what `/hold` waits for."""

    listening: socket.socket
    registry: CollectorRegistry
    release: asyncio.Event
    holding: asyncio.Semaphore

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listening.getsockname()[1]

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
        async with asyncio.timeout(LONGEST):
            for _ in range(count):
                await self.holding.acquire()


@asynccontextmanager
async def staged(
    limits: ConnectionLimits | None = None, *, is_proxy: bool = False
) -> AsyncGenerator[Stage]:
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
        return PlainTextResponse("x" * MANY_BYTES)

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
        limits or ConnectionLimits(),
        is_proxy=lambda _: is_proxy,
        metrics=ConnectionMetrics(registry),
    )
    (listening,) = open_sockets("127.0.0.1", 0)
    async with serving(HttpServer(Router(routes), _words, [listening], connections)):
        yield Stage(listening, registry, release, holding)
        release.set()
