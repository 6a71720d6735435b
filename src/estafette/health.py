"""Whether the server lives, whether it can serve, and what it has measured."""

import asyncio
import os

import asyncpg
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from estafette.usecases.platform import Platform
from estafette.usecases.ready import is_ready

_PATIENCE_SECONDS = 2.0


def routes(platform: Platform) -> list[Route]:
    """`/healthz` (the process answers), `/readyz` (the database too), `/metrics` (Prometheus)."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                ready = await is_ready(platform)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return JSONResponse({"status": "database unreachable"}, 503)
        return JSONResponse(
            {"status": "ok" if ready else "migrations pending"}, 200 if ready else 503
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _registry() -> CollectorRegistry:
    """What this process has measured; all processes of `up`, where they share a folder for it."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # pyright: ignore[reportUnknownMemberType] - it is not typed
    return registry
