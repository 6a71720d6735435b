"""An in-house company of a shop, its drivers and deliveries."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery, Parcel, Status
from estafette.core.fleet.assignment import Assignment, Load
from estafette.core.fleet.driver import Capacity, Driver, Vehicle
from estafette.core.fleet.tour import StopKind
from estafette.routing.planner import Planner
from estafette.store.fleet import assignments, tours
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.platform import Platform
from tests.usecases.angola import Shop

MINUTE = timedelta(minutes=1)


@dataclass
class Fleet:
    """A company with drivers, which carries what a shop orders."""

    shop: Shop
    company: Company
    numbers: "count[int]" = field(default_factory=count)

    @property
    def platform(self) -> Platform:
        return self.shop.platform

    @property
    def id(self) -> UUID:
        return self.company.id

    async def driver(
        self, *, on_shift: bool = True, grams: int = 30_000, parcels: int = 8, **fields: Any
    ) -> Driver:
        """A driver of the company, on shift unless told."""
        driver = await add_driver(
            self.platform,
            self.id,
            name="Zé",
            phone_e164=f"+2449{next(self.numbers):08}",
            vehicle=Vehicle.MOTORCYCLE,
            capacity=Capacity(grams, parcels),
            **fields,
        )
        if on_shift:
            await start_shift(self.platform, self.id, driver.id, "a phone")
        return driver

    async def delivery(self, grams: int = 1_200, **changes: Any) -> Delivery:
        """A delivery that the company carries."""
        parcel = Parcel(grams, "Livros")
        quote = (await self.shop.quotes(parcel=parcel))[0]
        return await self.shop.create(quote, parcel=parcel, **changes)

    async def offered(self, delivery: Delivery, driver: Driver) -> Assignment:
        """An open offer of a minute."""
        return await offer(self.platform, self.id, delivery.id, driver.id, MINUTE)

    async def accepted(self, driver: Driver, delivery: Delivery | None = None) -> Delivery:
        """A delivery that the driver has accepted."""
        delivery = delivery or await self.delivery()
        given = await self.offered(delivery, driver)
        await accept(self.platform, self.id, driver.id, given.id)
        return await self.shop.delivery(delivery.id)

    async def history(self, delivery: Delivery) -> list[Assignment]:
        """All assignments of a delivery, by their numbers."""
        of = (self.id, self.shop.account.id, delivery.id)
        async with self.platform.pool.acquire() as connection:
            return await assignments.of_delivery(connection, *of)

    async def load(self, driver: Driver) -> Load:
        async with self.platform.pool.acquire() as connection:
            found = await assignments.loads(connection, self.id, [driver.id])
        return found.get(driver.id, Load())

    async def tour(self, driver: Driver) -> list[tuple[UUID, StopKind]]:
        async with self.platform.pool.acquire() as connection:
            stops = await tours.of_driver(connection, self.id, driver.id)
        return [(stop.delivery_id, stop.kind) for stop in stops]

    async def statuses(self, delivery: Delivery) -> list[Status]:
        """The statuses of all events of a delivery, in order."""
        return [event.status for event in await self.shop.events(delivery.id)]


@pytest.fixture
async def planner() -> AsyncIterator[Planner]:
    """A planner that waits for its process as long as a busy machine takes."""
    async with Planner(grace_seconds=60) as one:
        yield one


@pytest.fixture
async def fleet(shop: Shop) -> Fleet:
    """A company that carries a shop's live deliveries."""
    assert shop.mode is Mode.LIVE
    return Fleet(shop, await shop.company(f"moto-{shop.account.id.hex[-8:]}"))
