"""Rows that nothing needs for good are removed when they have had their time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.retention import Retention
from estafette.store import ends
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.ends import Looked, remove_what_is_over
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import set_enabled
from tests.moving import advance
from tests.rows import tables
from tests.rows.deliveries import age
from tests.usecases.far import Far
from tests.usecases.stage import DIALECT, Tenant
from tests.webhooks.stage import listen_at

KEPT = Retention()
TO_THE_END = [
    Move(status, Actor.COURIER)
    for status in (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
]


@pytest.fixture
async def connection(platform: Platform) -> AsyncIterator[asyncpg.Connection]:
    async with platform.pool.acquire() as connection:
        yield connection  # pyright: ignore[reportReturnType] - a proxy of one


async def message(
    connection: asyncpg.Connection,
    tenant: Tenant,
    state: str,
    days: float,
    *,
    test: bool = False,
    endpoint: UUID | None = None,
) -> UUID:
    """A message for an event of a delivery, both that many days old."""
    at = await tables.now(connection) - timedelta(days=days)
    id = new_id()
    event = {"delivery_id": None if test else new_id(at), "seq": 1}
    row = {"account_id": tenant.account.id, "id": id, "endpoint_id": endpoint or id, **event}
    await tables.add(connection, "messages", **row, state=state, due_at=at, created_at=at)
    return id


async def messages(connection: asyncpg.Connection, tenant: Tenant) -> set[UUID]:
    mine = {"account_id": tenant.account.id}
    return set(await tables.values(connection, "messages", "id", mine))


@pytest.mark.parametrize("test", [False, True])
async def test_webhooks_are_kept_as_long_as_their_state_says(
    platform: Platform, tenant: Tenant, connection: asyncpg.Connection, test: bool
) -> None:
    kept = {
        await message(connection, tenant, state, days, test=test)
        for state, days in (
            ("delivered", 29),
            ("dead", 31),
            ("dead", 89),
            ("pending", 31),
            ("pending", 400),
        )
    }
    for state, days in (("delivered", 31), ("delivered", 400), ("dead", 91)):
        await message(connection, tenant, state, days, test=test)
    await remove_what_is_over(platform, KEPT)
    assert await messages(connection, tenant) == kept
    await remove_what_is_over(platform, KEPT._replace(dead_messages=timedelta(days=30)))
    assert len(await messages(connection, tenant)) == 3


@pytest.mark.parametrize("test", [False, True])
async def test_what_waits_for_an_endpoint_that_is_sent_nothing_ends_as_what_was_given_up_does(
    platform: Platform, tenant: Tenant, connection: asyncpg.Connection, test: bool
) -> None:
    async def waits_for(name: str) -> UUID:
        """A webhook that waits for an endpoint, and is too old; one that is not waits too."""
        await listen_at(tenant, "http://127.0.0.1:9/", name)
        where = {"account_id": tenant.account.id, "name": name}
        endpoint = await tables.value(connection, "endpoints", "id", where)
        kept.add(await message(connection, tenant, "pending", 89, test=test, endpoint=endpoint))
        return await message(connection, tenant, "pending", 91, test=test, endpoint=endpoint)

    kept: set[UUID] = set()
    kept.add(await waits_for("working"))
    await waits_for("disabled")
    await waits_for("nowhere")
    kept.add(leased := await waits_for("leased"))
    await tables.change(connection, "messages", {"id": leased}, leased_by="a worker")
    for name in ("disabled", "leased"):
        await set_enabled(platform, tenant.scope, name, enabled=False)
    await listen_at(tenant, None, "nowhere")
    await remove_what_is_over(platform, KEPT)
    assert await messages(connection, tenant) == kept


async def test_a_young_webhook_of_an_old_delivery_is_kept(
    platform: Platform, tenant: Tenant, connection: asyncpg.Connection
) -> None:
    id = await message(connection, tenant, "delivered", 100)
    await tables.change(connection, "messages", {"id": id}, created_at=timedelta())
    await remove_what_is_over(platform, KEPT)
    assert await messages(connection, tenant) == {id}


async def test_any_number_of_rows_is_removed_in_steps_and_counted(
    platform: Platform, tenant: Tenant, connection: asyncpg.Connection
) -> None:
    old = await tables.now(connection) - timedelta(days=40)
    states = ["delivered", "dead", "pending"]
    mine = {"account_id": tenant.account.id, "seq": 1, "due_at": old, "created_at": old}
    await tables.add_many(
        connection,
        "messages",
        [
            {
                **mine,
                "id": new_id(),
                "endpoint_id": new_id(),
                "delivery_id": new_id(old),
                "state": states[number % 3],
            }
            for number in range(4_500)
        ],
    )
    before = {one.name: one.removed for one in await ends.done(connection)}
    await remove_what_is_over(platform, KEPT)
    assert len(await messages(connection, tenant)) == 3_000
    [done] = [one for one in await ends.done(connection) if one.name == "messages"]
    assert done.removed - before.get("messages", 0) >= 1_500
    assert done.completed_at is not None


async def test_the_plan_of_a_simulated_courier_ends_a_month_after_its_delivery(
    platform: Platform, tenant: Tenant, connection: asyncpg.Connection
) -> None:
    young, old, alive = [await tenant.create() for _ in range(3)]
    for id in (young, old):
        await advance(platform, tenant.scope, DIALECT, id, TO_THE_END)
    await age(connection, old, 31)
    await age(connection, alive, 31)
    mine = {"account_id": tenant.account.id}
    await tables.change(connection, "sandbox_runs", mine, due_at=None)
    await remove_what_is_over(platform, KEPT)
    assert await tenant.count("sandbox_runs") == 2


async def test_how_a_delivery_went_to_another_platform_is_kept_for_90_days_after_its_end(
    far: Far,
) -> None:
    platform = far.shop.platform
    ended = [await far.create() for _ in range(2)]
    waiting = await far.create()
    async with platform.pool.acquire() as connection:
        for delivery, days in ((ended[0], 89), (ended[1], 91)):
            await far.by_hand(delivery.id, *[move.to for move in TO_THE_END])
            await age(connection, delivery.id, days)  # pyright: ignore[reportArgumentType] - a proxy
        await age(connection, waiting.id, 400)  # pyright: ignore[reportArgumentType] - a proxy
    await remove_what_is_over(platform, KEPT)
    assert await far.shop.count("dispatches") == 2


async def test_what_is_kept_longer_is_read_once_a_day_and_not_in_every_round(
    connection: asyncpg.Connection, tenant: Tenant
) -> None:
    await remove_what_is_over(tenant.platform, KEPT)
    dead = [await message(connection, tenant, "dead", 60) for _ in range(3)]
    now = await tables.now(connection)
    an_hour_ago = now - timedelta(hours=1)
    looked = await remove_what_is_over(
        tenant.platform, KEPT, None, Looked(an_hour_ago, an_hour_ago)
    )
    assert looked.at_all == an_hour_ago
    assert looked.at is not None
    assert looked.at > an_hour_ago
    new = await message(connection, tenant, "delivered", 30.01)
    # a round between those that look at all begins where rows have become old since
    await tables.change(connection, "messages", {"id": dead[0]}, state="delivered")
    looked = await remove_what_is_over(tenant.platform, KEPT, None, looked)
    assert await messages(connection, tenant) == set(dead)
    assert new not in await messages(connection, tenant)
    a_day_ago = now - timedelta(days=1, minutes=1)
    looked = await remove_what_is_over(tenant.platform, KEPT, None, Looked(a_day_ago, looked.at))
    assert await messages(connection, tenant) == set(dead[1:])
    assert looked.at_all == looked.at
