"""Connections to PostgreSQL, set up alike in every process."""

from datetime import datetime
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

DATABASE_TROUBLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server ends while it is being taken
)
"""What a statement raises when the database is away, restarting or too slow."""

_SETTINGS = {
    "application_name": "estafette",
    "timezone": "UTC",
    "jit": "off",  # every statement here is short
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
}


async def open_pool(dsn: str, *, size: int) -> Pool:
    """A pool of at most `size` connections to the database at `dsn`, one opened at once.

    Raises OSError or asyncpg.PostgresError when the database cannot be reached.
    """
    return await asyncpg.create_pool(
        dsn, min_size=1, max_size=size, server_settings=_SETTINGS, command_timeout=35, reset=_keep
    )


async def now(connection: Connection) -> datetime:
    """The time by the database's clock, in whole milliseconds."""
    return await connection.fetchval("select date_trunc('milliseconds', clock_timestamp())")


async def _keep(connection: object) -> None:
    """Spares the reset query: nothing here leaves session state behind in a pooled connection."""
