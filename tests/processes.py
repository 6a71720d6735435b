"""Servers as processes of their own, by `estafette serve`: to be killed, and to be overheard."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import aiohttp

from estafette import app
from estafette.store.pool import open_pool
from estafette.usecases.catalog import Catalog
from estafette.usecases.platform import Platform
from estafette.usecases.secrets import Cipher, new_cipher_key
from tests.serving import Server, seed_market

_CIPHER_KEY = new_cipher_key()
_START_SECONDS = 60
_STOP_SECONDS = 30


class ServerProcess:
    """`estafette serve` over a database, on a free port."""

    def __init__(self, dsn: str, folder: Path, **settings: str) -> None:
        """Nothing starts yet. The log goes to `folder`; `settings` are by their names there."""
        self._dsn = dsn
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.log = folder / f"server-{os.urandom(4).hex()}.log"

    def start(self) -> None:
        """Returns when it answers. It may be started again after its end."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._started(deadline):  # another program took the port meanwhile
            assert time.monotonic() < deadline, self.log.read_text()

    def _started(self, deadline: float) -> bool:
        self.port = _free_port()
        self._process = self._launched()
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        assert "in use" in self.log.read_text(), self.log.read_text()
        return False

    def _launched(self) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if "ESTAFETTE" not in name}
        given = {
            "DATA_DIR": str(self._folder),
            "SECRET_KEY": _CIPHER_KEY,
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "json",
            "DATABASE_POOL_SIZE": "6",
            "PORT": str(self.port),
            **{name.upper(): value for name, value in self._settings.items()},
        }
        ours = {f"ESTAFETTE_{name}": value for name, value in given.items()}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "estafette", "serve"],
                env={**kept, **ours, "DATABASE_URL": self._dsn},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Ends it as a crash of the machine would: at once, with nothing finished."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            self._process = None

    @cached_property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def server_process(dsn: str, folder: Path, **settings: str) -> Generator[ServerProcess]:
    """A server that has started, and is stopped in the end."""
    process = ServerProcess(dsn, folder, **settings)
    try:
        process.start()
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
        dialects=app.DIALECTS,
        catalog=catalog,
        cipher=Cipher(_CIPHER_KEY),
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
