"""A client for the tests of what another platform answers."""

from collections.abc import AsyncGenerator

import pytest

from estafette.couriers.entrega import EntregaClient


@pytest.fixture
async def client() -> AsyncGenerator[EntregaClient]:
    client = EntregaClient()
    yield client
    await client.close()
