"""The databases and ports that the tests stand on."""

import asyncpg
import pytest

from tests.processes import free_port
from tests.rows import database, tables


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return set(await tables.names(connection))
    finally:
        await connection.close()


async def test_worker_database_is_migrated(connection: asyncpg.Connection) -> None:
    assert await tables.count(connection, "migrations") > 0


async def test_fresh_database_is_migrated_and_its_own(
    fresh_database: str, postgres_dsn: str
) -> None:
    before = await _tables(postgres_dsn)
    await database.migrate_on(fresh_database)
    assert await _tables(fresh_database) - before == {"of_the_next_version"}
    assert await _tables(postgres_dsn) == before


async def test_empty_database_has_no_tables(empty_database: str) -> None:
    assert await _tables(empty_database) == set()


async def test_clean_database_keeps_what_the_migrations_wrote(clean_database: str) -> None:
    connection = await asyncpg.connect(clean_database)
    try:
        assert await tables.count(connection, "migrations") > 0
    finally:
        await connection.close()


def test_no_port_is_given_to_two_tests() -> None:
    assert len({free_port() for _ in range(500)}) == 500


def test_names_of_tests_are_short(request: pytest.FixtureRequest) -> None:
    """Every worker is told all of them, and a process that a test starts is told its own."""
    assert [item.nodeid[:200] for item in request.session.items if len(item.nodeid) > 1_000] == []
