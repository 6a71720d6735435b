"""What an operator wants to know of the database behind a platform."""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from estafette.store import migrate, pool
from estafette.usecases.platform import Platform


class DatabaseReport(NamedTuple):
    """Facts of a database. `clock_ahead_seconds` is how far its clock is ahead of ours.

    `newer_migrations` are those that a newer Estafette has applied.
    """

    version: tuple[int, int]
    answer_seconds: float
    clock_ahead_seconds: float
    pending_migrations: list[str]
    newer_migrations: list[str]


async def inspect_database(platform: Platform) -> DatabaseReport:
    """Asks the database. Raises what asyncpg raises when it cannot."""
    async with platform.pool.acquire() as connection:
        await pool.clock(connection)  # the first statement of a connection takes longer
        before, began = datetime.now(UTC), time.perf_counter()
        theirs = await pool.clock(connection)
        seconds = time.perf_counter() - began
        version = connection.get_server_version()
        return DatabaseReport(
            version=(version.major, version.micro),  # so asyncpg reads the 4 of 18.4
            answer_seconds=seconds,
            clock_ahead_seconds=(theirs - before).total_seconds() - seconds / 2,
            pending_migrations=await migrate.pending(connection),
            newer_migrations=await migrate.newer(connection),
        )
