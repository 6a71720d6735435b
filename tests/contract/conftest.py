"""Each dialect in turn, and a server to call it on."""

from collections.abc import AsyncIterator

import pytest

from tests.edges import EDGES, Edge
from tests.serving import Server, running


@pytest.fixture(params=EDGES, ids=str)
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each dialect in turn."""
    return request.param


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server
