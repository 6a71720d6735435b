"""Deliveries that time moves."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.schedule import Schedule
from estafette.store.pool import Pool, open_pool
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.due_moves import look_after, loop
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop

NONE = timedelta(0)


async def move(shop: Shop, id: UUID, *statuses: Status) -> None:
    moves = [Move(status, Actor.DRIVER) for status in statuses]
    await advance(shop.platform, shop.scope, ENTREGA, id, moves)


async def look(shop: Shop) -> None:
    while (await look_after(shop.platform)).done:
        pass


async def last(shop: Shop, id: UUID) -> tuple[Status, Actor, str | None]:
    event = (await shop.events(id))[-1]
    return event.status, event.actor, event.note


async def watched(shop: Shop, id: UUID) -> datetime | None:
    return await tables.value(shop.platform.pool, "deliveries", "watch_at", {"id": id})


async def test_nothing_is_due_before_its_time(shop: Shop) -> None:
    await shop.company("fast")
    delivery = await shop.create()
    await look(shop)
    assert await shop.delivery(delivery.id) == delivery
    limit = shop.platform.watch_limits.courier
    assert await watched(shop, delivery.id) == delivery.updated_at + limit


async def test_a_delivery_without_a_courier_for_too_long_stalls(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE))
    await shop.company("fast")
    delivery = await shop.create()
    await look(shop)
    assert await last(shop, delivery.id) == (
        Status.STALLED,
        Actor.SYSTEM,
        "No courier for too long",
    )
    assert await watched(shop, delivery.id) is None


async def test_a_delivery_silent_past_its_promise_stalls_and_may_recover(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(silence=timedelta(seconds=-3600)))
    await shop.company("fast", [], base_fee=1, base_eta_minutes=1)
    delivery = await shop.create()
    await move(shop, delivery.id, Status.ASSIGNED, Status.IN_TRANSIT)
    await look(shop)
    status, actor, note = await last(shop, delivery.id)
    assert (status, actor) == (Status.STALLED, Actor.SYSTEM)
    assert note == "Nothing was heard of it after its promised time"
    shop.change(watch_limits=WatchLimits())
    await move(shop, delivery.id, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    assert await watched(shop, delivery.id) is None


async def test_an_assigned_delivery_is_ready_when_its_scheduled_pickup_is_near(shop: Shop) -> None:
    await shop.company("fast")
    pickup = datetime.now(UTC) + timedelta(hours=2)
    delivery = await shop.create(schedule=Schedule(pickup))
    await move(shop, delivery.id, Status.ASSIGNED)
    await look(shop)
    assert (await shop.delivery(delivery.id)).status is Status.ASSIGNED
    assert await watched(shop, delivery.id) == pickup - shop.platform.watch_limits.pickup_lead
    shop.change(watch_limits=WatchLimits(pickup_lead=timedelta(hours=3)))
    where, now = {"id": delivery.id}, timedelta()
    await tables.change(shop.platform.pool, "deliveries", where, watch_at=now)
    await look(shop)
    assert await last(shop, delivery.id) == (
        Status.PICKUP_READY,
        Actor.SYSTEM,
        "The scheduled pickup is near",
    )


async def test_longer_limits_hold_for_deliveries_planned_under_shorter_ones(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE))
    await shop.company("fast")
    delivery = await shop.create()
    shop.change(watch_limits=WatchLimits())
    await look(shop)
    assert await shop.delivery(delivery.id) == delivery
    limit = shop.platform.watch_limits.courier
    assert await watched(shop, delivery.id) == delivery.updated_at + limit


async def test_rehearsals_do_not_stall(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE, silence=NONE))
    await shop.company("fast")
    rehearsal = await replace(shop, mode=Mode.SANDBOX).create()
    assert await watched(shop, rehearsal.id) is None


async def test_a_live_delivery_without_a_company_is_watched_from_its_creation_on(
    shop: Shop,
) -> None:
    answer = await shop.creator.create(shop.order(None, quote_id=None, numbered=False))
    assert answer.reply.status == 201
    mine = {"account_id": shop.account.id}
    (delivery,) = await tables.read(shop.platform.pool, "deliveries", mine)
    assert delivery["watch_at"] - delivery["pickup_by"] == shop.platform.watch_limits.courier


async def test_many_processes_look_after_each_delivery_once(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE))
    await shop.company("fast")
    deliveries = await asyncio.gather(*(shop.create() for _ in range(20)))
    await asyncio.gather(*(look(shop) for _ in range(4)))
    await look(shop)
    for delivery in deliveries:
        assert len(await shop.events(delivery.id)) == 2


async def test_the_loop_moves_what_is_due_until_it_is_told_to_stop(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE))
    await shop.company("fast")
    stop = asyncio.Event()
    running = asyncio.create_task(loop(shop.platform).run(stop))
    delivery = await shop.create()
    async with asyncio.timeout(60):
        while (await shop.delivery(delivery.id)).status is not Status.STALLED:
            pass
        stop.set()
        await running


class _Replaced:
    """A pool in whose place another can be put."""

    def __init__(self, now: Pool) -> None:
        self.now = now

    def acquire(self) -> object:
        return self.now.acquire()


async def test_the_loop_outlives_the_loss_of_the_database(shop: Shop, postgres_dsn: str) -> None:
    shop.change(watch_limits=WatchLimits(courier=NONE))
    await shop.company("fast")
    delivery = await shop.create()
    healthy, stop = shop.platform.pool, asyncio.Event()
    gone = await open_pool(postgres_dsn, size=1)
    await gone.close()
    lossy = _Replaced(gone)
    lost = replace(shop.platform, pool=cast(Pool, lossy))
    running = asyncio.create_task(loop(lost).run(stop))
    await asyncio.sleep(0)
    lossy.now = healthy
    async with asyncio.timeout(60):
        while (await shop.delivery(delivery.id)).status is not Status.STALLED:
            pass
        stop.set()
        await running
