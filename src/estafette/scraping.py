"""`/metrics`: what was measured, for whoever may know it, as Prometheus reads it."""

import asyncio
import hmac
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estafette.http.connections import ConnectionLimits, Connections
from estafette.http.fallback import plain
from estafette.http.limiter import limits_of
from estafette.http.plain import application
from estafette.http.reply import guarded
from estafette.http.request import header_values
from estafette.http.server import HttpServer, open_sockets, serving

PATH = "/metrics"

_FRESH_SECONDS = 1.0
"""How old an answer may be: it is computed once in so many seconds, however many ask."""

_SCHEME = b"bearer "
_SCRAPERS = ConnectionLimits(most=32, each=16, idle=150.0)


class Measurements:
    """The text of everything that was measured, made off the event loop's thread."""

    def __init__(
        self,
        make: Callable[[], bytes] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make` writes the text; by default that of this process, or of all of `up`."""
        self._make = make or _text
        self._clock = clock
        self._lock = asyncio.Lock()
        self._made: bytes | None = None
        self._made_at = 0.0

    async def text(self) -> bytes:
        """The text, at most a second old; who comes while it is made waits for it."""
        async with self._lock:
            now = self._clock()
            if self._made is None or now - self._made_at >= _FRESH_SECONDS:
                self._made = await asyncio.to_thread(self._make)
                self._made_at = now
            return self._made


def _text() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # pyright: ignore[reportUnknownMemberType] - it is not typed
    return generate_latest(registry)


class Scraping:
    """Answers `/metrics` to whoever shows the token."""

    def __init__(
        self, measurements: Measurements, token: str | None, *, is_private: bool = False
    ) -> None:
        """Without a `token` everybody is answered where the port `is_private`, else nobody."""
        self._measurements = measurements
        self._token = token
        self._is_private = is_private

    async def answer(self, request: Request) -> Response:
        """The measurements. Raises HTTPException, or RateLimited after many wrong tokens."""
        if self._token is None:
            if not self._is_private:
                raise HTTPException(404)
        elif not _shows(request, self._token):
            limits_of(request.scope).fail(request.scope)
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        headers = {"Cache-Control": "no-store"}
        text = await self._measurements.text()
        return Response(text, media_type=CONTENT_TYPE_LATEST, headers=headers)


def _shows(request: Request, token: str) -> bool:
    shown = header_values(request.scope, b"authorization")
    if len(shown) != 1 or not shown[0].lower().startswith(_SCHEME):
        return False
    return hmac.compare_digest(shown[0][len(_SCHEME) :].strip(), token.encode())


@asynccontextmanager
async def scraped(host: str, port: int | None, token: str | None) -> AsyncGenerator[None]:
    """Serves `/metrics` on a port of its own until the block ends; None: it does not.

    Raises CannotListenError when the port is taken.
    """
    if port is None:
        yield
        return
    scraping = Scraping(Measurements(), token, is_private=True)
    app = application([Route(PATH, scraping.answer)])
    server = HttpServer(_guarding(app), plain, open_sockets(host, port), Connections(_SCRAPERS))
    async with serving(server):
        yield


def _guarding(app: ASGIApp) -> ASGIApp:
    """An application whose answers have the headers of all others; see `http.reply.guarded`."""

    async def guarding(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = guarded(message.get("headers", ()))
            await send(message)

        await app(scope, receive, send_guarded)

    return guarding
