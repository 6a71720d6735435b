"""The databases that the tests stand on."""

import asyncpg


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class"
            " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        return {row["relname"] for row in rows}
    finally:
        await connection.close()


async def test_worker_database_is_migrated(connection: asyncpg.Connection) -> None:
    assert await connection.fetchval("SELECT count(*) > 0 FROM migrations")


async def test_fresh_database_is_migrated_and_its_own(
    fresh_database: str, postgres_dsn: str
) -> None:
    before = await _tables(postgres_dsn)
    connection = await asyncpg.connect(fresh_database)
    await connection.execute("CREATE TABLE own_alone ()")
    await connection.close()
    assert await _tables(fresh_database) - before == {"own_alone"}
    assert await _tables(postgres_dsn) == before


async def test_empty_database_has_no_tables(empty_database: str) -> None:
    assert await _tables(empty_database) == set()


async def test_clean_database_keeps_what_the_migrations_wrote(clean_database: str) -> None:
    connection = await asyncpg.connect(clean_database)
    try:
        assert await connection.fetchval("SELECT count(*) > 0 FROM migrations")
    finally:
        await connection.close()
