"""Watching events: each once, whenever it is committed and however many there are."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.usecases.deliveries.follow import Following
from tests.rows import deliveries as rows
from tests.rows import tables
from tests.usecases.stage import Tenant, new_tenant


async def _now(tenant: Tenant) -> datetime:
    return await tables.now(tenant.platform.pool)


async def _happens(tenant: Tenant, delivery: UUID, at: datetime, count: int = 1) -> list[UUID]:
    """So many events of a delivery, all dated so, committed now; returns their ids.

    No simulated courier goes on from there: the delivery itself has not moved.
    """
    pool = tenant.platform.pool
    await tables.change(pool, "sandbox_runs", {"delivery_id": delivery}, due_at=None)
    return await rows.add_events(pool, delivery, at, count)


async def _news(watch: Following) -> list[UUID]:
    return [happened.event.id for happened in await watch.news()]


async def test_what_happened_before_is_no_news(tenant: Tenant) -> None:
    await tenant.create()
    watch = Following(tenant.platform, tenant.account, None)
    assert await _news(watch) == []
    assert await _news(watch) == []


async def test_an_event_that_is_committed_after_a_later_one_is_heard_once(tenant: Tenant) -> None:
    delivery = await tenant.create()
    watch = Following(tenant.platform, tenant.account, None)
    await watch.news()
    now = await _now(tenant)
    assert await _news(watch) == []
    later = await _happens(tenant, delivery, now)
    assert await _news(watch) == later
    earlier = await _happens(tenant, delivery, now - timedelta(seconds=1))
    assert await _news(watch) == earlier
    assert await _news(watch) == []


async def test_an_event_that_is_dated_ahead_hides_none_that_happens_before_it(
    tenant: Tenant,
) -> None:
    delivery = await tenant.create()
    watch = Following(tenant.platform, tenant.account, None)
    await watch.news()
    now = await _now(tenant)
    for at in (now + timedelta(hours=1), now):
        new = await _happens(tenant, delivery, at)
        assert await _news(watch) == new


async def test_of_more_events_than_are_read_at_once_each_is_heard_once(tenant: Tenant) -> None:
    delivery = await tenant.create()
    watch = Following(tenant.platform, tenant.account, None)
    await watch.news()
    long_ago = await _now(tenant) - timedelta(seconds=5)  # half of the time to be late
    wanted: list[UUID] = []
    for step in range(5):  # a reading ends within such a group
        at = long_ago + timedelta(milliseconds=step)
        wanted += await _happens(tenant, delivery, at, 450)
    heard: list[UUID] = []
    async with asyncio.timeout(60):
        while len(heard) < len(wanted):
            heard += await _news(watch)
            await asyncio.sleep(0.05)
    heard += await _news(watch)
    assert len(heard) == len(wanted)
    assert set(heard) == set(wanted)


async def test_a_burst_is_read_on_at_once_and_what_is_committed_late_within_it_is_heard(
    tenant: Tenant,
) -> None:
    delivery = await tenant.create()
    watch = Following(tenant.platform, tenant.account, None)
    await watch.news()
    began = await _now(tenant)
    wanted = await _happens(tenant, delivery, began, 700)
    wanted += await _happens(tenant, delivery, began + timedelta(minutes=5), 1_300)
    heard = await _news(watch)
    assert (len(heard), watch.has_more) == (1_000, True)
    late = await _happens(tenant, delivery, await _now(tenant), 10)
    heard += await _news(watch)
    assert (len(heard), watch.has_more, set(late) <= set(heard)) == (2_000, True, True)
    heard += await _news(watch)
    assert (len(heard), watch.has_more) == (2_010, False)
    late += await _happens(tenant, delivery, await _now(tenant), 10)  # after all of it was read
    heard += await _news(watch)
    assert sorted(heard) == sorted(wanted + late)
    assert await _news(watch) == []


async def test_of_many_that_happened_before_none_is_news(tenant: Tenant) -> None:
    delivery = await tenant.create()
    await _happens(tenant, delivery, await _now(tenant) - timedelta(seconds=5), 1_500)
    watch = Following(tenant.platform, tenant.account, None)
    assert [await _news(watch) for _ in range(3)] == [[], [], []]


async def test_a_watch_hears_of_its_account_and_mode_alone(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform)
    of_account = Following(tenant.platform, tenant.account, None)
    of_mode = Following(tenant.platform, tenant.account, Mode.LIVE)
    of_all = Following(tenant.platform, None, None)
    for watch in (of_account, of_mode, of_all):
        await watch.news()
    mine, others, live = (
        await tenant.create(),
        await other.create(),
        await tenant.live().create(),
    )

    async def heard(watch: Following) -> set[UUID]:
        return {happened.event.delivery_id for happened in await watch.news()}

    assert await heard(of_account) == {mine, live}
    assert await heard(of_mode) == {live}
    assert await heard(of_all) >= {mine, others, live}
