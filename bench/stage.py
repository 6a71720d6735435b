"""Where it is measured: a fresh PostgreSQL in a folder of its own, and Estafette's real processes.

The same commands that `estafette up` starts, started one by one, because the worker must be still
while creates are measured, and the server while webhooks are.
"""

import asyncio
import http.client
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from bench import load
from bench.orders import orders
from bench.pgbench import Script, script_like
from bench.process import BenchError, json_of, output_of, plain_environment, running, tail
from bench.receiver import Receiver, receiver
from estafette.app import public_id
from estafette.up.child import program
from estafette.up.postgres import EmbeddedPostgres, EmbeddedPostgresError
from estafette.usecases.accounts.secrets import new_cipher_key

if TYPE_CHECKING:
    from bench.shop import Shop

ACCOUNT = "bench"

METRICS_READER = {"Authorization": "Bearer the-bench-reads-metrics"}
"""What opens `/metrics` of the bench's servers."""

_RATE = 1_000_000
_FOLDER = "estafette-bench-"
_STALE_SECONDS = 60  # a bench that is just starting has not yet taken its folder
_READY_SECONDS = 60.0
_COMMAND_SECONDS = 60.0


@dataclass
class Stage:
    """What the measurements work with.

    `ids` are those of deliveries created over HTTP so far; `most_creates` is how many a second
    were created by as many connections as keep the server busy, once that has been measured.
    `shop` is the one that speaks Entrega, once it has been opened (`bench.shop`).
    """

    folder: Path
    dsn: str
    environment: dict[str, str]
    base_url: str
    api_key: str
    receiver: Receiver
    connection: "asyncpg.Connection[asyncpg.Record]"
    ids: list[str] = field(default_factory=list[str])
    most_creates: float | None = None
    shop: "Shop | None" = None
    _runs: int = 0
    _script: Script | None = None

    def new_run(self) -> int:
        """A number that no run of creates had before: whatever it creates is told apart by it."""
        self._runs += 1
        return self._runs

    async def under_load(self, task: load.Task) -> tuple[load.Seen, list[tuple[int, bytes]]]:
        """Does the task; returns what came of it and every answer, of which none was a refusal."""
        answers = self.folder / "answers"
        seen = await load.measured(replace(task, answers=str(answers)), self.folder)
        lines = [line.partition(b" ") for line in answers.read_bytes().splitlines()]
        answers.unlink()
        return seen.must_be_clean(), [(int(status), body) for status, _, body in lines]

    def creates(self, prefix: str, seed: int, seconds: float) -> load.Task:
        """Creates over as many connections as keep the server busy, for so many seconds."""
        address, port = load.host(self.base_url).split(":")
        return load.Task(
            host=address,
            port=int(port),
            head=load.head_of(self.base_url, f"x-api-key: {self.api_key}"),
            what="orders",
            paths=("/delivery/v1/deliveries",),
            seconds=seconds,
            prefix=prefix,
            seed=seed,
        )

    async def create_for(self, seconds: float) -> load.Seen:
        """Creates deliveries under load, and holds the database against the answers."""
        number = self.new_run()
        prefix = f"w{number}-"
        seen, answers = await self.under_load(self.creates(prefix, number, seconds))
        ids: list[str] = []
        for status, body in answers:
            if status != 201:
                raise BenchError(f"a create was answered with {status}: {body[:300]!r}")
            ids.append(json.loads(body)["deliveryId"])
        await self._all_must_be_kept(prefix, ids)
        self.ids.extend(ids)
        return seen

    async def _all_must_be_kept(self, prefix: str, ids: list[str]) -> None:
        """Every delivery that was acknowledged must be there, and no more than were asked for."""
        known = [public_id(id) for id in ids]
        if len(set(known)) != len(ids):
            raise BenchError("two creates were answered with the same delivery")
        kept = await self.connection.fetchval(
            "select count(*) from deliveries where id = any($1::uuid[])", known
        )
        if kept != len(ids):
            raise BenchError(f"of {len(ids)} acknowledged deliveries {kept} are in the database")
        created = await self.connection.fetchval(
            "select count(*) from deliveries where starts_with(external_ref, $1)", prefix
        )
        if created != kept:
            raise BenchError(f"{kept} deliveries were acknowledged and {created} created")

    async def script(self) -> Script:
        """What pgbench does to write as a create writes; made from a create, once."""
        if self._script is None:
            id = public_id(await self.create_one(self.base_url))
            if id is None:
                raise BenchError("a create was answered with an id that is none")
            self._script = await script_like(self.connection, id, f"o{self._runs}-{1:020d}")
        return self._script

    async def create_one(self, base_url: str) -> str:
        """Creates one delivery; returns its id."""
        number = self.new_run()
        ref, body = orders(f"o{number}-", seed=number)()
        headers = {"x-api-key": self.api_key, "Idempotency-Key": ref}
        status, answer = await asyncio.to_thread(
            request, base_url, "POST", "/delivery/v1/deliveries", headers, body
        )
        if status != 201:
            raise BenchError(f"a create was answered with {status}: {answer[:300]!r}")
        return json.loads(answer)["deliveryId"]

    async def get_one(self, id: str, base_url: str) -> None:
        """Gets one delivery, which must be the one asked for."""
        status, answer = await asyncio.to_thread(
            request, base_url, "GET", f"/delivery/v1/deliveries/{id}", {"x-api-key": self.api_key}
        )
        if status != 200 or id.encode() not in answer:
            raise BenchError(f"a GET was answered with {status}: {answer[:300]!r}")

    async def told(self, *arguments: str) -> dict[str, Any]:
        """Runs a command of Estafette; returns what it tells as JSON."""
        return await _told(self.environment, self.folder, *arguments)

    async def open_account(self, name: str, market: str) -> str:
        """Opens another account like the bench's own; returns its live secret key."""
        return await _open_account(self.environment, self.folder, self.receiver.url, name, market)

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[tuple[str, int]]:
        """A further server, as its address and process id, until the block ends."""
        async with _server(self.environment, self.folder) as started:
            yield started

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[int]:
        """A worker, as its process id, until the block ends."""
        command = program("worker")
        async with running(command, self.environment, self.folder / "worker.log") as pid:
            yield pid

    async def pending(self) -> int:
        """Messages in the outbox that are not sent, or not known to be."""
        return await self.connection.fetchval(
            "select count(*) from messages where state = 'pending'"
        )

    async def empty_outbox(self) -> None:
        """Forgets all messages and attempts, so that every round finds tables alike."""
        await self.connection.execute("truncate messages, attempts")


@asynccontextmanager
async def stage() -> AsyncGenerator[Stage]:
    """Sets everything up in a new temporary folder; ends and removes all of it."""
    await asyncio.to_thread(_sweep)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
    try:
        async with AsyncExitStack() as stack:
            postgres = EmbeddedPostgres(folder)
            stack.callback(postgres.stop)
            dsn = await asyncio.to_thread(postgres.start)
            yield await _set_up(stack, folder, dsn)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


async def _set_up(stack: AsyncExitStack, folder: Path, dsn: str) -> Stage:
    environment = {
        **plain_environment(),
        "DATABASE_URL": dsn,
        "ESTAFETTE_DATA_DIR": str(folder),
        "ESTAFETTE_SECRET_KEY": new_cipher_key(),
        "ESTAFETTE_HOST": "127.0.0.1",
        "ESTAFETTE_ADDRESS_REQUESTS_PER_SECOND": "100000",  # all load comes from one address
        "ESTAFETTE_METRICS_TOKEN": METRICS_READER["Authorization"].removeprefix("Bearer "),
        "ESTAFETTE_SANDBOX_STEP_SECONDS": "0",
        "ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    await output_of(_estafette("migrate"), environment, folder, _COMMAND_SECONDS)
    listening = await stack.enter_async_context(receiver(folder))
    api_key = await _open_account(environment, folder, listening.url)
    base_url, _ = await stack.enter_async_context(_server(environment, folder))
    connection = await asyncpg.connect(dsn, command_timeout=_COMMAND_SECONDS)
    stack.push_async_callback(connection.close)
    return Stage(folder, dsn, environment, base_url, api_key, listening, connection)


@asynccontextmanager
async def _server(environment: dict[str, str], folder: Path) -> AsyncGenerator[tuple[str, int]]:
    """A server that answers, as its address and process id."""
    port = _free_port()
    log = folder / f"server-{port}.log"
    command = program("serve")
    async with running(command, environment | {"ESTAFETTE_PORT": str(port)}, log) as pid:
        base_url = f"http://127.0.0.1:{port}"
        await _await_ready(base_url, log)
        yield base_url, pid


async def _open_account(
    environment: dict[str, str], folder: Path, url: str, name: str = ACCOUNT, market: str = "KZ"
) -> str:
    """Opens an account with practically no rate limit, and an endpoint for its live mode.

    Returns its live secret key.
    """
    rate = ("--rate", str(_RATE), "--burst", str(_RATE))
    opened = await _told(environment, folder, "accounts", "create", name, "--market", market, *rate)
    await _told(
        *(environment, folder, "webhooks", "set"),
        *("--account", name, "--mode", "live", "--url", url),
    )
    return next(
        key["key"] for key in opened["keys"] if key["mode"] == "live" and key["kind"] == "secret"
    )


async def _told(environment: dict[str, str], folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command of Estafette tells as JSON."""
    return await json_of(_estafette(*arguments, "--json"), environment, folder, _COMMAND_SECONDS)


def _estafette(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "estafette", *arguments]


async def _await_ready(base_url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            status, _ = await asyncio.to_thread(request, base_url, "GET", "/readyz")
            if status == 200:
                return
        await asyncio.sleep(0.05)
    raise BenchError(f"the server was not ready after {_READY_SECONDS:.0f} s:\n{tail(log)}")


def request(
    base_url: str,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Asks a server once, over a connection of its own; returns the status and the body."""
    given = dict(headers or {}) | ({"Content-Type": "application/json"} if body else {})
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, given)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _sweep() -> None:
    """Ends and removes what a bench that was killed left behind; a live one's folder refuses."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        if time.time() - folder.stat().st_mtime < _STALE_SECONDS or not os.access(folder, os.W_OK):
            continue
        leftover = EmbeddedPostgres(folder)
        with suppress(EmbeddedPostgresError):
            leftover.start()
            leftover.stop()
            shutil.rmtree(folder, ignore_errors=True)
