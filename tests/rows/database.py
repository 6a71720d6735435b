"""Whole databases and who is in them: made, dropped, shut, held up and looked at."""

import subprocess
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from estafette.store.pool import Connection
from estafette.up.postgres import ROLE, EmbeddedPostgres
from tests.rows import tables
from tests.rows.tables import Database


def let_create_databases(server: EmbeddedPostgres) -> None:
    """Allow the server's role, which may little, to make databases."""
    grant = f"alter role {ROLE} createdb"
    psql = [server.bin_dir / "psql", "-Xqc", grant, server.admin_dsn]
    subprocess.run(psql, check=True, stdin=subprocess.DEVNULL)


async def forbid_replication(connection: asyncpg.Connection) -> None:
    """Let the server's role not replicate, as versions before made it."""
    await connection.execute(f"alter role {ROLE} noreplication")


async def may_replicate(connection: asyncpg.Connection) -> bool:
    """Whether the server's role may replicate."""
    query = "select rolreplication from pg_roles where rolname = $1"
    return await connection.fetchval(query, ROLE)


@asynccontextmanager
async def alone_in_turn(dsn: str, number: int) -> AsyncGenerator[asyncpg.Connection]:
    """A connection for one process at a time of those that ask with the same number."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", number)
        yield connection
    finally:
        await connection.close()


async def exists(connection: asyncpg.Connection, name: str) -> bool:
    """Whether the server has a database of this name."""
    query = "select exists (select from pg_database where datname = $1)"
    return await connection.fetchval(query, name)


async def rename(connection: asyncpg.Connection, name: str, to: str) -> None:
    """Give a database, in which nobody is, another name."""
    await connection.execute(f"alter database {name} rename to {to}")


async def create(dsn: str, name: str, template: str = "template0") -> None:
    """Make a database that is a copy of another, on the server at `dsn`.

    The files are copied: to write page by page, with a log, takes twice as long.
    """
    await _execute(dsn, f"create database {name} template {template} strategy file_copy")


async def drop(dsn: str, name: str) -> None:
    """Drop a database, whoever is in it.

    FORCE is refused while an autovacuum worker is in it, which is not ours to end; a plain DROP
    ends that itself, and waits some seconds for our own sessions, which are told to end.
    """
    await _execute(
        dsn,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = '{name}' and usename = current_user",
        f"drop database if exists {name}",
    )


async def empty(dsn: str, names: list[str]) -> None:
    """Empty tables, the ledger too, whose rows cannot be deleted one by one.

    Those that have no rows are left alone: new files for all of them take ten times as long.
    """
    connection = await asyncpg.connect(dsn)
    try:
        has_rows = (f"case when exists (select from {name}) then '{name}' end" for name in names)
        found = await connection.fetchval(
            f"select array_remove(array[{', '.join(has_rows)}], null)"
        )
        if found:
            await connection.execute(
                "alter table ledger_entries disable trigger append_only;"
                f" truncate {', '.join(found)} restart identity cascade;"
                " alter table ledger_entries enable trigger append_only"
            )
    finally:
        await connection.close()


async def tables_without_rows(dsn: str) -> list[str]:
    """Name the tables that are empty: those that the migrations do not seed."""
    connection = await asyncpg.connect(dsn)
    try:
        return [name for name, rows in (await tables.counts(connection)).items() if not rows]
    finally:
        await connection.close()


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def shut(connection: asyncpg.Connection, dsn: str) -> None:
    """Let nobody into the database at `dsn` any more, and end who is there."""
    await connection.execute(f"alter database {_name(dsn)} allow_connections false")
    await end_sessions(connection, dsn)


async def open_again(connection: asyncpg.Connection, dsn: str) -> None:
    """Let everybody in who was shut out."""
    await connection.execute(f"alter database {_name(dsn)} allow_connections true")


async def allow_reading_alone(connection: asyncpg.Connection, dsn: str) -> None:
    """Let whoever comes into the database read only, and end who is there."""
    name = _name(dsn)
    await connection.execute(f"alter database {name} set default_transaction_read_only = on")
    await end_sessions(connection, dsn)


async def allow_writing(connection: asyncpg.Connection, dsn: str) -> None:
    """Let whoever comes in write again."""
    await connection.execute(f"alter database {_name(dsn)} reset default_transaction_read_only")


async def end_sessions(connection: asyncpg.Connection, dsn: str) -> None:
    """End every connection to the database at `dsn` but for this one."""
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = $1 and pid <> pg_backend_pid()",
        _name(dsn),
    )


async def sessions(database: Database) -> list[int]:
    """The process ids of all connections to the server."""
    return [row["pid"] for row in await database.fetch("select pid from pg_stat_activity")]


async def end_other_sessions(database: Database, kept: list[int]) -> None:
    """End the connections to this database but for some, by process id, and the one that asks."""
    await database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database()"
        " and pid <> all($1::integer[] || pg_backend_pid())",
        kept,
    )


async def name_and_version(database: Database) -> tuple[str, str]:
    """The name of the database, and the version of its server."""
    name = await database.fetchval("select current_database()")
    return name, await database.fetchval("show server_version")


async def hide(database: Database, table: str) -> None:
    """Give a table another name, so that every statement on it fails."""
    await database.execute(f"alter table {table} rename to not_{table}")


async def count_triggers(database: Database, table: str) -> int:
    """How many triggers a table has."""
    query = "select count(*) from pg_trigger where tgrelid = $1::text::regclass"
    return await database.fetchval(query, table)


async def end_listening(database: Database) -> None:
    """End the connections to this database that listen for signals."""
    await database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and query ilike 'listen%'"
    )


async def lock_number(connection: Connection, number: int) -> None:
    """Hold an advisory lock until this connection's transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", number)


async def waiting_for_numbers(database: Database) -> list[int]:
    """The process ids of those who wait for an advisory lock in this database."""
    found = await database.fetch(
        "select pid from pg_locks join pg_database on pg_database.oid = database"
        " where datname = current_database() and locktype = 'advisory' and not granted"
    )
    return [row["pid"] for row in found]


async def end_session(database: Database, pid: int) -> None:
    """End a connection by its process id."""
    await database.execute("select pg_terminate_backend($1)", pid)


async def count_waiting(database: Database) -> int:
    """How many connections of Estafette to this database wait for a lock."""
    return await database.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and wait_event_type = 'Lock' and application_name = 'estafette'"
    )


async def is_waited_for(database: Database, table: str) -> bool:
    """Whether a transaction waits for a lock of a table."""
    return await database.fetchval(
        "select exists (select from pg_locks where not granted and relation = $1::text::regclass"
        " and database = (select oid from pg_database where datname = current_database()))",
        table,
    )


async def lock_table(connection: Connection, table: str) -> None:
    """Let nobody read or write a table until this connection's transaction ends."""
    await connection.execute(f"lock table {table} in access exclusive mode")


async def forbid_writing(connection: asyncpg.Connection, table: str) -> None:
    """Let nobody write to a table until this connection's transaction ends; reading goes on."""
    await connection.execute(f"lock table {table} in share mode")


@asynccontextmanager
async def held_up(dsn: str) -> AsyncGenerator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """A connection in a transaction, which ends with the block, and one to look with.

    Within its transaction the first would see the same activity again and again.
    """
    holder, looker = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with holder.transaction():
            yield holder, looker
    finally:
        await holder.close()
        await looker.close()


async def fail_inserts(database: Database, table: str, state: str, message: str) -> None:
    """From now on no row can be inserted into a table: the error has this state and message."""
    await database.execute(
        "create function trouble() returns trigger language plpgsql as"
        f" $$ begin raise exception '{message}' using errcode = '{state}'; end $$;"
        f" create trigger trouble before insert on {table} execute function trouble()"
    )


async def mend_inserts(database: Database, table: str) -> None:
    """Let rows be inserted again."""
    await database.execute(f"drop trigger trouble on {table}")


async def refuse_writing(database: Database, table: str, events: str, of: UUID) -> None:
    """Refuse what is written to a table for an account, or a delivery.

    `events` are of insert, update and delete, with "or" between them.
    """
    await database.execute(
        "create or replace function refuse() returns trigger language plpgsql as $$"
        f" begin if to_jsonb(coalesce(old, new))::text like '%{of}%'"
        " then raise exception 'spoilt'; end if; return coalesce(new, old); end $$;"
        f" create trigger spoilt before {events} on {table} for each row execute function refuse()"
    )


async def let_write_again(database: Database) -> None:
    """Refuse nothing any more."""
    await database.execute("drop function if exists refuse cascade")


async def fail_commits(database: Database, tables_written: Iterable[str]) -> None:
    """From now on no transaction that writes to one of these tables can be committed."""
    await database.execute(
        "create or replace function spoil() returns trigger language plpgsql as $$"
        " begin raise exception 'spoilt'; end $$"
    )
    for table in tables_written:
        await database.execute(
            f"create constraint trigger spoilt after insert or update on {table}"
            " deferrable initially deferred for each row execute function spoil()"
        )


async def let_commit_again(database: Database, tables_written: Iterable[str]) -> None:
    """Let what is written to these tables be committed again."""
    for table in tables_written:
        await database.execute(f"drop trigger spoilt on {table}")


async def spoil_partitions(database: Database, table: str) -> None:
    """Give a table a partition whose name tells no day."""
    await database.execute(
        f"create table {table}_of_old partition of {table}"
        " for values from ('-infinity') to ('2000-01-01')"
    )


async def mend_partitions(database: Database, table: str) -> None:
    """Take that partition away."""
    await database.execute(f"drop table if exists {table}_of_old")


async def drop_partitions(database: Database, table: str) -> None:
    """Drop a table's partitions but for the one of all other days."""
    for row in await database.fetch(
        "select relname from pg_class join pg_inherits on inhrelid = pg_class.oid"
        " where inhparent = $1::text::regclass and relname <> $1 || '_default'",
        table,
    ):
        await database.execute(f"drop table {row['relname']}")


async def migrate_on(dsn: str) -> None:
    """What a migration of the next version may do: new tables, new columns in every table."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table in await tables.names(connection):
                if table != "migrations":
                    await connection.execute(
                        f"alter table {table} add column later text,"
                        " add column still_later jsonb not null default '{}'"
                    )
            await connection.execute("create table of_the_next_version (id uuid primary key)")
            await tables.add(connection, "migrations", name="9999_what_is_next")
    finally:
        await connection.close()


def _name(dsn: str) -> str:
    return urlsplit(dsn).path[1:]
