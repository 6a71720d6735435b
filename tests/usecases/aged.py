"""Deliveries that are old: made now, then dated back in every table, their ids included."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from estafette.core.ids import new_id

_TIMES = """
select relname as table, attname as column from pg_attribute
join pg_class on pg_class.oid = attrelid and relkind in ('r', 'p') and not relispartition
where relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped
    and atttypid = 'timestamptz'::regtype
"""
_NAMES = {"deliveries": "id"}


async def age(connection: asyncpg.Connection, delivery_id: UUID, days: float) -> UUID:
    """Makes a delivery that much older, with all that belongs to it; returns its new id."""
    by = timedelta(days=days)
    now = await connection.fetchval("select now()")
    new = new_id(now - by)
    tables: dict[str, list[str]] = {}
    for row in await connection.fetch(_TIMES):
        tables.setdefault(row["table"], []).append(row["column"])
    of_delivery = await connection.fetch(
        "select relname as table from pg_attribute"
        " join pg_class on pg_class.oid = attrelid and relkind in ('r', 'p') and not relispartition"
        " where relnamespace = 'public'::regnamespace and attname = 'delivery_id'"
    )
    async with connection.transaction():
        await connection.execute("alter table ledger_entries disable trigger append_only")
        for table in ("deliveries", *(row["table"] for row in of_delivery)):
            key = _NAMES.get(table, "delivery_id")
            changes = [f"{column} = {column} - $2" for column in tables.get(table, [])]
            await connection.execute(
                f"update {table} set {', '.join([*changes, f'{key} = $3'])}"
                f" where {key} = $1 and ($2::interval is not null)",
                delivery_id,
                by,
                new,
            )
        await connection.execute("alter table ledger_entries enable trigger append_only")
    return new
