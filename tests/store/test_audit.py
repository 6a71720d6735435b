"""The audit is only ever added to, and ends by the month."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from estafette.core.audit import AuditEntry, By
from estafette.core.ids import new_id
from estafette.store import audit
from estafette.store.audit import AuditFilter, AuditPosition
from estafette.store.migrate import migrate
from estafette.store.partitions import Upkeep


async def _note(connection: asyncpg.Connection) -> AuditEntry:
    at = datetime.now(UTC)
    entry = AuditEntry(new_id(), at, By.command("op"), "key.disabled", new_id(), None, "x", {})
    await audit.insert(connection, entry)
    return entry


async def _partitions(connection: asyncpg.Connection) -> list[str]:
    found = await connection.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = 'audit'::regclass order by name"
    )
    return [row["name"] for row in found]


async def _add(connection: asyncpg.Connection, months_ago: int) -> str:
    """Gives a past month a partition with one entry, as if it had been written then."""
    month: datetime = await connection.fetchval(
        "select date_trunc('month', now() at time zone 'utc') - make_interval(months => $1)",
        months_ago,
    )
    following = (month + timedelta(days=32)).replace(day=1)
    name = f"audit_{month:%Y_%m}"
    await connection.execute(
        f"create table {name} partition of audit for values"
        f" from ('{month:%Y-%m-%d} 00:00+00') to ('{following:%Y-%m-%d} 00:00+00')"
    )
    await connection.execute(
        "insert into audit (at, id, by_kind, by_name, act, changes)"
        " values ($1, $2, 'command', 'op', 'key.disabled', '{}')",
        month.replace(tzinfo=UTC),
        new_id(),
    )
    return name


async def test_no_entry_can_be_changed_or_removed(connection: asyncpg.Connection) -> None:
    entry = await _note(connection)
    table: str = await connection.fetchval(
        "select tableoid::regclass::text from audit where id = $1", entry.id
    )
    assert table != "audit"
    for named in ("audit", table):
        for statement in (
            f"update {named} set act = 'key.enabled'",
            f"update {named} set at = at + interval '40 days'",
            f"delete from {named}",
            f"truncate {named}",
        ):
            with pytest.raises(asyncpg.RestrictViolationError, match="only ever added to"):
                await connection.execute(statement)
    row = await connection.fetchrow("select act, by_name from audit where id = $1", entry.id)
    assert row is not None
    assert tuple(row) == ("key.disabled", "op")


async def test_a_month_that_is_over_is_dropped_whole(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    try:
        await audit.keep_up(connection, timedelta(days=730), Upkeep())
        over, kept = await _add(connection, 26), await _add(connection, 2)
        done = Upkeep()
        await audit.keep_up(connection, timedelta(days=730), done)
        assert (done.made, done.dropped, done.failed) == ([], [over], {})
        assert over not in await _partitions(connection)
        assert kept in await _partitions(connection)
        assert await connection.fetchval("select count(*) from audit") == 1
        await audit.keep_up(connection, timedelta(days=730), done)
        assert done.dropped == [over]
    finally:
        await connection.close()


async def test_a_year_of_months_is_made_ahead_also_after_a_long_sleep(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    try:
        for name in await _partitions(connection):
            await connection.execute(f"drop table {name}")
        with pytest.raises(asyncpg.CheckViolationError):
            await _note(connection)
        await migrate(fresh_database)
        made = await _partitions(connection)
        assert len(made) == audit.MONTHS_AHEAD + 1
        assert made[0] == await connection.fetchval(
            "select to_char(now() at time zone 'utc', '\"audit_\"YYYY_MM')"
        )
        await test_no_entry_can_be_changed_or_removed(connection)
    finally:
        await connection.close()


async def test_a_reader_holds_up_neither_the_making_of_partitions_nor_acts(
    fresh_database: str,
) -> None:
    """A backup reads in one long transaction."""
    connection, backup = (
        await asyncpg.connect(fresh_database),
        await asyncpg.connect(fresh_database),
    )
    try:
        last = (await _partitions(connection))[-1]
        await connection.execute(f"drop table {last}")
        async with backup.transaction():
            await backup.fetch("select * from audit")
            async with asyncio.timeout(60):
                await audit.keep_up(connection, None, Upkeep())
                await _note(connection)
        assert last in await _partitions(connection)
    finally:
        await connection.close()
        await backup.close()


async def test_two_processes_keep_it_up_beside_each_other(fresh_database: str) -> None:
    one, other = await asyncpg.connect(fresh_database), await asyncpg.connect(fresh_database)
    try:
        for name in await _partitions(one):
            await one.execute(f"drop table {name}")
        beside = [audit.keep_up(each, None, Upkeep()) for each in (one, other)]
        await asyncio.gather(*beside)
        assert len(await _partitions(one)) == audit.MONTHS_AHEAD + 1
    finally:
        await one.close()
        await other.close()


async def test_whoever_looks_for_something_rare_reads_that_alone(fresh_database: str) -> None:
    """The months get the indexes that a migration made of the whole table, beside their writers."""
    connection = await asyncpg.connect(fresh_database)
    try:
        done = Upkeep()
        await audit.keep_up(connection, None, done)
        assert done.failed == {}
        assert not await connection.fetch("select 1 from pg_index where not indisvalid")
        await connection.execute(
            "insert into audit (id, by_kind, by_name, act, object, changes)"
            " select gen_random_uuid(), 'command', 'op', 'key.disabled', n::text, '{}'"
            " from generate_series(1, 5000) n"
        )
        rare = AuditEntry(
            new_id(), datetime.now(UTC), By.command("Dana"), "person.reset", None, None, "of%", {}
        )
        await audit.insert(connection, rare)
        await connection.execute("analyze audit")
        for wanted in (
            AuditFilter(by="Dana"),
            AuditFilter(object=str(rare.object)),
            AuditFilter(act="person.reset"),
            AuditFilter(act="person"),
            AuditFilter(act="person", by="Dana", until=datetime.now(UTC) + timedelta(days=1)),
        ):
            await connection.execute("select pg_stat_force_next_flush()")
            before = await _read_by_scans(connection)
            assert [one.id for one in await audit.select(connection, wanted, None, 10)] == [rare.id]
            await connection.execute("select pg_stat_force_next_flush()")
            assert await _read_by_scans(connection) == before, wanted
        for nothing in ("perso", "person.", "p_rson", "%"):
            assert not await audit.select(connection, AuditFilter(act=nothing), None, 10)
        page = await audit.select(connection, AuditFilter(by="op"), None, 2)
        place = AuditPosition(page[-1].at, page[-1].id)
        after = await audit.select(connection, AuditFilter(by="op"), place, 1)
        assert len({one.id for one in [*page, *after]}) == 3
    finally:
        await connection.close()


async def _read_by_scans(connection: asyncpg.Connection) -> int:
    """How many rows of the audit's months were read one after another."""
    await connection.execute("select pg_stat_clear_snapshot()")
    return await connection.fetchval(
        "select sum(seq_tup_read)::bigint from pg_stat_user_tables where relname like 'audit_%'"
    )
