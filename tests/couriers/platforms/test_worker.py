"""The loop that runs errands: how it shares itself out, wakes and ends."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.deliveries.delivery import Delivery
from estafette.couriers.entrega import EntregaPlatform
from estafette.couriers.platforms import Access, ErrandWorker
from estafette.couriers.platforms.slots import LOOKING, PLACING
from tests.couriers.stage import asked, creating, patient_client, refusing, routed, timeline
from tests.patience import until
from tests.receivers import Receiver, after, answer
from tests.rows import dispatches, tables
from tests.usecases.angola import OFFER, FakeCourier, Shop, angola_over, new_shop

_UPSTREAM: dict[str, Any] = {"quote_id": "q", "origin": {}, "destination": {}, "parcel": {}}
_LONGEST = 60


@pytest.fixture
async def shop(clean_database: str) -> AsyncGenerator[Shop]:
    """A shop with two remote companies, alone in its database: claims are of all accounts."""
    offer = replace(OFFER, upstream=_UPSTREAM)
    async with angola_over(clean_database) as platform:
        shop = await new_shop(platform)
        courier = FakeCourier({"dead": offer, "well": offer})
        shop.change(couriers={**platform.couriers, Connector.REMOTE: courier})
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
async def working(shop: Shop, platforms: Mapping[str, Receiver]) -> AsyncGenerator[ErrandWorker]:
    """A worker at work; ended in order."""

    async def reach(company: Company, _mode: Mode) -> Access | None:
        receiver = platforms.get(company.slug)
        if receiver is None:
            return None
        return Access(company.id, company.slug, f"http://127.0.0.1:{receiver.port}", "key")

    client, stop = patient_client(), asyncio.Event()
    worker = ErrandWorker(
        shop.platform, EntregaPlatform(client), reach, lease_seconds=120, poll_seconds=60
    )
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await asyncio.wait_for(running, _LONGEST)
        await client.close()


async def states(shop: Shop, deliveries: list[Delivery]) -> set[str]:
    where = {"delivery_id": [one.id for one in deliveries]}
    return set(await tables.values(shop.platform.pool, "dispatches", "state", where))


async def until_tried(shop: Shop, count: int) -> None:
    """Waits until so many dispatches were tried in vain."""

    async def were_tried() -> bool:
        failed = {"last_error": tables.PRESENT}
        return await tables.count(shop.platform.pool, "dispatches", failed) >= count

    await until(were_tried)


async def until_placed(shop: Shop, deliveries: list[Delivery]) -> None:
    async def are_placed() -> bool:
        return await states(shop, deliveries) == {"placed"}

    await until(are_placed)


async def test_a_platform_that_hangs_holds_up_its_own_deliveries_alone(shop: Shop) -> None:
    released = asyncio.Event()
    waiting = await ordered(shop, "dead", PLACING * 2)
    healthy = await ordered(shop, "well", PLACING * 2)
    async with (
        Receiver(after(released, answer(500))) as dead,
        Receiver(creating()) as well,
        working(shop, {"dead": dead, "well": well}),
    ):
        await until_placed(shop, healthy)
        assert len(dead.requests) == PLACING
        assert len(well.requests) == len(healthy)
        released.set()
    assert await states(shop, waiting) == {"waiting"}


async def test_a_new_delivery_is_placed_before_the_many_that_are_looked_at(shop: Shop) -> None:
    many = await ordered(shop, "well", 60)
    await dispatches.place_all(shop.platform.pool)
    await tables.change(shop.platform.pool, "dispatches", next_at=timedelta(hours=-1))
    (new,) = await ordered(shop, "well", 1)
    routes = routed(create=creating(), events=timeline("pending"))
    async with Receiver(routes) as well, working(shop, {"well": well}):
        await well.wait_until(lambda: len(well.requests) > len(many))
        asked_for = [asked(request) for request in well.requests]
    assert asked_for.index("create") <= 2 * LOOKING
    assert asked_for.count("events") >= len(many)
    assert await states(shop, [new]) == {"placed"}


async def test_looks_go_on_while_deliveries_without_end_are_to_be_placed(shop: Shop) -> None:
    (old,) = await ordered(shop, "well", 1)
    await dispatches.place_all(shop.platform.pool)
    await ordered(shop, "well", 60)
    of_placed, now = {"state": "placed"}, timedelta()
    await tables.change(shop.platform.pool, "dispatches", of_placed, next_at=now)
    routes = routed(create=creating(), events=timeline("pending", "assigned"))
    async with Receiver(routes) as well, working(shop, {"well": well}):
        await well.wait_until(lambda: "events" in map(asked, well.requests))
        before = [asked(request) for request in well.requests].index("events")
    assert before <= 2 * PLACING
    assert await shop.delivery(old.id)


async def test_a_platform_that_wants_to_be_left_alone_is_left_alone(shop: Shop) -> None:
    made = await ordered(shop, "well", 20)
    async with (
        Receiver(refusing(429, **{"Retry-After": "3600"})) as busy,
        working(shop, {"well": busy}) as worker,
    ):
        await busy.wait_for(1)
        await until_tried(shop, 1)
        for _ in range(20):  # rounds enough to try them all
            worker.wake()
            await until_tried(shop, 1)
    assert len(busy.requests) <= PLACING
    assert await states(shop, made) == {"waiting"}


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
    where = {"delivery_id": made[0].id}

    async def is_postponed() -> bool:
        return await tables.value(shop.platform.pool, "dispatches", "last_error", where) == reason

    async with working(shop, {}):
        await until(is_postponed)
    assert await states(shop, made) == {"waiting"}
