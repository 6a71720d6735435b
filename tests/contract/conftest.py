"""Each dialect in turn, and a server to call it on."""

from collections.abc import AsyncIterator, Generator

import pytest

from tests.contracts import operations
from tests.edges import EDGES, Edge
from tests.processes import ServerProcess, calling, server_process
from tests.serving import Server, running
from tests.target import Target, is_clean


@pytest.fixture(params=EDGES, ids=str)
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each dialect in turn."""
    return request.param


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


@pytest.fixture(scope="session")
def process(
    postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    """A server with its log, for all hostile callers."""
    with server_process(postgres_dsn, tmp_path_factory.mktemp("server")) as process:
        yield process


@pytest.fixture
async def target(process: ServerProcess, postgres_dsn: str, edge: Edge) -> AsyncIterator[Target]:
    """What is aimed at; afterwards it must be healthy, and its log clean."""
    heard = process.log.stat().st_size
    async with calling(postgres_dsn, process) as (server,):
        tenant = await server.tenant(edge)
        target = Target(tenant, await tenant.create(), await operations(server, edge))
        yield target
        assert (await server.request("GET", "/healthz")).status == 200
        assert (await tenant.call(edge.get(target.delivery))).status == 200
    with process.log.open("rb") as log:
        log.seek(heard)
        is_clean(log.read(), tenant)
