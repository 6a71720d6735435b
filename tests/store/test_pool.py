"""What every connection to the database bounds."""

import asyncpg
import pytest

from estafette.store.pool import open_pool


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(postgres_dsn: str) -> None:
    async with await open_pool(postgres_dsn, size=1, statement_seconds=0.1) as pool:
        with pytest.raises(asyncpg.QueryCanceledError, match="statement timeout"):
            await pool.execute("select pg_sleep(60)")
        assert await pool.fetchval("select 1") == 1


async def test_a_statement_that_the_database_does_not_end_is_given_up(postgres_dsn: str) -> None:
    async with await open_pool(postgres_dsn, size=1, statement_seconds=0.1) as pool:
        with pytest.raises(TimeoutError):
            await pool.execute("set statement_timeout = 0; select pg_sleep(60)")


async def test_a_transaction_that_is_left_open_is_ended(postgres_dsn: str) -> None:
    async with await open_pool(postgres_dsn, size=1) as pool:
        shown = "select setting::integer from pg_settings where name = $1"
        assert await pool.fetchval(shown, "idle_in_transaction_session_timeout") == 30_000
        assert await pool.fetchval(shown, "statement_timeout") == 30_000


async def test_a_database_that_cannot_be_written_to_is_not_taken(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    name = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database {name} set default_transaction_read_only = on")
    await connection.close()
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await open_pool(fresh_database, size=1)
    joined = "&" if "?" in fresh_database else "?"
    any_server = f"{fresh_database}{joined}target_session_attrs=any"
    async with await open_pool(any_server, size=1) as pool:
        assert await pool.fetchval("select 1") == 1
