"""The loop of the simulated couriers, as a worker process runs it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from estafette.core.deliveries.delivery import Status
from estafette.couriers.sandbox import loop
from estafette.usecases.platform import Platform
from tests.patience import until
from tests.rows import database, tables
from tests.usecases.stage import Tenant, new_tenant, platform_over

PACE = timedelta(milliseconds=20)
_LONGEST = 60


@asynccontextmanager
async def couriers(platform: Platform, count: int = 1) -> AsyncGenerator[asyncio.Event]:
    """Runs that many loops, and ends them in order."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop(platform).run(stop)) for _ in range(count)]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), _LONGEST)


async def until_delivered(tenant: Tenant, ids: Iterable[UUID]) -> None:
    wanted = list(ids)

    async def delivered() -> bool:
        ended = {"account_id": tenant.account.id, "id": wanted, "status": "delivered"}
        return await tables.count(tenant.platform.pool, "deliveries", ended) == len(wanted)

    await until(delivered)


@pytest.fixture
async def quick(postgres_dsn: str) -> AsyncGenerator[Tenant]:
    """An account whose simulated couriers are in a great hurry."""
    async with platform_over(postgres_dsn, step=PACE) as platform:
        yield await new_tenant(platform)


async def test_deliveries_move_by_themselves_whenever_they_are_created(quick: Tenant) -> None:
    before = await quick.create()
    async with couriers(quick.platform):
        await until_delivered(quick, [before])
        meanwhile = [await quick.create() for _ in range(5)]
        await until_delivered(quick, meanwhile)


async def test_several_loops_make_each_step_once(quick: Tenant) -> None:
    ids = await asyncio.gather(*(quick.create() for _ in range(60)))
    async with couriers(quick.platform, count=3):
        await until_delivered(quick, ids)
    for id in ids:
        statuses = [event.status for event in await quick.events(id)]
        assert statuses == [
            Status.PENDING,
            Status.ASSIGNED,
            Status.IN_TRANSIT,
            Status.OUT_FOR_DELIVERY,
            Status.DELIVERED,
        ]


async def test_a_sleeping_courier_stops_at_once(postgres_dsn: str) -> None:
    async with platform_over(postgres_dsn) as platform, couriers(platform):
        await asyncio.sleep(0)


async def test_with_a_step_of_zero_nothing_moves(postgres_dsn: str) -> None:
    async with platform_over(postgres_dsn, step=timedelta()) as still:
        resting = await (await new_tenant(still)).create()
        async with platform_over(postgres_dsn, step=PACE) as platform, couriers(platform):
            tenant = await new_tenant(platform)
            await until_delivered(tenant, [await tenant.create()])
        status = await tables.value(still.pool, "deliveries", "status", {"id": resting})
        assert status == "pending"


async def test_couriers_outlive_the_loss_of_the_database(
    fresh_database: str, connection: asyncpg.Connection
) -> None:
    async with platform_over(fresh_database, step=PACE) as platform:
        tenant = await new_tenant(platform)
        before = failures()
        with capture_logs() as logs:
            async with couriers(platform):
                await database.shut(connection, fresh_database)
                await until(failed_more_than(before))
                await database.open_again(connection, fresh_database)
                await until_delivered(tenant, [await tenant.create()])
        assert sum(line["log_level"] == "error" for line in logs) <= 1


def failures() -> float:
    """How often the simulated couriers have met trouble with the database, in this process."""
    name, of = "estafette_database_failures_total", {"work": "sandbox couriers"}
    return REGISTRY.get_sample_value(name, of) or 0.0


def failed_more_than(before: float) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        await asyncio.sleep(0.01)  # lets the loop run: nothing else here would
        return failures() > before + 1

    return condition


async def test_couriers_outlive_a_delivery_that_cannot_be_read(quick: Tenant) -> None:
    broken, healthy = await quick.create(), await quick.create()
    pool, where = quick.platform.pool, {"id": broken}
    pickup: str = await tables.value(pool, "deliveries", "pickup", where)
    of_tomorrow = {**json.loads(pickup), "novelty": 1}
    await tables.change(pool, "deliveries", where, pickup=of_tomorrow)
    with capture_logs() as logs:
        async with couriers(quick.platform):
            await until(reported(logs, "stumbled"))
            await tables.change(pool, "deliveries", where, pickup=pickup)
            await until_delivered(quick, [broken, healthy])


def reported(logs: list[Any], event: str) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        await asyncio.sleep(0.01)  # lets the loop run: nothing else here would
        return any(line["event"] == event for line in logs)

    return condition
