"""A server and an account for the tests of the dialects."""

from collections.abc import AsyncIterator

import pytest

from tests.edges import EDGES, ENTREGA, KASPI, Edge
from tests.serving import Server, Tenant, running


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


@pytest.fixture(params=EDGES, ids=str)
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each dialect in turn."""
    return request.param


@pytest.fixture
async def kaspi(server: Server) -> Tenant:
    """A fresh account that speaks Kaspi, in sandbox mode."""
    return await server.tenant(KASPI)


@pytest.fixture
async def entrega(server: Server) -> Tenant:
    """A fresh account that speaks Entrega, in sandbox mode."""
    return await server.tenant(ENTREGA)
