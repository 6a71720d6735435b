"""Claims, leases and tokens, two workers taking turns over one database."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from estafette.core.account import Mode
from estafette.store import outbox
from estafette.store.outbox import Claimed, Finished
from estafette.usecases.platform import Platform
from tests.usecases.stage import Tenant, new_tenant, platform_over
from tests.webhooks.stage import attempts, listen_at, messages


@pytest.fixture
async def platform(fresh_database: str) -> AsyncIterator[Platform]:
    """The running Estafette on a database of the test's own."""
    async with platform_over(fresh_database) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """An account with an endpoint."""
    tenant = await new_tenant(platform, Mode.LIVE)
    await listen_at(tenant, "http://127.0.0.1:9/")
    return tenant


async def claim(tenant: Tenant, worker: str, **limits: Any) -> list[Claimed]:
    async with tenant.platform.pool.acquire() as connection:
        return await outbox.claim(
            connection,
            limits.get("rooms", {}),
            room=limits.get("room", 100),
            limit=limits.get("limit", 100),
            lease_seconds=limits.get("lease_seconds", 30.0),
            worker=worker,
        )


def finished(message: Claimed, **changes: Any) -> Finished:
    fields: dict[str, Any] = {
        "account_id": message.scope.account_id,
        "message_id": message.id,
        "attempt": message.attempt,
        "is_delivered": True,
        "retry_seconds": None,
        "began": time.monotonic() - 2,
        "duration_seconds": 1.5,
        "outcome": "delivered",
        "http_status": 200,
        "error": None,
    }
    return Finished(**fields | changes)


async def record(tenant: Tenant, worker: str, *results: Finished, again: bool = False) -> int:
    async with tenant.platform.pool.acquire() as connection:
        return await outbox.record(connection, results, worker=worker, again=again)


async def lapse(tenant: Tenant) -> None:
    """Lets every lease be over."""
    await tenant.platform.pool.execute("update messages set due_at = now() - interval '1 second'")


async def test_a_claimed_message_is_nobody_elses_until_its_lease_ends(tenant: Tenant) -> None:
    await tenant.create()
    [first] = await claim(tenant, "one")
    assert await claim(tenant, "other") == []
    await lapse(tenant)
    [second] = await claim(tenant, "other")
    assert (first.id, first.attempt) == (second.id, 1)
    assert second.attempt == 2


async def test_a_stale_worker_changes_nothing_but_its_attempt_is_kept(tenant: Tenant) -> None:
    await tenant.create()
    [first] = await claim(tenant, "one")
    await lapse(tenant)
    [second] = await claim(tenant, "other")
    before = await messages(tenant)
    assert await record(tenant, "one", finished(first)) == 0
    after = await messages(tenant)
    untouched = ("state", "attempt", "due_at", "leased_by")
    assert [before[0][name] for name in untouched] == [after[0][name] for name in untouched]
    assert await record(tenant, "other", finished(second)) == 1
    assert (await messages(tenant))[0]["state"] == "delivered"
    kept = await attempts(tenant)
    assert {(one["attempt"], one["worker"]) for one in kept} == {(1, "one"), (2, "other")}


async def test_an_attempt_without_a_report_does_not_count_in_the_schedule(tenant: Tenant) -> None:
    await tenant.create()
    for attempt in (1, 2, 3):
        [message] = await claim(tenant, "one")
        assert (message.attempt, message.attempt_in_round) == (attempt, 1)
        await lapse(tenant)
    [message] = await claim(tenant, "one")
    failed = finished(message, is_delivered=False, retry_seconds=0.0)
    assert await record(tenant, "one", failed) == 1
    [message] = await claim(tenant, "one")
    assert (message.attempt, message.attempt_in_round) == (5, 2)


async def test_what_is_recorded_again_after_a_doubtful_commit_is_kept_once(tenant: Tenant) -> None:
    await tenant.create()
    [message] = await claim(tenant, "one")
    failed = finished(message, is_delivered=False, retry_seconds=60.0, outcome="rejected")
    assert await record(tenant, "one", failed) == 1
    assert await record(tenant, "one", failed, again=True) == 0
    [attempt] = await attempts(tenant)
    assert attempt["duration_ms"] == 1500
    [stored] = await messages(tenant)
    assert 55 < stored["due_in"] <= 60


async def test_what_is_given_back_is_as_if_it_had_not_been_claimed(tenant: Tenant) -> None:
    await tenant.create()
    [message] = await claim(tenant, "one")
    async with tenant.platform.pool.acquire() as connection:
        await outbox.release(connection, [message], worker="other")
        assert await claim(tenant, "other") == []
        await outbox.release(connection, [message], worker="one")
    [again] = await claim(tenant, "other")
    assert (again.attempt, again.attempt_in_round) == (1, 1)


async def test_an_endpoint_gives_no_more_than_its_room(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    for _ in range(5):
        await tenant.create()
        await other.create()
    crowded = (await messages(tenant))[0]["endpoint_id"]
    taken = await claim(tenant, "one", rooms={crowded: 0}, room=3)
    assert [message.scope for message in taken] == [other.scope] * 3
    taken = await claim(tenant, "one", rooms={crowded: 4}, limit=2)
    assert len(taken) == 2


async def test_a_message_that_another_worker_is_claiming_is_passed_over(tenant: Tenant) -> None:
    await tenant.create()
    await tenant.create()
    ids = [message["id"] for message in await messages(tenant)]
    async with tenant.platform.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from messages where id = $1 for update", ids[0])
        assert [message.id for message in await claim(tenant, "one")] == ids[1:]


async def test_the_next_due_time_is_that_of_the_first_of_all_endpoints(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    pool: asyncpg.Pool[asyncpg.Record] = tenant.platform.pool
    async with pool.acquire() as connection:
        assert await outbox.next_due(connection) is None
        await tenant.create()
        await other.create()
        await connection.execute("update messages set due_at = now() + interval '50 seconds'")
        await connection.execute(
            "update messages set due_at = now() + interval '20 seconds' where account_id = $1",
            other.scope.account_id,
        )
        assert 15 < (await outbox.next_due(connection) or 0) <= 20
        depth = await outbox.depth(connection)
        assert depth == (2, 0.0)


async def test_a_claim_finds_its_way_by_the_index_alone(tenant: Tenant) -> None:
    """Whatever the planner believes: no statement of the worker may read a whole table."""
    await tenant.create()
    pool: asyncpg.Pool[asyncpg.Record] = tenant.platform.pool
    await pool.execute(
        "insert into messages (account_id, id, endpoint_id, delivery_id, seq, state, due_at)"
        " select account_id, gen_random_uuid(), endpoint_id, delivery_id, seq, 'delivered', due_at"
        " from messages cross join generate_series(1, 20000)"
    )
    await pool.execute("analyze messages")
    async with pool.acquire() as connection:
        before = await _whole_reads(connection)
    for _ in range(8):  # beyond the fifth execution a generic plan may be chosen
        [message] = await claim(tenant, "one", rooms={uuid4(): 5})
        failed = finished(message, is_delivered=False, retry_seconds=0.0)
        assert await record(tenant, "one", failed) == 1
    async with pool.acquire() as connection:
        assert await _whole_reads(connection) == before


async def _whole_reads(connection: Any) -> dict[str, int]:
    await connection.execute("select pg_stat_force_next_flush()")
    found = await connection.fetch(
        "select relname, seq_scan from pg_stat_user_tables where relname = any($1)",
        ["messages", "events", "deliveries"],
    )
    return {row["relname"]: row["seq_scan"] for row in found}
