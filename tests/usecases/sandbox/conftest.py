"""The demo, with its cities and their simulated drivers."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from estafette.app import DIALECTS, connectors, order_rules
from estafette.core.accounts.account import Account
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.ordering import Ordering
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.city import City
from estafette.usecases.sandbox.simulate import tick
from estafette.usecases.seed import prepare_demo
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.stage import platform_over

STEP = timedelta(seconds=600)
"""So long that what a busy machine takes for a test is none of it."""


@dataclass
class Demo:
    """A demo with a city, whose clock the test turns."""

    platform: Platform
    city: City
    account: Account
    now: float = 0.0

    async def make_step(self) -> None:
        """Has every simulated delivery make its next step."""
        where = {"account_id": self.account.id, "due_at": tables.PRESENT}
        await tables.change(self.platform.pool, "sandbox_runs", where, due_at=timedelta())
        while (await tick(self.platform)).done:
            pass

    async def statuses(self) -> list[str]:
        where = {"account_id": self.account.id}
        return list(await tables.values(self.platform.pool, "deliveries", "status", where))

    async def count(self, table: str, **where: object) -> int:
        return await tables.count(self.platform.pool, table, where)

    async def company(self) -> UUID:
        where = {"account_id": self.account.id}
        return await tables.value(self.platform.pool, "companies", "id", where)


@pytest.fixture
async def demo(fresh_database: str) -> AsyncGenerator[Demo]:
    """The demo's city in Luanda; the one in Almaty lives too."""
    await prepare_demo(fresh_database, [CIPHER_KEY], {}, city=True)
    async with platform_over(fresh_database, step=STEP) as plain:
        platform = replace(plain, dialects=DIALECTS, couriers=connectors(plain.catalog))
        account = await find_account(platform, "entrega-city")
        ordering = Ordering(platform, Creator(platform), order_rules)
        made = Demo(platform, None, account)  # pyright: ignore[reportArgumentType]
        made.city = City(platform, ordering, lambda: made.now)
        yield made
