"""Looking deliveries up, one and by the page."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound
from estafette.core.ids import new_id
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.find import (
    Filter,
    Finder,
    OverviewFilter,
    find_anywhere,
    find_with_history,
    list_deliveries,
    look_for,
)
from estafette.usecases.deliveries.tracking import STEPS_SHOWN, track, versions
from tests.moving import advance
from tests.rows import deliveries as delivery_rows
from tests.rows import tables
from tests.usecases.stage import DIALECT, Tenant, new_tenant


async def pages(
    tenant: Tenant,
    limit: int,
    wanted: Filter = Filter(),  # noqa: B008 - immutable
) -> AsyncGenerator[list[UUID]]:
    """The ids of each page in turn."""
    after = None
    while True:
        page = await list_deliveries(tenant.platform, tenant.scope, wanted, after, limit)
        yield [delivery.id for delivery in page.deliveries]
        after = page.next
        if after is None:
            return


async def listed(tenant: Tenant, wanted: Filter, limit: int = 100) -> list[UUID]:
    return [id async for page in pages(tenant, limit, wanted) for id in page]


async def give_all_one_time(tenant: Tenant) -> None:
    mine, now = {"account_id": tenant.account.id}, datetime.now(UTC).replace(microsecond=0)
    await tables.change(tenant.platform.pool, "deliveries", mine, created_at=now)


async def test_a_delivery_is_found_with_its_history(tenant: Tenant) -> None:
    id = await tenant.create()
    move = Move(Status.ASSIGNED, Actor.COURIER, "on my way")
    await advance(tenant.platform, tenant.scope, DIALECT, id, [move])
    delivery, events = await find_with_history(tenant.platform, tenant.scope, id)
    assert delivery == await Finder(tenant.platform).find(tenant.scope, id)
    assert [event.status for event in events] == [Status.PENDING, Status.ASSIGNED]


async def test_an_operator_finds_a_delivery_of_whichever_account(tenant: Tenant) -> None:
    id = await tenant.create()
    assert await find_anywhere(tenant.platform, id) == await tenant.delivery(id)
    with pytest.raises(DeliveryNotFound):
        await find_anywhere(tenant.platform, new_id())


async def test_a_foreign_delivery_is_not_found(tenant: Tenant) -> None:
    id = await tenant.create()
    for stranger in (tenant.live(), await new_tenant(tenant.platform)):
        with pytest.raises(DeliveryNotFound):
            await Finder(tenant.platform).find(stranger.scope, id)
        with pytest.raises(DeliveryNotFound):
            await find_with_history(tenant.platform, stranger.scope, id)
        assert await listed(stranger, Filter()) == []


async def test_deliveries_asked_for_together_are_found_for_their_own_scope_alone(
    tenant: Tenant,
) -> None:
    other = await new_tenant(tenant.platform)
    finder = Finder(tenant.platform)
    own, foreign = [await tenant.create() for _ in range(5)], await other.create()
    asked = [(tenant.scope, id) for id in (*own, own[0], foreign, new_id())]
    found = await asyncio.gather(
        *(finder.find(*one) for one in asked),
        finder.find(other.scope, foreign),
        return_exceptions=True,
    )
    assert [one.id for one in found if not isinstance(one, BaseException)] == [
        *own,
        own[0],
        foreign,
    ]
    assert [type(one) for one in found[6:8]] == [DeliveryNotFound, DeliveryNotFound]


async def test_a_list_pages_through_everything_once_newest_first(tenant: Tenant) -> None:
    ids = [await tenant.create() for _ in range(7)]
    found = [page async for page in pages(tenant, 3)]
    assert [len(page) for page in found] == [3, 3, 1]
    assert [id for page in found for id in page] == ids[::-1]


async def test_a_full_last_page_has_no_next(tenant: Tenant) -> None:
    await asyncio.gather(*(tenant.create() for _ in range(4)))
    assert [len(page) async for page in pages(tenant, 2)] == [2, 2]


async def test_equal_timestamps_neither_hide_nor_repeat_a_delivery(tenant: Tenant) -> None:
    ids = await asyncio.gather(*(tenant.create() for _ in range(11)))
    await give_all_one_time(tenant)
    found = [id async for page in pages(tenant, 2) for id in page]
    assert found == sorted(ids, reverse=True)


async def test_pages_do_not_shift_when_deliveries_are_added_meanwhile(tenant: Tenant) -> None:
    ids = [await tenant.create() for _ in range(6)]
    found: list[UUID] = []
    async for page in pages(tenant, 2):
        found += page
        await tenant.create()
    assert found == ids[::-1]


async def test_a_list_is_filtered_by_status_reference_and_time(tenant: Tenant) -> None:
    first = await tenant.create(external_ref="order-1")
    second = await tenant.create(external_ref="order-2")
    moves = [Move(Status.ASSIGNED, Actor.COURIER), Move(Status.STALLED, Actor.COURIER)]
    await advance(tenant.platform, tenant.scope, DIALECT, first, moves)
    accepted = Filter(milestones=(Status.ASSIGNED, Status.PICKUP_READY))
    assert await listed(tenant, accepted) == [first]
    assert await listed(tenant, Filter(external_ref="order-2")) == [second]
    assert await listed(tenant, Filter(external_ref="order-3")) == []
    created_at = (await tenant.delivery(second)).created_at
    exactly = Filter(created_from=created_at, created_to=created_at)
    assert second in await listed(tenant, exactly)
    assert await listed(tenant, Filter(created_from=created_at + timedelta(seconds=1))) == []
    assert await listed(tenant, Filter(created_to=created_at - timedelta(hours=1))) == []


async def test_a_recipient_sees_steps_and_the_couriers_notes_alone(tenant: Tenant) -> None:
    id = await tenant.create()
    moves = [
        Move(Status.ASSIGNED, Actor.OPERATOR, "watch this one"),
        Move(Status.IN_TRANSIT, Actor.COURIER, "picked up"),
    ]
    await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    tracked = await track(tenant.platform, id)
    assert tracked is not None
    assert [step.note for step in tracked.steps] == [None, None, "picked up"]
    assert (tracked.market, tracked.time_zone) == ("KZ", "Asia/Almaty")
    assert (tracked.version, tracked.is_final) == (3, False)
    assert "Dana" not in repr(tracked)
    assert "Zhibek" not in repr(tracked)


async def test_a_recipient_sees_the_newest_steps_of_many(tenant: Tenant) -> None:
    id = await tenant.create()
    at, minute = datetime.now(UTC) + timedelta(minutes=1), timedelta(minutes=1)
    pool, count = tenant.platform.pool, STEPS_SHOWN + 1
    await delivery_rows.add_events(pool, id, at, count, status="stalled", apart=minute)
    tracked = await track(tenant.platform, id)
    assert tracked is not None
    assert len(tracked.steps) <= STEPS_SHOWN
    last = (await tenant.events(id))[-1]
    assert max(step.occurred_at for step in tracked.steps) == last.occurred_at


async def test_tracking_an_unknown_delivery_finds_nothing(tenant: Tenant) -> None:
    assert await track(tenant.platform, new_id()) is None


async def test_versions_name_the_deliveries_that_exist(tenant: Tenant) -> None:
    id = await tenant.create()
    assert await versions(tenant.platform, [id, new_id()]) == {id: 1}


@pytest.mark.parametrize(("limit", "looked_at"), [(1, 1), (1, 3), (2, 2), (100, 2), (100, 100)])
async def test_an_operator_reaches_all_that_is_looked_for_however_far_back_it_is(
    tenant: Tenant, limit: int, looked_at: int
) -> None:
    """With a bound that is small here, in accounts of which one has many more than the other."""
    other = await new_tenant(tenant.platform)
    tenants = [other, tenant, tenant, tenant, other, tenant, tenant]
    made = [await one.create() for one in tenants]
    rare = made[::3]
    pool = tenant.platform.pool
    await tables.change(pool, "deliveries", {"id": rare}, status="stalled")
    same = await tables.value(pool, "deliveries", "created_at", {"id": made[2]})
    await tables.change(pool, "deliveries", {"id": made[3]}, created_at=same)
    found: list[UUID] = []
    after = None
    wanted = OverviewFilter(statuses=[Status.STALLED])
    for number in range(1_000):  # other tests have left deliveries too
        page = await look_for(tenant.platform, wanted, after, limit, looked_at)
        assert len(page.deliveries) <= limit
        found += [each.id for each in page.deliveries]
        after = page.next
        if after is None:
            break
        if number < 3:
            await tenant.create()  # shifts nothing
    assert after is None
    assert [id for id in found if id in made] == rare[::-1]


async def test_a_span_of_time_bounds_each_page_of_an_operators_list(tenant: Tenant) -> None:
    made = [await tenant.create() for _ in range(4)]
    times = [
        await tables.value(tenant.platform.pool, "deliveries", "created_at", {"id": id})
        for id in made
    ]
    wanted = OverviewFilter(account_id=tenant.account.id, since=times[1], until=times[2])
    first = await look_for(tenant.platform, wanted, None, 1, 1)
    second = await look_for(tenant.platform, wanted, first.next, 1, 1)
    assert [each.id for each in [*first.deliveries, *second.deliveries]] == [made[2], made[1]]
    third = await look_for(tenant.platform, wanted, second.next, 1, 1)
    assert (third.deliveries, third.next) == ([], None)
    with pytest.raises(CursorUnknownError):
        await look_for(tenant.platform, wanted, "2026-01-01", 1)
