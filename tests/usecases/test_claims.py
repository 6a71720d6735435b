"""What background work claims: what is due, no more than asked, and nothing that another holds."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from estafette.core.couriers.dispatch import Room
from estafette.core.deliveries.delivery import Status
from estafette.store.couriers import dispatches
from estafette.store.deliveries import due_moves
from estafette.store.sandbox import plans
from estafette.store.work import UnitOfWork
from estafette.usecases.couriers.dispatch import Placement, note_webhook, placed
from tests.rows import tables
from tests.usecases.far import LATER, Far
from tests.usecases.stage import DIALECT, Tenant, new_tenant, platform_over


@pytest.fixture
async def tenant(fresh_database: str) -> AsyncIterator[Tenant]:
    """An account alone in its database: claims are of all accounts."""
    async with platform_over(fresh_database) as platform:
        yield await new_tenant(platform)


@pytest.fixture
async def others(tenant: Tenant, fresh_database: str) -> AsyncIterator[asyncpg.Connection]:
    """Another process's connection."""
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


async def test_steps_of_simulated_couriers_are_claimed_when_due_and_by_one(
    tenant: Tenant, others: asyncpg.Connection
) -> None:
    ids = [await tenant.create() for _ in range(3)]
    for id in ids[:2]:
        await tenant.make_due(id)
    async with tenant.platform.pool.acquire() as connection, connection.transaction():
        assert await plans.claim_due(connection, ["unknown here"], 9) == []
        [first] = await plans.claim_due(connection, [DIALECT.name], 1)
        async with others.transaction():
            [second] = await plans.claim_due(others, [DIALECT.name], 9)
            assert {first.delivery.id, second.delivery.id} == set(ids[:2])
        await plans.QUEUE.put_off(connection, tenant.account.id, first.delivery.id)
    async with others.transaction():
        [again] = await plans.claim_due(others, [DIALECT.name], 9)
        assert again.delivery.id == second.delivery.id
        await plans.stop(others, tenant.account.id, second.delivery.id)
        assert await plans.claim_due(others, [DIALECT.name], 9) == []
        soon = await plans.QUEUE.due_in_seconds(others)
        assert soon is not None
        assert 0 < soon <= 5  # the third one's first step


async def test_deliveries_are_looked_after_when_due_and_by_one(
    tenant: Tenant, others: asyncpg.Connection
) -> None:
    ids = [await tenant.create() for _ in range(3)]
    pool = tenant.platform.pool
    await tables.change(pool, "deliveries", watch_at=timedelta(hours=1))
    await tables.change(pool, "deliveries", {"id": ids[:2]}, watch_at=timedelta())
    async with pool.acquire() as connection, connection.transaction():
        assert await due_moves.claim_due(connection, ["unknown here"], 9) == []
        [first] = await due_moves.claim_due(connection, [DIALECT.name], 1)
        async with others.transaction():
            [second] = await due_moves.claim_due(others, [DIALECT.name], 9)
            assert {first.delivery.id, second.delivery.id} == set(ids[:2])
        account_id = first.delivery.scope.account_id
        await due_moves.QUEUE.put_off(connection, account_id, first.delivery.id)
    async with others.transaction():
        [again] = await due_moves.claim_due(others, [DIALECT.name], 9)
        assert again.delivery.id == second.delivery.id
        await due_moves.look_again(others, [again.delivery], tenant.platform.watch_limits)
        assert await due_moves.claim_due(others, [DIALECT.name], 9) == []


async def due_in(far: Far, delivery_id: object) -> float | None:
    return (await far.row(delivery_id))["due_in"]  # pyright: ignore[reportArgumentType] - an id


async def test_an_end_or_a_payment_leaves_an_attempt_that_is_under_way_alone(far: Far) -> None:
    """The attempt says what came of it; then the dispatch is looked at."""
    delivery = await far.create()
    await far.errand()
    pool = far.shop.platform.pool
    async with pool.acquire() as connection:
        await dispatches.let_go(UnitOfWork(connection), [delivery])
    assert (await due_in(far, delivery.id) or 0) > 200
    await far.by_hand(delivery.id, Status.CANCELLED)
    row = await far.row(delivery.id)
    assert (row["state"], row["leased"]) == ("waiting", True)
    assert row["due_in"] > 200


async def test_a_payment_opens_no_dispatch_that_is_closed(far: Far) -> None:
    delivery = await far.create()
    await far.by_hand(delivery.id, Status.CANCELLED)
    async with far.shop.platform.pool.acquire() as connection:
        await dispatches.let_go(UnitOfWork(connection), [delivery])
    assert (await far.row(delivery.id))["state"] == "closed"
    assert await due_in(far, delivery.id) is None


async def test_what_is_placed_is_not_doubted_whatever_ends_or_is_heard(far: Far) -> None:
    delivery = await far.create()
    await far.errand_placed()
    await far.die()
    errand = await far.errand()
    assert not errand.doubtful
    assert await note_webhook(far.shop.platform, far.company.id, "up-1", None)
    assert (await due_in(far, delivery.id) or 0) > 200  # the look that is under way goes on
    await far.by_hand(delivery.id, Status.CANCELLED)
    row = await far.row(delivery.id)
    assert (row["state"], row["heard"], row["doubted_at"]) == ("placed", True, None)
    assert row["due_in"] > 200


async def test_no_more_is_claimed_than_there_is_room_for_in_all(far: Far) -> None:
    for _ in range(2):
        await far.create()
    first = (await far.claim(1, most=Room(1, 1))).errands[0]
    assert await placed(far.shop.platform, first, Placement("up-1"), timedelta())
    found = (await far.claim(1, most=Room(5, 5))).errands
    assert [errand.upstream_id for errand in found] == [None]  # one is to be looked at, too
    assert await placed(far.shop.platform, found[0], Placement("up-2"), LATER)
