"""What keeps the database in shape by itself: the daily partitions, made ahead and dropped."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from estafette.store.migrate import ensure_partitions
from estafette.store.pool import DATABASE_TROUBLE, Connection, Pool

_log = structlog.stdlib.get_logger(__name__)

KEPT: Final = {"attempts": timedelta(days=30), "idempotency": timedelta(days=2)}
"""How long the rows of a partitioned table are kept; idempotency keys count for 24 hours."""

_EVERY_SECONDS: Final = 3600.0
_AFTER_TROUBLE_SECONDS: Final = 60.0
_LOCK_TIMEOUT: Final = "2s"
_ONE_AT_A_TIME: Final = 0x6D61696E74

# A partition's name says its day, whose end must lie far enough back.
_OVER = """
select child.relname as name
from pg_inherits
join pg_class child on child.oid = inhrelid
join pg_class parent on parent.oid = inhparent
where parent.relname = $1 and parent.relnamespace = current_schema()::regnamespace
    and child.relname ~ ($1 || '_[0-9]{4}_[0-9]{2}_[0-9]{2}$')
    and to_date(right(child.relname, 10), 'YYYY_MM_DD') + 1
        <= (now() at time zone 'utc') - $2::interval
order by name
"""


async def maintain(connection: Connection) -> list[str]:
    """Makes the partitions of the days to come, drops those that are over; returns their names.

    Raises asyncpg.LockNotAvailableError when the tables are too busy: nobody's writing waits for
    this. Does nothing while another process is at it.
    """
    async with connection.transaction():
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _ONE_AT_A_TIME):
            return []
        await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        await ensure_partitions(connection)
    dropped: list[str] = []
    for table, kept in KEPT.items():
        for row in await connection.fetch(_OVER, table, kept):
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                await connection.execute(f"drop table if exists {row['name']}")
            dropped.append(row["name"])
    return dropped


async def keep(pool: Pool, stop: asyncio.Event) -> None:
    """Maintains the database every hour until `stop` is set; sooner after a failure."""
    while not stop.is_set():
        pause = _EVERY_SECONDS
        try:
            async with pool.acquire() as connection:
                dropped = await maintain(connection)
        except DATABASE_TROUBLE as error:
            _log.warning("maintenance_failed", error=type(error).__name__)
            pause = _AFTER_TROUBLE_SECONDS
        else:
            if dropped:
                _log.info("partitions_dropped", names=dropped)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
