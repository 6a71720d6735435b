"""A platform over the worker's database, and an account of its own for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from estafette.usecases.platform import Platform
from tests.rows import database, tables
from tests.usecases.angola import Shop, angola_over, new_shop
from tests.usecases.far import Far, far_over
from tests.usecases.stage import Tenant, new_tenant, platform_over


@pytest.fixture
async def platform(postgres_dsn: str) -> AsyncIterator[Platform]:
    """The running Estafette, its simulated couriers taking 5 seconds for a step."""
    async with platform_over(postgres_dsn) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """An account in sandbox mode."""
    return await new_tenant(platform)


@pytest.fixture
async def shop(postgres_dsn: str) -> AsyncIterator[Shop]:
    """An account in Angola in live mode, without courier companies."""
    async with angola_over(postgres_dsn) as platform:
        yield await new_shop(platform)


@pytest.fixture
async def far(clean_database: str) -> AsyncIterator[Far]:
    """A shop whose only company is remote, alone in its database: claims are of all accounts."""
    async with far_over(clean_database) as far:
        yield far


@pytest.fixture
async def shops(clean_database: str) -> AsyncIterator[tuple[Shop, Shop]]:
    """The accounts of a database, in the order in which they are worked on."""
    async with angola_over(clean_database) as platform:
        first, second = sorted(
            [await new_shop(platform), await new_shop(platform)], key=lambda shop: shop.account.id
        )
        for shop in (first, second):
            await shop.company(f"moto-{shop.account.id.hex[-8:]}")
        yield first, second
        await database.let_write_again(first.platform.pool)


@pytest.fixture
async def no_other_runs(connection: asyncpg.Connection) -> None:
    """Lets the simulated couriers of other tests rest: a tick looks after all that are due."""
    await tables.change(connection, "sandbox_runs", due_at=None)
