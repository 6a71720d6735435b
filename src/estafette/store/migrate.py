"""Migrations: numbered SQL files, applied once, forward only, safe from many processes at once.

Each leaves the servers and workers of the version before serving and ready: what it adds is null or
constant, and what it takes away nobody has read for a version.

A migration is one transaction under a short lock timeout. One that builds an index of a big table
without keeping its writers waiting cannot be: its first line is `-- outside a transaction`, each of
its statements stands for itself, ends with a semicolon and may be repeated (`create index
concurrently if not exists`), for an interrupted one is begun anew.
"""

import asyncio
import re
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from estafette.store import audit
from estafette.store.partitions import keep_up
from estafette.store.pool import CONNECT_SECONDS, Connection, writable

_LOCK = 0x657374616665747465 & 0x7FFF_FFFF_FFFF_FFFF
_LOCK_TIMEOUT = "500ms"  # how long others may wait behind us, where we wait for a backup
_TRIES = 20
_PAUSE_SECONDS = 0.5
_TURN_SECONDS = 0.1
_ALONE = "-- outside a transaction\n"
_COMMENT = re.compile(r"--.*")
_BUILT = re.compile(r"create (?:unique )?index concurrently if not exists (\w+)")


def migrations() -> list[tuple[str, str]]:
    """Returns the names and texts of all migrations, in order."""
    folder = files("estafette.store") / "migrations"
    return sorted(
        (file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


async def pending(connection: Connection) -> list[str]:
    """Returns the names of this version's migrations that this database has not seen yet."""
    applied = await _applied(connection)
    return [name for name, _ in migrations() if name not in applied]


async def newer(connection: Connection) -> list[str]:
    """The names of migrations that this version does not know: a newer Estafette applied them."""
    return sorted(await _applied(connection) - {name for name, _ in migrations()})


async def _applied(connection: Connection) -> set[str]:
    if await connection.fetchval("select to_regclass('migrations') is null"):
        return set()
    return {row["name"] for row in await connection.fetch("select name from migrations")}


class Migrated(NamedTuple):
    """The names of the migrations that were applied; what partitions could not be made, and why."""

    applied: list[str]
    without_partitions: dict[str, str]


async def migrate(dsn: str) -> Migrated:
    """Brings the database at `dsn` to this version.

    A lock that is not had at once is tried again for some seconds. An index that is built beside
    its table's writers waits for the transactions that are under way, however long they last; they
    do not wait for it. Processes that start together wait for the first; the others then find
    nothing to do.
    """
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_SECONDS, target_session_attrs=writable(dsn)
    )
    try:
        await _lock(connection)
        await connection.execute(
            "create table if not exists migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        names = await pending(connection)
        for name, sql in migrations():
            if name in names:
                await (_apply_alone if sql.startswith(_ALONE) else _apply)(connection, name, sql)
        upkeep = await keep_up(connection, None)
        await audit.keep_up(connection, None, upkeep)
        return Migrated(names, upkeep.failed)
    finally:
        await connection.close()


async def _lock(connection: Connection) -> None:
    """Waits until no other process migrates.

    Between statements: a statement that waited would hold a snapshot, for the end of which the
    building of an index waits, and so each for the other.
    """
    query = "select pg_try_advisory_lock($1)"
    while not await connection.fetchval(query, _LOCK):  # noqa: ASYNC110 - another process's event
        await asyncio.sleep(_TURN_SECONDS)


_APPLIED = "insert into migrations (name) values ($1)"


async def _apply(connection: Connection, name: str, sql: str) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                await connection.execute(sql)
                await connection.execute(_APPLIED, name)
        except asyncpg.LockNotAvailableError:
            if not tries_left:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


async def _apply_alone(connection: Connection, name: str, sql: str) -> None:
    """Applies statements that cannot be within a transaction, one after another.

    An index that an interrupted building has left is invalid: it is dropped and built anew.
    """
    *statements, _ = _COMMENT.sub("", sql).split(";")
    for statement in statements:
        for index in _BUILT.findall(statement):
            query = "select not indisvalid from pg_index where indexrelid = to_regclass($1)"
            if await connection.fetchval(query, index):
                await connection.execute(f"drop index concurrently {index}")
        await connection.execute(statement)
    await connection.execute(_APPLIED, name)
