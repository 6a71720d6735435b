"""What people see at a glance: days are counted from events, once each, by the market's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.figures import Figures
from estafette.store.deliveries import daily_tallies
from estafette.usecases.deliveries import figures
from estafette.usecases.deliveries.advance import Move
from tests.moving import advance
from tests.rows import tables
from tests.rows.deliveries import age
from tests.usecases.stage import DIALECT, Tenant, new_tenant, platform_over

_CARRIED = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
_HOUR = 1 / 24


async def _went(tenant: Tenant, *statuses: Status, days_ago: float, actor: Actor) -> None:
    """A delivery that came so far, all of it at a time that is over."""
    id = await tenant.create()
    moves = [Move(status, actor, "no longer wanted") for status in statuses]
    if moves:
        await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    async with tenant.platform.pool.acquire() as connection, connection.transaction():
        await age(connection, id, days_ago)


async def _count_all(tenant: Tenant) -> None:
    while await figures.count_next(tenant.platform):
        pass


async def test_each_day_tells_what_was_created_and_how_it_ended(fresh_database: str) -> None:
    async with platform_over(fresh_database) as platform:
        tenant, other = await new_tenant(platform), await new_tenant(platform)
        await _went(tenant, *_CARRIED, days_ago=_HOUR, actor=Actor.COURIER)
        await _went(tenant, *_CARRIED, days_ago=2, actor=Actor.COURIER)
        late = {"account_id": tenant.account.id}
        await tables.change(platform.pool, "deliveries", late, deliver_by=timedelta(hours=-2))
        await _went(tenant, Status.CANCELLED, days_ago=2, actor=Actor.MERCHANT)
        await _went(tenant, days_ago=2, actor=Actor.SYSTEM)
        await _went(other, days_ago=2, actor=Actor.SYSTEM)
        await _count_all(tenant)
        await _count_all(tenant)  # nothing is counted twice
        found = await figures.account_figures(platform, tenant.account, tenant.mode, days=7)
        every = await figures.platform_figures(platform, tenant.mode, days=7)
    zone = ZoneInfo("Asia/Almaty")
    days = dict(found.days)
    assert len(days) == 7
    hour_ago = (datetime.now(zone) - timedelta(hours=1)).date()
    two_days_ago = (datetime.now(zone) - timedelta(days=2)).date()
    assert days[hour_ago] == Figures(created=1, delivered=1, late=1)
    by_merchant = {Actor.MERCHANT: 1}
    assert days[two_days_ago] == Figures(created=3, delivered=1, cancelled=by_merchant)
    assert found.whole == Figures(created=4, delivered=2, late=1, cancelled=by_merchant)
    assert found.whole.on_time == 0.5
    assert found.reasons == [("no longer wanted", 1)]
    assert found.statuses == {Status.DELIVERED: 2, Status.CANCELLED: 1, Status.PENDING: 1}
    assert every.whole.created == 5
    assert [(account.id, created) for account, created in every.busiest] == [
        (tenant.account.id, 4),
        (other.account.id, 1),
    ]


async def test_what_has_just_happened_is_counted_once_it_is_settled(fresh_database: str) -> None:
    async with platform_over(fresh_database) as platform:
        tenant = await new_tenant(platform)
        id = await tenant.create()
        await _count_all(tenant)
        found = await figures.account_figures(platform, tenant.account, tenant.mode)
        assert found.whole.created == 0
        assert found.counted_to is not None
        assert found.counted_to <= datetime.now(UTC) - daily_tallies.SETTLED + timedelta(seconds=2)
        earlier = {"counted_to": found.counted_to}
        moment = timedelta(seconds=-61)
        await tables.change(platform.pool, "daily_tallies_progress", earlier, counted_to=moment * 2)
        await tables.change(
            platform.pool, "events", {"delivery_id": id}, occurred_at=moment - timedelta(seconds=1)
        )
        await _count_all(tenant)
        found = await figures.account_figures(platform, tenant.account, tenant.mode)
        assert found.whole.created == 1


async def test_one_process_at_a_time_counts(fresh_database: str) -> None:
    async with platform_over(fresh_database) as platform:
        await figures.count_next(platform)
        async with platform.pool.acquire() as connection, connection.transaction():
            assert await daily_tallies.count_next(connection, {}) is not None
            assert await figures.count_next(platform) is False
