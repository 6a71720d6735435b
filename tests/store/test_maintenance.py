"""Partitions are made ahead and dropped when they are over."""

import asyncio

import asyncpg

from estafette.store.maintenance import keep, maintain
from estafette.store.pool import open_pool
from tests.webhooks.stage import until


async def _partitions(connection: asyncpg.Connection) -> set[str]:
    found = await connection.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent in ('attempts'::regclass, 'idempotency'::regclass)"
    )
    return {row["name"] for row in found}


async def _add(connection: asyncpg.Connection, table: str, days_ago: int) -> str:
    first: str = await connection.fetchval(
        "select ((now() at time zone 'utc')::date - $1::integer)::text", days_ago
    )
    name = f"{table}_{first.replace('-', '_')}"
    await connection.execute(
        f"create table {name} partition of {table}"
        f" for values from ('{first} 00:00:00+00') to ('{first} 24:00:00+00')"
    )
    return name


async def test_partitions_that_are_over_are_dropped(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    try:
        before = await _partitions(connection)
        over = {
            await _add(connection, "attempts", 31),
            await _add(connection, "idempotency", 3),
        }
        kept = {
            await _add(connection, "attempts", 29),
            await _add(connection, "idempotency", 1),
        }
        assert set(await maintain(connection)) == over
        assert await _partitions(connection) == before | kept
        assert await maintain(connection) == []
    finally:
        await connection.close()


async def test_missing_partitions_are_made_until_told_to_stop(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    pool = await open_pool(fresh_database, size=2)
    try:
        before = await _partitions(connection)
        for name in before - {"attempts_default", "idempotency_default"}:
            await connection.execute(f"drop table {name}")
        stop = asyncio.Event()

        async def complete() -> bool:
            return await _partitions(connection) == before

        keeping = asyncio.create_task(keep(pool, stop))
        await until(complete)
        stop.set()
        await keeping
    finally:
        await pool.close()
        await connection.close()
