"""An account with an endpoint, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from estafette.core.accounts.account import Mode
from estafette.usecases.platform import Platform
from tests.usecases.stage import Tenant, new_tenant, platform_over
from tests.webhooks.stage import listen_at


@pytest.fixture
async def platform(fresh_database: str) -> AsyncIterator[Platform]:
    """The running Estafette on a database of the test's own."""
    async with platform_over(fresh_database) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """An account with an endpoint."""
    tenant = await new_tenant(platform, Mode.LIVE)
    await listen_at(tenant, "http://127.0.0.1:9/")
    return tenant
