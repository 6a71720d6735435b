"""A platform over a database of the test's own: a worker takes up whatever it finds there."""

from collections.abc import AsyncIterator

import pytest

from estafette.core.accounts.account import Mode
from estafette.usecases.platform import Platform
from tests.usecases.stage import Tenant, new_tenant, platform_over


@pytest.fixture
async def platform(fresh_database: str) -> AsyncIterator[Platform]:
    """The running Estafette."""
    async with platform_over(fresh_database) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """An account in live mode, whose deliveries move only when told."""
    return await new_tenant(platform, Mode.LIVE)
