"""Migrations: numbered SQL files, applied once, forward only, safe from many processes at once."""

from importlib.resources import files

import asyncpg

from estafette.store.pool import Connection

_LOCK = 0x657374616665747465 & 0x7FFF_FFFF_FFFF_FFFF
_LOCK_TIMEOUT = "5s"


def migrations() -> list[tuple[str, str]]:
    """The names and texts of all migrations, in order."""
    folder = files("estafette.store") / "migrations"
    return sorted(
        (file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


async def pending(connection: Connection) -> list[str]:
    """The names of migrations that this database has not seen yet.

    Refuses (RuntimeError) a database that a newer Estafette has migrated.
    """
    applied = await _applied(connection)
    known = [name for name, _ in migrations()]
    if unknown := applied - set(known):
        raise RuntimeError(
            f"the database was migrated by a newer Estafette ({', '.join(sorted(unknown))}): "
            "install that version or a later one"
        )
    return [name for name in known if name not in applied]


async def _applied(connection: Connection) -> set[str]:
    if await connection.fetchval("select to_regclass('migrations') is null"):
        return set()
    return {row["name"] for row in await connection.fetch("select name from migrations")}


async def migrate(dsn: str) -> list[str]:
    """Brings the database at `dsn` to this version; returns the names of what was applied.

    Each migration is one transaction under a short lock timeout. Processes that start together
    wait for the first; the others then find nothing to do.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        names = set(await pending(connection))
        await connection.execute(
            "create table if not exists migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        done: list[str] = []
        for name, sql in migrations():
            if name in names:
                async with connection.transaction():
                    await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                    await connection.execute(sql)
                    await connection.execute("insert into migrations (name) values ($1)", name)
                done.append(name)
        await ensure_partitions(connection)
        return done
    finally:
        await connection.close()


_PARTITIONED = ("attempts", "idempotency")
_DAYS_AHEAD = 7


async def ensure_partitions(connection: Connection) -> None:
    """Creates the daily partitions from today (UTC) to a week ahead that do not exist yet."""
    days = await connection.fetch(
        "select to_char(day, 'YYYY_MM_DD') as suffix, day::date::text as first,"
        " (day + interval '1 day')::date::text as next"
        " from generate_series(date_trunc('day', now() at time zone 'utc'),"
        " date_trunc('day', now() at time zone 'utc') + make_interval(days => $1),"
        " interval '1 day') day"
        " order by day",
        _DAYS_AHEAD,
    )
    for table in _PARTITIONED:
        for day in days:
            name = f"{table}_{day['suffix']}"
            if await connection.fetchval("select to_regclass($1) is null", name):
                await connection.execute(
                    f"create table if not exists {name} partition of {table} for values"
                    f" from ('{day['first']} 00:00:00+00') to ('{day['next']} 00:00:00+00')"
                )
