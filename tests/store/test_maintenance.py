"""Partitions are made ahead and dropped when they are over, whatever was left undone before."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from estafette.core.ids import new_id
from estafette.core.retention import Retention
from estafette.store.migrate import migrate
from estafette.store.partitions import Upkeep, keep_up
from estafette.store.pool import open_pool
from estafette.usecases import maintenance
from tests.patience import until

TABLES = ("attempts", "idempotency", "quotes")
KEPT = Retention()


@pytest.fixture
async def alone(fresh_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of its own, that has the partitions of today and no others."""
    connection = await asyncpg.connect(fresh_database)
    if await name_of(connection, "quotes", 7) not in await partitions(connection):
        # it is after midnight, and it is a copy of one that was made before
        for table in TABLES:
            await sleep_for_days(connection, table)
        await migrate(fresh_database)
    yield connection
    await connection.close()


async def partitions(connection: asyncpg.Connection) -> set[str]:
    found = await connection.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = any ($1::text[]::regclass[])",
        list(TABLES),
    )
    return {row["name"] for row in found}


async def name_of(connection: asyncpg.Connection, table: str, days_ahead: int) -> str:
    """The name of the partition of a day."""
    query = "select to_char((now() at time zone 'utc')::date + $1::integer, 'YYYY_MM_DD')"
    return f"{table}_{await connection.fetchval(query, days_ahead)}"


async def add(connection: asyncpg.Connection, table: str, days_ahead: int) -> str:
    """Makes the partition of a day, as an earlier version did."""
    name = await name_of(connection, table, days_ahead)
    day = name[-10:].replace("_", "-")
    await connection.execute(
        f"create table {name} partition of {table}"
        f" for values from ('{day} 00:00:00+00') to ('{day} 24:00:00+00')"
    )
    return name


async def sleep_for_days(connection: asyncpg.Connection, table: str) -> None:
    """Takes all days' partitions away: as if nobody had made any for long."""
    for name in await partitions(connection):
        if name.startswith(f"{table}_2"):
            await connection.execute(f"drop table {name}")


async def answer(connection: asyncpg.Connection, rows: int = 1, *, days_ago: float = 0) -> str:
    """Keeps answers to one key, given some days ago; returns the key."""
    key = uuid4().hex
    await connection.execute(
        "insert into idempotency"
        " (account_id, mode, endpoint, key, fingerprint, status, body, created_at)"
        " select $1, 'live', 'POST /', $2, '', 201, '', now() - make_interval(secs => $3)"
        " from generate_series(1, $4::integer)",
        uuid4(),
        key,
        days_ago * 86_400,
        rows,
    )
    return key


async def kept_in(connection: asyncpg.Connection, key: str) -> dict[str, int]:
    """In which partitions the answers to a key are, and how many."""
    found = await connection.fetch(
        "select tableoid::regclass::text as name, count(*) from idempotency"
        " where key = $1 group by 1",
        key,
    )
    return {row["name"]: row["count"] for row in found}


async def test_partitions_that_are_over_are_dropped(alone: asyncpg.Connection) -> None:
    before = await partitions(alone)
    over = {await add(alone, "attempts", -31), await add(alone, "idempotency", -3)}
    # of the day on which the time was over, a part is not
    kept = {await add(alone, "attempts", -30), await add(alone, "idempotency", -2)}
    done = await keep_up(alone, KEPT)
    assert (set(done.dropped), done.made, done.failed) == (over, [], {})
    assert await partitions(alone) == before | kept
    assert await keep_up(alone, KEPT) == Upkeep()


async def test_a_week_of_days_to_come_has_its_partitions(alone: asyncpg.Connection) -> None:
    await keep_up(alone, KEPT)
    days = {await name_of(alone, table, ahead) for table in TABLES for ahead in range(8)}
    known = await partitions(alone)
    assert days <= known
    assert {await name_of(alone, table, 8) for table in TABLES} & known == set()


async def test_a_longer_retention_keeps_partitions_longer(alone: asyncpg.Connection) -> None:
    old = await add(alone, "attempts", -31)
    await keep_up(alone, KEPT._replace(attempts=timedelta(days=40)))
    assert old in await partitions(alone)


async def test_a_migration_drops_nothing(alone: asyncpg.Connection, fresh_database: str) -> None:
    old = await add(alone, "attempts", -400)
    await migrate(fresh_database)
    assert old in await partitions(alone)


@pytest.mark.parametrize("rows", [3, 6_000])
async def test_rows_that_came_before_their_partition_are_found_in_it_then(
    alone: asyncpg.Connection, fresh_database: str, rows: int
) -> None:
    every = await partitions(alone)
    await sleep_for_days(alone, "idempotency")
    key = await answer(alone, rows)
    assert await kept_in(alone, key) == {"idempotency_default": rows}
    assert await migrate(fresh_database) == ([], {})
    assert await kept_in(alone, key) == {await name_of(alone, "idempotency", 0): rows}
    assert await partitions(alone) == every
    assert await keep_up(alone, KEPT) == Upkeep()
    new = await answer(alone)
    assert await kept_in(alone, new) == {await name_of(alone, "idempotency", 0): 1}


async def test_rows_of_many_days_become_one_partition_that_ends_with_today(
    alone: asyncpg.Connection,
) -> None:
    await sleep_for_days(alone, "idempotency")
    keys = [await answer(alone, days_ago=days) for days in range(9)]
    done = await keep_up(alone, KEPT)
    today = await name_of(alone, "idempotency", 0)
    assert (done.dropped, done.failed) == ([], {})
    for key in keys:
        assert await kept_in(alone, key) == {today: 1}
    stray = await answer(alone, days_ago=-60)  # a wrong clock is refused no longer
    assert await kept_in(alone, stray) == {"idempotency_default": 1}


async def test_a_check_that_a_killed_process_left_refuses_nothing_after_the_next_round(
    alone: asyncpg.Connection,
) -> None:
    await alone.execute(
        "alter table idempotency_default add constraint of_these_days"
        " check (created_at < '2020-01-01') not valid"
    )
    await keep_up(alone, KEPT)
    await answer(alone, days_ago=-60)


async def test_a_backup_holds_up_neither_the_start_nor_who_writes(
    alone: asyncpg.Connection, fresh_database: str
) -> None:
    await sleep_for_days(alone, "idempotency")
    await sleep_for_days(alone, "attempts")
    await answer(alone, 6_000)
    backup, writer = await asyncpg.connect(fresh_database), await asyncpg.connect(fresh_database)
    try:
        async with backup.transaction():
            await backup.execute("lock table idempotency in access share mode")
            upkeep = asyncio.create_task(migrate(fresh_database))
            await writer.execute("set lock_timeout = '30s'")
            while not upkeep.done():
                await answer(writer)
            assert set((await upkeep).without_partitions) == {"idempotency"}
        # what is read by nobody has its partitions
        assert await name_of(alone, "attempts", 0) in await partitions(alone)
        assert (await keep_up(alone, KEPT)).failed == {}
        assert await name_of(alone, "idempotency", 0) in await partitions(alone)
    finally:
        await backup.close()
        await writer.close()


async def test_one_day_that_cannot_be_made_costs_none_of_the_others(
    alone: asyncpg.Connection,
) -> None:
    await sleep_for_days(alone, "idempotency")
    await sleep_for_days(alone, "quotes")
    taken = await name_of(alone, "idempotency", 3)
    await alone.execute(f"create table {taken} ()")
    done = await keep_up(alone, KEPT)
    assert set(done.failed) == {"idempotency"}
    made = {await name_of(alone, "idempotency", ahead) for ahead in (0, 1, 2, 4, 5, 6, 7)}
    assert made | {await name_of(alone, "quotes", 7)} <= await partitions(alone)


async def test_rows_that_can_get_no_partition_are_removed_when_they_are_over(
    alone: asyncpg.Connection,
) -> None:
    await sleep_for_days(alone, "idempotency")
    old, older = await answer(alone, 6_000, days_ago=5), await answer(alone, 6_000, days_ago=9)
    await add(alone, "idempotency", -7)  # between them: the default partition cannot become both
    for _ in range(4):
        await keep_up(alone, KEPT)
    assert await kept_in(alone, old) == await kept_in(alone, older) == {}


async def test_missing_partitions_are_made_until_told_to_stop(
    alone: asyncpg.Connection, fresh_database: str
) -> None:
    pool = await open_pool(fresh_database, size=2)
    try:
        before = await partitions(alone)
        for table in TABLES:
            await sleep_for_days(alone, table)
        stop = asyncio.Event()

        async def complete() -> bool:
            return await partitions(alone) == before

        keeping = asyncio.create_task(maintenance.loop(pool, KEPT).run(stop))
        await until(complete)
        stop.set()
        await keeping
    finally:
        await pool.close()


async def test_quotes_that_were_there_before_their_partitions_stay_until_they_are_over(
    alone: asyncpg.Connection,
) -> None:
    """As a database is that has its quotes in one table when this version comes."""
    await sleep_for_days(alone, "quotes")
    columns = await alone.fetch(
        "select attname, format_type(atttypid, atttypmod) as type from pg_attribute"
        " where attrelid = 'quotes'::regclass and attnum > 0 and attnotnull and not attisdropped"
        " and attname not in ('id', 'account_id') and not atthasdef"
    )
    values = {"text": "'live'", "jsonb": "'{}'", "timestamp with time zone": "now()"}
    names = ", ".join(row["attname"] for row in columns)
    made = ", ".join(values.get(row["type"], "'1'") for row in columns)
    now = await alone.fetchval("select now()")
    for days_ago in (400, 100, 40, 1, 0):
        await alone.execute(
            f"insert into quotes (account_id, id, {names}) values ($1, $2, {made})",
            uuid4(),
            new_id(now - timedelta(days=days_ago)),
        )
    done = await keep_up(alone, KEPT)
    assert (done.dropped, done.failed) == ([], {})
    assert await alone.fetchval("select count(*) from quotes_default") == 0
    assert await alone.fetchval("select count(*) from quotes") == 5
    await keep_up(alone, KEPT)
    assert await alone.fetchval("select count(*) from quotes") == 5  # some of them still count


async def test_partitions_get_the_indexes_that_the_table_has_got_since(
    alone: asyncpg.Connection,
) -> None:
    """Those too whose building came no further than the index itself."""
    name = await name_of(alone, "attempts", 1)
    made = [
        await alone.fetchval("select pg_get_indexdef($1::text::regclass)", index)
        for index in ("attempts_of_endpoint", "attempts_failed")
    ]
    await sleep_for_days(alone, "attempts")
    await alone.execute("drop index attempts_of_endpoint; drop index attempts_failed")
    await add(alone, "attempts", 1)
    for each in made:
        await alone.execute(each)  # of the table only
    columns = made[0].partition(" USING ")[2]
    await alone.execute(f"create index {name}_attempts_of_endpoint on {name} using {columns}")
    done = await keep_up(alone, KEPT)
    assert done.failed == {}
    for partition in (name, "attempts_default"):
        found = await alone.fetch(
            "select indisvalid, inhparent::regclass::text as of from pg_index"
            " join pg_inherits on inhrelid = indexrelid where indrelid = $1::text::regclass",
            partition,
        )
        assert {row["of"] for row in found} == {
            *("attempts_of_message", "attempts_of_endpoint", "attempts_failed")
        }
        assert all(row["indisvalid"] for row in found)
