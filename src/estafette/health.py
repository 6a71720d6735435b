"""Whether the server lives, whether it can serve, and what it has measured."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from estafette.http.trace import trace_of
from estafette.store.pool import DATABASE_TROUBLE
from estafette.usecases.platform import Platform
from estafette.usecases.ready import is_ready

_PATIENCE_SECONDS = 2.0

Answer = Callable[[Request], Awaitable[Response]]


def routes(platform: Platform) -> list[Route]:
    """`/healthz` (the process answers), `/readyz` (the database too), `/metrics` (Prometheus)."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                ready = await is_ready(platform)
        except DATABASE_TROUBLE:
            return JSONResponse({"status": "database unreachable"}, 503)
        return JSONResponse(
            {"status": "ok" if ready else "migrations pending"}, 200 if ready else 503
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    answers = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    return [Route(path, _traced(path, answer)) for path, answer in answers.items()]


def _traced(path: str, answer: Answer) -> Answer:
    async def traced(request: Request) -> Response:
        trace = trace_of(request.scope)
        trace.route, trace.is_probe = path, True
        return await answer(request)

    return traced


def _registry() -> CollectorRegistry:
    """What this process has measured; all processes of `up`, where they share a folder for it."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # pyright: ignore[reportUnknownMemberType] - it is not typed
    return registry
