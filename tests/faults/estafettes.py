"""Whole Estafettes for the tests, each with a database, a server and a worker of its own.

Their processes are killed and started again; the address stays the same. A `Wire` stands between
two of them, and breaks where it is told to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from estafette.usecases.accounts.secrets import new_cipher_key
from tests.processes import Process, ServerProcess


class Estafette:
    """A server and a worker over a database, at an address that stays."""

    def __init__(self, name: str, dsn: str, folder: Path, **settings: str) -> None:
        """Nothing runs yet; `settings` are by their names there."""
        self.dsn = dsn
        own = folder / name
        own.mkdir()
        given = {
            "log_level": "info",
            "database_pool_size": "4",
            "webhook_allowed_networks": "127.0.0.0/8",
            "webhook_lease_seconds": "10",
            "remote_lease_seconds": "3",
            "remote_rest_seconds": "0.3",
            "secret_key": (key := new_cipher_key()),
            **settings,
        }
        self.secret_key = key
        self.server = ServerProcess(dsn, own, **given)
        self.url = self.server.url
        self.worker = Process("worker", dsn, own, public_url=self.url, **given)

    @property
    def processes(self) -> tuple[Process, Process]:
        """Both."""
        return self.server, self.worker

    def start(self) -> None:
        """Starts both, unless they run; returns when the server answers and the worker works."""
        self.worker.start()
        self.server.come_up()
        self.worker.come_up()

    def stop(self) -> None:
        """Ends both in order."""
        for process in self.processes:
            process.stop()

    def logs(self) -> str:
        """The end of what both wrote."""
        return "\n".join(process.log.read_text("utf-8")[-6_000:] for process in self.processes)


@dataclass
class Caller:
    """A merchant of an Estafette, with its key."""

    of: Estafette
    key: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """The status and the value of the answer. Raises what aiohttp raises."""
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        timeout = aiohttp.ClientTimeout(total=60)
        async with self.session.request(
            method, f"{self.of.url}{path}", json=body, headers=sent, timeout=timeout
        ) as response:
            return response.status, await response.json(content_type=None)

    async def insist(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The same, repeated until there is an answer that is not the server's trouble."""
        while True:
            try:
                status, told = await self.call(method, path, body, **headers)
            except (aiohttp.ClientError, TimeoutError):
                status, told = 599, None
            if status < 500:
                return status, told
            await asyncio.sleep(0.1)  # as callers do, so as not to make it worse

    async def get(self, id: str) -> dict[str, Any]:
        """A delivery."""
        _, told = await self.insist("GET", f"/v1/deliveries/{id}")
        return told["data"]

    async def statuses(self, id: str) -> list[str]:
        """What its timeline tells, oldest first."""
        _, told = await self.insist("GET", f"/v1/deliveries/{id}/events")
        return [event["payload"]["status"] for event in told["data"]]

    async def all(self) -> list[dict[str, Any]]:
        """Every delivery."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            query = f"sort=inserted_at_asc&limit=100&offset={len(found)}"
            _, told = await self.insist("GET", f"/v1/deliveries?{query}")
            found += told["data"]
            more = told["pagination"]["has_more"]
        return found


Break = Callable[[web.Request], Awaitable[bool]]
"""Called when a request was carried out; True: its answer is lost."""


async def _whole(_request: web.Request) -> bool:
    return False


@dataclass
class Wire:
    """Stands in front of an Estafette and passes on what it is asked, as long as it is whole.

    `breaks` decides after each request whether its answer is lost. With `forgets_keys` the platform
    behind it does not know idempotency keys. `paths` are the requests so far.
    """

    to: Estafette
    breaks: Break = _whole
    forgets_keys: bool = False
    paths: list[str] = field(default_factory=list[str])
    port: int = 0
    _session: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Passes everything on again as it is."""
        self.breaks, self.forgets_keys = _whole, False

    async def __aenter__(self) -> "Wire":
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        self.paths.append(f"{request.method} {request.path}")
        passed = ("authorization", "content-type", "idempotency-key")
        headers = {name: value for name, value in request.headers.items() if name.lower() in passed}
        if self.forgets_keys:
            headers.pop("Idempotency-Key", None)
        try:
            async with self._session.request(
                request.method,
                f"{self.to.url}{request.path_qs}",
                data=await request.read(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=10),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return _cut(request)
        if await self.breaks(request):
            return _cut(request)
        return web.Response(status=answer.status, body=body, content_type=answer.content_type)


def _cut(request: web.Request) -> web.StreamResponse:
    """Breaks the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def ours_of(theirs: Mapping[str, Any]) -> UUID:
    """The delivery for which one was created upstream."""
    return UUID(theirs["options"]["metadata"]["estafette_delivery_id"])
