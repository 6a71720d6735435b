"""How large the database is and how busy: what PostgreSQL itself knows of it."""

from typing import NamedTuple

from estafette.store.pool import Connection

_MOST_TABLES = 12


class TableSize(NamedTuple):
    """A table with its indexes, in bytes, and in how many partitions it is; None: in none."""

    name: str
    bytes: int
    partitions: int | None
    newest: str | None


class DatabaseState(NamedTuple):
    """The size of the database, its connections, and how long its oldest transaction has lasted."""

    bytes: int
    connections: int
    most_connections: int
    oldest_transaction_seconds: float


_TABLES = """
select name, sum(size)::bigint as bytes, nullif(count(parent), 0)::integer as partitions,
    max(child) filter (where parent is not null and child not like '%default') as newest
from (
    select coalesce(parents.relname, tables.relname) as name, parents.relname as parent,
        tables.relname as child, pg_total_relation_size(tables.oid) as size
    from pg_class tables
    join pg_namespace on pg_namespace.oid = tables.relnamespace
    left join pg_inherits on inhrelid = tables.oid
    left join pg_class parents on parents.oid = inhparent
    where tables.relkind = 'r' and nspname = current_schema()
) sizes
group by name order by 2 desc, 1 limit $1
"""

_STATE = """
select pg_database_size(current_database()) as bytes,
    (select count(*) from pg_stat_activity where datname = current_database()) as connections,
    current_setting('max_connections')::integer as most_connections,
    coalesce((
        select max(extract(epoch from now() - xact_start)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
    ), 0)::float8 as oldest_transaction_seconds
"""


async def tables(connection: Connection) -> list[TableSize]:
    """Returns the largest tables, each with all its partitions."""
    return [TableSize(**row) for row in await connection.fetch(_TABLES, _MOST_TABLES)]


async def state(connection: Connection) -> DatabaseState:
    """Returns how the database is."""
    row = await connection.fetchrow(_STATE)
    assert row is not None  # noqa: S101 - the statement gives one row
    return DatabaseState(**row)
