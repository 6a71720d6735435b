"""Rows of any table: read, counted, added and changed by the names of columns.

A condition is a mapping of columns to what they must be: a value, one of several in a list, None
for a column that is empty, or `PRESENT`. In values that are written, a `timedelta` for a column of
times counts from the database's now, and a `Mapping` becomes JSON.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias, cast
from uuid import UUID

import asyncpg

from estafette.store.pool import Connection, Pool

Database: TypeAlias = "Connection | Pool"
Where: TypeAlias = Mapping[str, object]

_OF_OURS = (
    "pg_class.relkind in ('r', 'p') and not pg_class.relispartition"
    " and pg_class.relnamespace = 'public'::regnamespace"
)


class Presence(Enum):
    """What a condition asks of a column whose value does not matter."""

    PRESENT = "is not null"


PRESENT = Presence.PRESENT

WRITTEN_LATER = ("key_uses", "api_requests", "api_request_gaps")
"""The tables that note of requests what became of them, some time after their answers."""


async def add(database: Database, table: str, **values: object) -> None:
    """Add a row; what is not named has its default."""
    terms, arguments = _terms(values, [])
    await database.execute(
        f"insert into {table} ({', '.join(values)}) values ({', '.join(terms)})", *arguments
    )


async def add_many(database: Database, table: str, rows: Sequence[Where]) -> None:
    """Add rows that name the same columns."""
    places = ", ".join(f"${place}" for place in range(1, len(rows[0]) + 1))
    statement = f"insert into {table} ({', '.join(rows[0])}) values ({places})"
    await database.executemany(statement, [tuple(row.values()) for row in rows])


async def copy_account(database: Database, table: str, of: UUID, to: UUID) -> None:
    """Add copies of an account's rows, which differ in whose they are alone."""
    await database.execute(
        f"insert into {table} select (json_populate_record(t,"
        f" json_build_object('account_id', $2::uuid))).* from {table} t where account_id = $1",
        of,
        to,
    )


async def change(
    database: Database, table: str, where: Where | None = None, /, **values: object
) -> None:
    """Set columns of the rows that fulfil a condition, or of all rows."""
    terms, arguments = _terms(values, [])
    changes = ", ".join(f"{column} = {term}" for column, term in zip(values, terms, strict=True))
    condition = _condition(where, arguments)
    await database.execute(f"update {table} set {changes}{condition}", *arguments)


async def shift(
    database: Database, table: str, where: Where | None = None, /, **by: timedelta | int
) -> None:
    """Add to columns: numbers to numbers, spans to times."""
    arguments: list[object] = list(by.values())
    changes = ", ".join(
        f"{column} = {column} + ${place}{'::interval' if isinstance(span, timedelta) else ''}"
        for place, (column, span) in enumerate(by.items(), 1)
    )
    condition = _condition(where, arguments)
    await database.execute(f"update {table} set {changes}{condition}", *arguments)


async def remove(database: Database, table: str, where: Where | None = None) -> None:
    """Delete rows."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    await database.execute(f"delete from {table}{condition}", *arguments)


async def lock(connection: Connection, table: str, where: Where | None = None) -> None:
    """Hold rows for this connection's transaction alone; raise if another holds one of them.

    They are held until it ends, also where a busy machine takes longer than a transaction may rest.
    """
    arguments: list[object] = []
    condition = _condition(where, arguments)
    await connection.execute("set local idle_in_transaction_session_timeout = 0")
    await connection.execute(f"select from {table}{condition} for update nowait", *arguments)


async def count(database: Database, table: str, where: Where | None = None) -> int:
    """Count rows."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    return await database.fetchval(f"select count(*) from {table}{condition}", *arguments)


async def read(
    database: Database, table: str, where: Where | None = None, order: str | None = None
) -> list[asyncpg.Record]:
    """Return whole rows, ordered by the columns in `order`."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    query = f"select * from {table}{condition}{_order(order)}"
    return await database.fetch(query, *arguments)


async def values(
    database: Database,
    table: str,
    column: str,
    where: Where | None = None,
    order: str | None = None,
) -> list[Any]:
    """Return one column of rows, ordered by the columns in `order`."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    query = f"select {column} from {table}{condition}{_order(order)}"
    return [row[0] for row in await database.fetch(query, *arguments)]


async def value(database: Database, table: str, column: str, where: Where | None = None) -> Any:
    """Return a column of the only row that fulfils a condition."""
    (row,) = await read(database, table, where)
    return row[column]


async def partitions(database: Database, table: str, where: Where, order: str) -> list[str]:
    """Name the partition of each row that fulfils a condition."""
    return await values(database, table, "tableoid::regclass::text", where, order)


async def texts(
    database: Database, table: str, where: Where | None = None, most: int | None = None
) -> list[str]:
    """Return rows written as text, with every column; at `most` so many."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    query = f"select t::text from {table} t{condition} limit {most or 'all'}"
    return [row[0] for row in await database.fetch(query, *arguments)]


async def seconds_until(
    database: Database, table: str, column: str, where: Where | None = None
) -> float:
    """How long it is from the database's now to a time in the only row of a condition."""
    arguments: list[object] = []
    condition = _condition(where, arguments)
    query = f"select extract(epoch from {column} - now())::float8 from {table}{condition}"
    (found,) = await database.fetch(query, *arguments)
    return found[0]


async def now(database: Database) -> datetime:
    """The database's time: that of the transaction's beginning within one."""
    return await database.fetchval("select now()")


async def names(database: Database, column: str | None = None) -> list[str]:
    """Name all tables, or those that have a column of this name; partitions are none."""
    found = await database.fetch(
        f"select relname from pg_class where {_OF_OURS} and ($1::text is null or exists"
        " (select from pg_attribute where attrelid = pg_class.oid and attname = $1))",
        column,
    )
    return [row["relname"] for row in found]


async def columns(database: Database, type_name: str) -> list[tuple[str, str]]:
    """Name the columns of a type, each with its table."""
    found = await database.fetch(
        "select relname, attname from pg_attribute join pg_class on pg_class.oid = attrelid"
        f" where {_OF_OURS} and attnum > 0 and not attisdropped and atttypid = $1::text::regtype",
        type_name,
    )
    return [(row["relname"], row["attname"]) for row in found]


async def stored_of(
    database: Database, account_id: UUID, but: Sequence[str] = ()
) -> set[tuple[str, str]]:
    """Return all rows of an account as text, each with its table; some tables may be left out."""
    tables = [table for table in await names(database, "account_id") if table not in but]
    assert len(tables) > 5
    return {
        (table, row)
        for table in tables
        for row in await texts(database, table, {"account_id": account_id})
    }


async def counts(database: Database, but: Sequence[str] = ()) -> dict[str, int]:
    """Count the rows of every table, some of which may be left out."""
    tables = [table for table in await names(database) if table not in but]
    return {table: await count(database, table) for table in tables}


def _order(columns: str | None) -> str:
    return "" if columns is None else f" order by {columns}"


def _terms(values: Where, arguments: list[object]) -> tuple[list[str], list[object]]:
    terms = list[str]()
    for given in values.values():
        is_object = isinstance(given, Mapping)
        arguments.append(json.dumps(cast("Any", given)) if is_object else given)
        place = f"${len(arguments)}"
        terms.append(f"now() + {place}::interval" if isinstance(given, timedelta) else place)
    return terms, arguments


def _condition(where: Where | None, arguments: list[object]) -> str:
    """Write a condition, and append its values to the statement's arguments."""
    parts = list[str]()
    for column, wanted in (where or {}).items():
        if wanted is None:
            parts.append(f"{column} is null")
        elif isinstance(wanted, Presence):
            parts.append(f"{column} {wanted.value}")
        else:
            arguments.append(wanted)
            place = f"${len(arguments)}"
            is_several = isinstance(wanted, list)
            parts.append(f"{column} = " + (f"any({place})" if is_several else place))
    return f" where {' and '.join(parts)}" if parts else ""
