"""A client for the tests of what another platform answers."""

from collections.abc import AsyncGenerator

import pytest

from estafette.couriers.entrega import EntregaClient
from tests.couriers.stage import patient_client


@pytest.fixture
async def client() -> AsyncGenerator[EntregaClient]:
    client = patient_client()
    yield client
    await client.close()
