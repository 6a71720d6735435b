"""The loop that runs errands: how it shares itself out, wakes and ends."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from estafette.core.account import Mode
from estafette.core.courier import Company, Connector
from estafette.core.delivery import Delivery
from estafette.couriers.remote import Access, PlatformClient, Worker
from estafette.couriers.remote.worker import PER_COMPANY
from tests.couriers.platforms import creating
from tests.receivers import Receiver, after, answer
from tests.usecases.angola import OFFER, FakeCourier, Shop, angola_over, new_shop

_UPSTREAM: dict[str, Any] = {"quote_id": "q", "origin": {}, "destination": {}, "parcel": {}}
_LONGEST = 30


@pytest.fixture
async def shop(clean_database: str) -> AsyncGenerator[Shop]:
    """A shop with two remote companies, alone in its database: claims are of all accounts."""
    offer = replace(OFFER, upstream=_UPSTREAM)
    async with angola_over(clean_database) as platform:
        shop = await new_shop(platform)
        courier = FakeCourier({"dead": offer, "well": offer})
        platform.couriers = {**platform.couriers, Connector.REMOTE: courier}
        for slug in ("dead", "well"):
            await shop.company(slug, [], connector=Connector.REMOTE)
        yield shop


async def ordered(shop: Shop, slug: str, count: int) -> list[Delivery]:
    """So many deliveries of a company."""
    made: list[Delivery] = []
    for _ in range(count):
        (quote,) = (one for one in await shop.quotes() if one.company_slug == slug)
        made.append(await shop.create(quote))
    return made


@asynccontextmanager
async def working(shop: Shop, platforms: Mapping[str, Receiver]) -> AsyncGenerator[Worker]:
    """A worker at work; ended in order."""

    async def reach(company: Company, _mode: Mode) -> Access | None:
        receiver = platforms.get(company.slug)
        if receiver is None:
            return None
        return Access(company.id, company.slug, f"http://127.0.0.1:{receiver.port}", "key")

    client, stop = PlatformClient(), asyncio.Event()
    worker = Worker(shop.platform, client, reach, lease_seconds=60, poll_seconds=60)
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await asyncio.wait_for(running, _LONGEST)
        await client.close()


async def states(shop: Shop, deliveries: list[Delivery]) -> set[str]:
    rows = await shop.platform.pool.fetch(
        "select state from dispatches where delivery_id = any($1)", [one.id for one in deliveries]
    )
    return {row["state"] for row in rows}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it is so."""
    async with asyncio.timeout(_LONGEST):
        while not await condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def until_placed(shop: Shop, deliveries: list[Delivery]) -> None:
    async def are_placed() -> bool:
        return await states(shop, deliveries) == {"placed"}

    await until(are_placed)


async def test_a_platform_that_hangs_holds_up_its_own_deliveries_alone(shop: Shop) -> None:
    released = asyncio.Event()
    waiting = await ordered(shop, "dead", PER_COMPANY * 2)
    healthy = await ordered(shop, "well", PER_COMPANY * 2)
    async with (
        Receiver(after(released, answer(500))) as dead,
        Receiver(creating()) as well,
        working(shop, {"dead": dead, "well": well}),
    ):
        await until_placed(shop, healthy)
        assert len(dead.requests) == PER_COMPANY
        assert len(well.requests) == len(healthy)
        released.set()
    assert await states(shop, waiting) == {"waiting"}


async def test_a_delivery_that_is_created_while_it_sleeps_wakes_it(shop: Shop) -> None:
    async with Receiver(creating()) as well, working(shop, {"well": well}) as worker:
        for _ in range(3):
            made = await ordered(shop, "well", 1)
            worker.wake()
            await until_placed(shop, made)
        assert len(well.requests) == 3


async def test_a_company_that_is_not_connected_is_waited_for(shop: Shop) -> None:
    made = await ordered(shop, "well", 1)
    reason = "the company is not connected in this mode"
    query = "select last_error from dispatches where delivery_id = $1"

    async def is_postponed() -> bool:
        return await shop.platform.pool.fetchval(query, made[0].id) == reason

    async with working(shop, {}):
        await until(is_postponed)
    assert await states(shop, made) == {"waiting"}
