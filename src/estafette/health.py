"""Whether the server lives, whether it can serve, and what it measured for who may know it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from estafette.http.limiter import limits_of
from estafette.http.trace import trace_of
from estafette.scraping import PATH, Measurements, Scraping
from estafette.store.pool import DATABASE_TROUBLE
from estafette.usecases.platform import Platform
from estafette.usecases.ready import is_ready

_PATIENCE_SECONDS = 2.0
_FRESH_SECONDS = 0.25
"""How old an answer of the database may be: anybody may ask, and as often as it pleases."""

Answer = Callable[[Request], Awaitable[Response]]


def routes(platform: Platform, metrics_token: str | None = None) -> list[Route]:
    """`/healthz` (the process answers), `/readyz` (the database too), `/metrics` (Prometheus).

    The last one answers who shows `metrics_token`; without one, nobody.
    """
    readiness = _Readiness(platform)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        status = await readiness.status()
        return JSONResponse({"status": status}, 200 if status == "ok" else 503)

    metrics = Scraping(Measurements(), metrics_token).answer
    answers = {"/healthz": healthz, "/readyz": readyz, PATH: metrics}
    return [Route(path, _traced(path, answer)) for path, answer in answers.items()]


def _traced(path: str, answer: Answer) -> Answer:
    async def traced(request: Request) -> Response:
        trace = trace_of(request.scope)
        trace.route, trace.is_routine = path, True
        if path != PATH:
            limits_of(request.scope).probe(request.scope)
        return await answer(request)

    return traced


class _Readiness:
    """Whether the database answers, asked for together by all who want to know."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lock = asyncio.Lock()
        self._known = ""
        self._known_at = -_FRESH_SECONDS

    async def status(self) -> str:
        """`ok`, or in words what is not."""
        async with self._lock:
            if time.monotonic() - self._known_at >= _FRESH_SECONDS:
                self._known = await self._ask()
                self._known_at = time.monotonic()
            return self._known

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return "ok" if await is_ready(self._platform) else "migrations pending"
        except DATABASE_TROUBLE:
            return "database unreachable"
