"""Connections to PostgreSQL, set up alike in every process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute
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

TROUBLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # a shutdown, or somebody ended the connection
    asyncpg.InsufficientResourcesError,  # its disk or memory is full, or all connections are taken
    asyncpg.TransactionRollbackError,  # a deadlock, or a serialization failure
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.ObjectNotInPrerequisiteStateError,  # a lock is not had in time; it takes nobody in
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,  # its files cannot be read or written
    asyncpg.InvalidAuthorizationSpecificationError,  # it does not let us in any more
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a statement raises because of the database's state, not of what it says."""

_IN_DOUBT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # a shutdown, or somebody ended the connection
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def is_in_doubt(error: Exception) -> bool:
    """Whether a transaction that ended with this error may have been committed all the same.

    It may when its connection went away, for the loss can hide the answer to the commit. An error
    that the server reports, or a value that could not be encoded, means that nothing was written.
    """
    return isinstance(error, _IN_DOUBT) and not isinstance(error, asyncpg.DataError)


_SETTINGS = {
    "application_name": "estafette",
    "timezone": "UTC",
    "jit": "off",  # every statement here is short
    # A hot statement is a handful of look-ups by index. Its plan is kept by the connection, so one
    # made while a table was small must not be a scan of it: nothing would replace it for a minute.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "idle_in_transaction_session_timeout": "30s",
}


_STATEMENT_SECONDS = 30

CONNECT_SECONDS = 10.0
"""How long a connection may take to be made: a machine that is gone does not refuse it."""


def writable(dsn: str) -> SessionAttribute | None:
    """Returns what asyncpg shall look for among the servers of `dsn`: one that can be written to.

    After a failover the old primary may be a standby, and the next connection goes to the new one.
    Where the address says itself what it wants (`target_session_attrs`), that holds.
    """
    return None if "target_session_attrs" in dsn else SessionAttribute.read_write


async def open_pool(
    dsn: str, *, size: int, opened: int = 1, statement_seconds: float = _STATEMENT_SECONDS
) -> Pool:
    """A pool of at most `size` connections to the database at `dsn`, `opened` of them at once.

    A statement may take `statement_seconds` by the database's clock. Raises OSError or
    asyncpg.PostgresError when the database cannot be reached.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=opened,
        max_size=size,
        timeout=CONNECT_SECONDS,
        target_session_attrs=writable(dsn),
        server_settings={**_SETTINGS, "statement_timeout": f"{round(statement_seconds * 1000)}ms"},
        command_timeout=statement_seconds + 5,
        reset=_keep,
    )


async def place(connection: Connection) -> str:
    """Returns where the database is, and as whom it is used, for people: no password."""
    return await connection.fetchval(
        "select format('%s at %s, as %s', current_database(),"
        " coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'a local socket'),"
        " current_user)"
    )


async def now(connection: Connection) -> datetime:
    """Returns the time by the database's clock, in whole milliseconds: what is written is so."""
    return await connection.fetchval("select date_trunc('milliseconds', clock_timestamp())")


async def clock(connection: Connection) -> datetime:
    """Returns the time by the same clock in full, which nothing written before is later than."""
    return await connection.fetchval("select clock_timestamp()")


async def began(connection: Connection) -> datetime:
    """Returns the time by the same clock at which the transaction began."""
    return await connection.fetchval("select now()")


_IN_ORDER = "; ".join(
    f"set local enable_{way} = off" for way in ("sort", "incremental_sort", "bitmapscan")
)


@asynccontextmanager
async def reading_in_order(connection: Connection) -> AsyncGenerator[None]:
    """A transaction whose statements read in the order of an index wherever there is one.

    For pages of lists: an index in the list's order reads what is shown and little more, whatever
    there is. Where the statistics are old, the planner may believe that a list has a few rows, and
    would rather find all of them and sort them.
    """
    async with connection.transaction():
        await connection.execute(_IN_ORDER)
        yield


async def _keep(connection: object) -> None:
    """Spares the reset query: nothing here leaves session state behind in a pooled connection."""
