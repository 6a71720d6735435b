"""Migrations: by many processes at once, interrupted, beside those who write."""

import asyncio
import re

import asyncpg
import pytest

from estafette.store.migrate import migrate, migrations
from tests.patience import until

INDEX = "deliveries_by_milestone"
NAME = "0008_lists"

_IS_VALID = "select indisvalid from pg_index where indexrelid = to_regclass($1)"
_WRITE = """
insert into deliveries (account_id, id, mode, status, milestone, seq, pickup, dropoff, parcel, fee,
    pickup_by, deliver_by, created_at, updated_at)
values (gen_random_uuid(), gen_random_uuid(), 'live', 'pending', 'pending', 1, '{}', '{}', '{}', 0,
    now(), now(), now(), now())
"""


async def _unbuild(connection: asyncpg.Connection) -> None:
    """As before the migration that builds the index."""
    await connection.execute(f"drop index {INDEX}")
    await connection.execute("delete from migrations where name = $1", NAME)


async def test_of_processes_that_start_at_once_one_migrates(empty_database: str) -> None:
    done = await asyncio.gather(*(migrate(empty_database) for _ in range(10)))
    assert sorted(name for one in done for name in one.applied) == [
        name for name, _ in migrations()
    ]
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("select count(*) from pg_index where not indisvalid") == 0
    await connection.close()


async def test_an_index_whose_building_was_interrupted_is_built_anew(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    writer = await asyncpg.connect(fresh_database)
    await _unbuild(connection)
    async with writer.transaction():
        await writer.execute(_WRITE)
        query, milliseconds = f"create index concurrently {INDEX} on deliveries (id)", 200
        while await connection.fetchval(_IS_VALID, INDEX) is None:  # interrupted before it began
            await connection.execute(f"set statement_timeout = {milliseconds}")
            with pytest.raises(asyncpg.QueryCanceledError):
                await connection.execute(query)
            await connection.execute("reset statement_timeout")
            milliseconds *= 4
    assert await connection.fetchval(_IS_VALID, INDEX) is False
    assert (await migrate(fresh_database)).applied == [NAME]
    assert await connection.fetchval(_IS_VALID, INDEX) is True
    definition = await connection.fetchval("select pg_get_indexdef($1::text::regclass)", INDEX)
    assert "milestone" in definition
    await writer.close()
    await connection.close()


async def test_nobody_who_writes_waits_for_the_building_of_an_index(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    writer = await asyncpg.connect(fresh_database)
    await _unbuild(connection)
    reader = writer.transaction()
    await reader.start()
    await writer.execute(_WRITE)  # the building waits for the end of this transaction
    migrating = asyncio.create_task(migrate(fresh_database))
    building = "select count(*) from pg_stat_progress_create_index where datname = $1"
    name = await connection.fetchval("select current_database()")

    async def is_building() -> bool:
        return bool(await connection.fetchval(building, name))

    await until(is_building)
    await connection.execute("set lock_timeout = '30s'")
    await connection.execute(_WRITE)
    assert not migrating.done()
    await reader.commit()
    assert (await migrating).applied == [NAME]
    await writer.close()
    await connection.close()


async def test_others_pass_a_migration_that_waits_for_a_lock(fresh_database: str) -> None:
    reader = await asyncpg.connect(fresh_database)
    other = await asyncpg.connect(fresh_database)
    await other.execute("alter table quotes drop column digests")
    await other.execute("delete from migrations where name = '0007_quote_digests'")
    reading = reader.transaction()
    await reading.start()
    await reader.execute("select from quotes")  # as a backup does: the migration waits for its end
    migrating = asyncio.create_task(migrate(fresh_database))

    async def is_waiting() -> bool:
        return await other.fetchval(
            "select count(*) > 0 from pg_locks where not granted"
            " and relation = 'quotes'::regclass and database ="
            " (select oid from pg_database where datname = current_database())"
        )

    await until(is_waiting)
    await other.execute("set lock_timeout = '30s'")  # it stands behind the one that waits
    await other.execute("select from quotes")
    assert not migrating.done()
    await reading.commit()
    assert (await migrating).applied == ["0007_quote_digests"]
    await reader.close()
    await other.close()


_TABLE = re.compile(r"create table (?:if not exists )?(\w+)")
_INDEX = re.compile(
    r"create (?:unique )?index (?!concurrently)(?:if not exists )?\w+ on (?!only )(\w+)"
)


@pytest.mark.parametrize("name", [name for name, _ in migrations() if name > "0014"])
def test_no_index_of_a_table_that_may_be_big_keeps_its_writers_waiting(name: str) -> None:
    """One that is built in the migration's transaction is of a table that it makes itself.

    Or of a table with partitions, alone: theirs are built beside their writers.
    """
    sql = dict(migrations())[name]
    made = set(_TABLE.findall(sql))
    assert set(_INDEX.findall(sql)) - made == set()
