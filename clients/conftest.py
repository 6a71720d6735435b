"""A server to generate clients from and to use them on, and the clients."""

import asyncio
import os
import shutil
import urllib.request
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from clients.examples import Example, as_go, as_typescript, examples
from clients.tools import DRIVE, GENERATORS, OUT, Client, generate
from tests.edges import EDGES, Edge
from tests.processes import ServerProcess, calling, server_process


@dataclass(frozen=True)
class Served:
    """A server with an account of each dialect; `keys` are their API keys."""

    url: str
    keys: Mapping[str, str]

    def contract(self, edge: Edge) -> str:
        """Return where the contract of a dialect is."""
        return f"{self.url}{edge.contract}"

    def arguments(self, edge: Edge) -> tuple[str, str]:
        """Return what a program that uses a client is told: where the dialect is, and a key."""
        return f"{self.url}{edge.base}", self.keys[edge.name]


async def _keys(dsn: str, process: ServerProcess) -> Mapping[str, str]:
    async with calling(dsn, process) as (server,):
        return {edge.name: (await server.tenant(edge)).key for edge in EDGES}


@pytest.fixture(scope="session")
def served(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """The server, as `estafette serve` starts it."""
    with server_process(postgres_dsn, tmp_path_factory.mktemp("server")) as process:
        yield Served(process.url, asyncio.run(_keys(postgres_dsn, process)))


class Workshop:
    """The clients, which are generated some at a time while the first are being tried."""

    def __init__(self, served: Served, pool: ThreadPoolExecutor) -> None:
        """Begin with all of them."""
        shutil.rmtree(OUT, ignore_errors=True)
        self._clients: Mapping[tuple[str, str], Future[Client]] = {
            (generator, edge.name): pool.submit(self._made, generator, edge, served.contract(edge))
            for generator in GENERATORS
            for edge in EDGES
        }

    def client(self, generator: str, edge: Edge) -> Client:
        """Wait for a client. Raises ToolFailedError when there is none."""
        return self._clients[generator, edge.name].result()

    def _made(self, generator: str, edge: Edge, url: str) -> Client:
        """Generate a client, and lay the programs that use it beside it."""
        client = generate(generator, edge.name, url)
        with urllib.request.urlopen(url) as answer:
            contract: dict[str, Any] = yaml.safe_load(answer.read())
        _lay_programs(generator, edge, client, examples(contract))
        return client


_IMPORTED = {
    "openapi-typescript": (
        "import type { components } from './schema';",
        "components['schemas']['{}']",
    ),
    "hey-api": ("import type * as client from './client';", "client.{}"),
}


def _lay_programs(generator: str, edge: Edge, client: Client, found: list[Example]) -> None:
    (driver,) = (DRIVE / generator).glob(f"{edge}.*")
    if generator == "openapi-generator-go":
        for name in ("drive", "examples"):
            (client.folder / "cmd" / name).mkdir(parents=True)
        shutil.copy(driver, client.folder / "cmd" / "drive" / "main.go")
        (client.folder / "cmd" / "examples" / "main.go").write_text(as_go(found))
        return
    shutil.copy(driver, client.folder / f"drive{driver.suffix}")
    if generator in _IMPORTED:
        written = as_typescript(found, *_IMPORTED[generator])
        (client.folder / "examples.ts").write_text(written)


@pytest.fixture(scope="session")
def workshop(served: Served) -> Generator[Workshop]:
    """The clients of all generators for all dialects."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        yield Workshop(served, pool)


@pytest.fixture(params=EDGES, ids=str)
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each dialect in turn."""
    return request.param
