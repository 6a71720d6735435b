"""Rows of endpoints that fail are locked in one order, so that no two wait for one another."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from estafette.store.webhooks import failures
from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.store.webhooks.outbox import ClaimedMessage
from tests.rows import database, tables
from tests.store.webhooks.claims import claim, end_rest, fail, finished, record
from tests.usecases.stage import Tenant
from tests.webhooks.stage import listen_at


async def test_a_claim_waits_for_no_endpoint_whose_failures_are_being_written(
    tenant: Tenant, fresh_database: str
) -> None:
    await tenant.create()
    await fail(tenant, OPENS_AFTER)
    await end_rest(tenant)
    async with database.held_up(fresh_database) as (holder, _):
        await tables.lock(holder, "endpoint_failures")
        async with asyncio.timeout(60):
            assert await claim(tenant, "one") == []
    assert len(await claim(tenant, "one")) == 1


async def _failing(tenant: Tenant) -> list[ClaimedMessage]:
    """A claimed message of each of two endpoints that fail, in the order of their endpoints.

    Their failures were written in the other order, in which PostgreSQL would find them.
    """
    await listen_at(tenant, "http://127.0.0.1:9/", "second")
    await tenant.create()
    for message in sorted(await claim(tenant, "one"), key=_endpoint, reverse=True):
        await record(tenant, "one", finished(message, is_delivered=False, retry_seconds=0.0))
    return sorted(await claim(tenant, "one"), key=_endpoint)


def _endpoint(message: ClaimedMessage) -> UUID:
    return message.endpoint_id


async def _until_one_waits(looker: asyncpg.Connection) -> None:
    async with asyncio.timeout(60):
        while not await database.count_waiting(looker):  # noqa: ASYNC110 - a lock tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("answers", [(True, False), (False, True)], ids=["first", "second"])
async def test_results_are_counted_in_the_order_of_their_endpoints(
    tenant: Tenant, fresh_database: str, answers: tuple[bool, bool]
) -> None:
    claimed = await _failing(tenant)
    results = [
        finished(message, is_delivered=answered, retry_seconds=0.0)
        for message, answered in zip(claimed, answers, strict=True)
    ]
    async with database.held_up(fresh_database) as (holder, looker):
        await tables.lock(holder, "endpoint_failures", {"endpoint_id": claimed[0].endpoint_id})
        recording = asyncio.create_task(record(tenant, "one", *results))
        await _until_one_waits(looker)
        async with looker.transaction():
            await tables.lock(looker, "endpoint_failures", {"endpoint_id": claimed[1].endpoint_id})
    assert await recording == 2
    left = await tables.values(tenant.platform.pool, "endpoint_failures", "endpoint_id")
    assert left == [claimed[answers.index(False)].endpoint_id]


async def test_an_account_that_is_forgiven_locks_its_endpoints_in_order(
    tenant: Tenant, fresh_database: str
) -> None:
    claimed = await _failing(tenant)
    first, second = [{"endpoint_id": message.endpoint_id} for message in claimed]

    async def forgive() -> None:
        async with tenant.platform.pool.acquire() as connection:
            await failures.forgive(connection, tenant.scope.account_id)

    async with database.held_up(fresh_database) as (holder, looker):
        await tables.lock(holder, "endpoint_failures", first)
        forgiving = asyncio.create_task(forgive())
        await _until_one_waits(looker)
        async with looker.transaction():
            await tables.lock(looker, "endpoint_failures", second)
    await forgiving
    assert await tables.count(tenant.platform.pool, "endpoint_failures") == 0
