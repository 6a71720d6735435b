"""The real server for the sandbox's API, and a database where no other delivery is due."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.edges import KASPI
from tests.rows import tables
from tests.serving import Server, Tenant, running


@pytest.fixture(autouse=True)
async def _no_other_runs(connection: asyncpg.Connection) -> None:
    """Lets the deliveries of other tests rest: a courier looks after all that are due."""
    await tables.change(connection, "sandbox_runs", due_at=None)


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database; deliveries move only when told."""
    async with running(postgres_dsn) as server:
        yield server


@pytest.fixture
async def tenant(server: Server) -> Tenant:
    """A fresh account that speaks Kaspi, in sandbox mode."""
    return await server.tenant(KASPI)
