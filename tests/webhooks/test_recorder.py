"""Results on their way into the database: none is lost, whatever becomes of the others."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from prometheus_client import REGISTRY

from estafette.store.pool import Connection, Pool, open_pool
from estafette.store.webhooks import outbox
from estafette.store.webhooks.outbox import ClaimedMessage, Finished
from estafette.webhooks.recorder import Recorder
from tests.patience import until
from tests.rows import tables
from tests.store.webhooks.claims import finished
from tests.usecases.stage import Tenant
from tests.webhooks.stage import attempts, listen_at, messages

WORKER = "one"
LEASE_SECONDS = 600.0


async def _claimed(tenant: Tenant, count: int) -> list[ClaimedMessage]:
    await listen_at(tenant, "http://127.0.0.1:9/")
    for _ in range(count):
        await tenant.create()
    async with tenant.platform.pool.acquire() as connection:
        where = {"account_id": tenant.account.id, "url": tables.PRESENT}
        endpoint_id = await tables.value(connection, "endpoints", "id", where)
        claimed = await outbox.claim(
            connection, {endpoint_id: 100}, lease_seconds=LEASE_SECONDS, worker=WORKER
        )
    assert len(claimed) == count
    return claimed


async def _write(pool: Any, results: list[Finished]) -> None:
    """Writes the results, and returns when it is done."""
    recorder = Recorder(pool, WORKER, lambda: False, lambda: None)
    for result in results:
        recorder.add(result)
    recorder.close()
    async with asyncio.timeout(60):
        await recorder.run()
    assert recorder.waiting == 0


async def test_a_result_that_cannot_be_written_costs_none_of_the_others(tenant: Tenant) -> None:
    claimed = await _claimed(tenant, 5)
    bad = claimed[2].id
    results = [
        finished(message, http_status=100_000 if message.id == bad else 200) for message in claimed
    ]
    await _write(tenant.platform.pool, results)
    states = {message["id"]: message["state"] for message in await messages(tenant)}
    assert states == {
        message.id: "pending" if message.id == bad else "delivered" for message in claimed
    }
    assert {one["message_id"] for one in await attempts(tenant)} == set(states) - {bad}


async def test_who_waits_for_room_hears_of_each_batch_once_it_waits_no_more(
    tenant: Tenant,
) -> None:
    claimed = await _claimed(tenant, 2)
    left: list[int] = []
    recorder = Recorder(
        tenant.platform.pool, WORKER, lambda: False, lambda: left.append(recorder.waiting)
    )
    for message in claimed:
        recorder.add(finished(message))
    recorder.close()
    async with asyncio.timeout(60):
        await recorder.run()
    assert left == [0]


async def test_results_that_are_not_written_in_time_are_written_later(
    tenant: Tenant, fresh_database: str
) -> None:
    claimed = await _claimed(tenant, 2)
    async with (
        await open_pool(fresh_database, size=1, statement_seconds=0.2) as impatient,
        tenant.platform.pool.acquire() as connection,
    ):
        transaction = connection.transaction()
        await transaction.start()
        await tables.lock(connection, "messages", {"account_id": tenant.account.id})
        before = _failures()
        writing = asyncio.create_task(_write(impatient, [finished(one) for one in claimed]))

        async def was_refused() -> bool:
            return _failures() > before

        await until(was_refused)
        assert not writing.done()
        await transaction.rollback()
        await writing
    assert [message["state"] for message in await messages(tenant)] == ["delivered"] * 2


def _failures() -> float:
    """How often this process could not write results."""
    work = {"work": "recording what came of webhooks"}
    return REGISTRY.get_sample_value("estafette_database_failures_total", work) or 0.0


class _LosingTheFirstAnswer:
    """A pool whose first connection is lost once the database has committed what it was told."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_lost = False

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        async with self._pool.acquire() as connection:
            yield connection
        if not self._is_lost:
            self._is_lost = True
            raise ConnectionResetError


async def test_results_whose_commit_was_not_heard_of_are_kept_once(tenant: Tenant) -> None:
    claimed = await _claimed(tenant, 2)
    results = [finished(one, is_delivered=False, retry_seconds=60.0) for one in claimed]
    await _write(_LosingTheFirstAnswer(tenant.platform.pool), results)
    kept = await attempts(tenant)
    assert {one["message_id"] for one in kept} == {one.id for one in claimed}
    assert len(kept) == 2


async def test_more_results_than_are_written_at_once_are_all_written(tenant: Tenant) -> None:
    [message] = await _claimed(tenant, 1)
    results = [finished(message, message_id=uuid4()) for _ in range(2_100)]
    await _write(tenant.platform.pool, results)
    assert {one["message_id"] for one in await attempts(tenant)} == {
        result.message_id for result in results
    }
