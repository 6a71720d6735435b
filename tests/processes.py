"""Servers and workers as processes of their own: to be killed, and to be overheard."""

import itertools
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import aiohttp

from estafette import app
from estafette.store.pool import open_pool
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections
from estafette.usecases.platform import Platform, Signals
from tests.patience import WAITS
from tests.secret_key import CIPHER_KEY
from tests.serving import Server, seed_market

_PORTS = range(20_000, 30_000)  # below those that the kernel gives out by itself
_SHARES = 16
"""Among so many workers of pytest the ports are divided."""

_START_SECONDS = 120
_STOP_SECONDS = 60


def _own_ports() -> Iterator[int]:
    """This worker's ports in turn, from anyone on: other runs may have the same."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = _PORTS[number % _SHARES :: _SHARES]
    first = random.randrange(len(own))
    return itertools.cycle([*own[first:], *own[:first]])


_own = _own_ports()


def free_port() -> int:
    """A port that nobody listens on, and that no other test is given, now or while this one lasts.

    Whoever asks for it may begin to listen much later, and stop for a while.
    """
    for port in _own:
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a cycle ends")


def environment_of(dsn: str, folder: Path, **settings: str) -> dict[str, str]:
    """What a process of Estafette is started with, over a database; `settings` by their names."""
    given = {
        "data_dir": str(folder),
        "secret_key": CIPHER_KEY,
        "log_format": "json",
        **settings,
    }
    kept = {name: value for name, value in os.environ.items() if "ESTAFETTE" not in name}
    ours = {f"ESTAFETTE_{name.upper()}": value for name, value in given.items()}
    return {**kept, **ours, "DATABASE_URL": dsn}


class Process:
    """`estafette serve` or `estafette worker` over a database, which ends and starts again."""

    files: int | None = None
    """How many files and sockets it may have open, once it has started; None: as many as we."""

    def __init__(self, name: str, dsn: str, folder: Path, **settings: str) -> None:
        """Nothing starts yet. The log goes to `folder`; `settings` are by their names there."""
        self._environment = environment_of(dsn, folder, **settings)
        self._name = name
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._starts_before = 0
        self.log = folder / f"{name}-{os.urandom(4).hex()}.log"
        """What it wrote, over all its lives."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it, unless it was started; returns at once.

        What it needs while it starts must stay: a process that finds no database ends.
        """
        if self._process is not None:
            return
        self._starts_before = self._starts_told()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "estafette", self._name],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if self.files is not None:  # before it has read a line of ours
            self.limit_files(self.files, for_good=True)

    def come_up(self) -> None:
        """Starts it, unless it was started; returns when it has found its database and works."""
        self.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_up():
            assert self.is_alive, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def _is_up(self) -> bool:
        return self._starts_told() > self._starts_before

    def _starts_told(self) -> int:
        return self.log.read_text().count('"event":"started"') if self.log.exists() else 0

    def limit_files(self, count: int, *, for_good: bool = False) -> None:
        """Bounds how many files and sockets it may have open."""
        assert self._process is not None
        hard = resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE)[1]
        limits = (count, count if for_good else hard)
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, limits)

    def kill(self) -> None:
        """Ends it as a crash of the machine would: at once, with nothing finished."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Lets it do nothing, as a machine without a processor to spare would, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


class ServerProcess(Process):
    """`estafette serve`, at an address that stays."""

    def __init__(self, dsn: str, folder: Path, **settings: str) -> None:
        """Nothing starts yet, as for any process."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "public_url": self.url,
            "log_level": "debug",
            "database_pool_size": "6",
            # all callers of the tests have one address
            "address_failures_per_second": "100000",
            "address_requests_per_second": "100000",
        }
        super().__init__("serve", dsn, folder, port=str(self.port), **{**given, **settings})

    def _is_up(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def server_process(dsn: str, folder: Path, **settings: str) -> Generator[ServerProcess]:
    """A server that has started, and is stopped in the end."""
    with starting(ServerProcess(dsn, folder, **settings)) as process:
        yield process


@contextmanager
def starting(process: ServerProcess) -> Generator[ServerProcess]:
    """The server, started until the end of the block."""
    try:
        process.come_up()
        yield process
    finally:
        process.stop()


@asynccontextmanager
async def platform_over(dsn: str) -> AsyncGenerator[Platform]:
    """What the processes' accounts are made with: the same database and secrets."""
    pool = await open_pool(dsn, size=4)
    catalog = Catalog(pool)
    platform = Platform(
        pool=pool,
        connections=DatabaseConnections(pool, waits=WAITS),
        key_uses=KeyUses(pool),
        signal=Signals(pool).send,
        dialects=app.DIALECTS,
        catalog=catalog,
        cipher=Cipher(CIPHER_KEY),
        public_url="http://delivery.example",
        sandbox_step=timedelta(0),
        couriers=app.connectors(catalog),
    )
    try:
        await seed_market(platform)
        yield platform
    finally:
        await pool.close()


@asynccontextmanager
async def calling(dsn: str, *processes: ServerProcess) -> AsyncGenerator[list[Server]]:
    """The processes as servers to be called."""
    connector = aiohttp.TCPConnector(limit=200)
    skipped = ("Content-Type", "User-Agent")
    async with (
        platform_over(dsn) as platform,
        aiohttp.ClientSession(skip_auto_headers=skipped, connector=connector) as session,
    ):
        yield [Server(platform, process.port, session) for process in processes]


def lines_of(log: Path) -> Iterator[str]:
    """The lines of a log."""
    yield from log.read_text("utf-8", errors="replace").splitlines()
