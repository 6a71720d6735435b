"""Deliveries and their events."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.ids import new_id
from estafette.store.pool import Connection
from tests.rows import money, tables
from tests.rows.tables import Database


async def age(connection: Connection, delivery_id: UUID, days: float) -> UUID:
    """Make a delivery that much older, with all that belongs to it; return its new id.

    It is dated back in every table, its id included.
    """
    by = timedelta(days=days)
    new = new_id(await tables.now(connection) - by)
    times: dict[str, list[str]] = {}
    for table, column in await tables.columns(connection, "timestamptz"):
        times.setdefault(table, []).append(column)
    async with money.rewriting(connection):
        for table in ("deliveries", *await tables.names(connection, "delivery_id")):
            key = "id" if table == "deliveries" else "delivery_id"
            changes = [f"{column} = {column} - $2" for column in times.get(table, [])]
            await connection.execute(
                f"update {table} set {', '.join([*changes, f'{key} = $3'])}"
                f" where {key} = $1 and ($2::interval is not null)",
                delivery_id,
                by,
                new,
            )
    return new


async def end_payment_time(database: Database, delivery_id: UUID, ago: timedelta) -> None:
    """Let a payment that is awaited have been due so long `ago`, and be looked at now."""
    await database.execute(
        "update deliveries set watch_at = now(), terms = jsonb_set(terms::jsonb, '{due_at}',"
        " to_jsonb(now() - $2::interval))::json where id = $1 and status = 'awaiting_payment'",
        delivery_id,
        ago,
    )


async def refuse_dispatch(database: Database, delivery_id: UUID, error: str) -> None:
    """Let another platform, which a delivery had nothing to do with, have refused it."""
    (delivery,) = await tables.read(database, "deliveries", {"id": delivery_id})
    terms = {**json.loads(delivery["terms"]), "remote": True}
    await tables.change(database, "deliveries", {"id": delivery_id}, terms=terms)
    of = {name: delivery[name] for name in ("account_id", "company_id", "mode")}
    refused = {"offer": "{}", "state": "refused", "last_error": error}
    await tables.add(database, "dispatches", **of, delivery_id=delivery_id, **refused)


async def add_events(
    database: Database,
    delivery_id: UUID,
    at: datetime,
    count: int = 1,
    *,
    status: str = "pending",
    apart: timedelta = timedelta(),
) -> list[UUID]:
    """Append so many events to a delivery, the first dated `at`; return their ids."""
    added = await database.fetch(
        "insert into events (account_id, delivery_id, seq, id, status, milestone, actor, announced,"
        " occurred_at) select account_id, $1, max(seq) + n, gen_random_uuid(), $4, 'pending',"
        " 'courier', '{}', $2::timestamptz + (n - 1) * $5::interval"
        " from events, generate_series(1, $3::integer) n"
        " where delivery_id = $1 group by account_id, n returning id",
        delivery_id,
        at,
        count,
        status,
        apart,
    )
    return [row["id"] for row in added]


async def add_search_text(database: Database, scope: Scope, content: str, at: timedelta) -> None:
    """Add a text to be searched of a delivery that there is not, dated from now."""
    row = {**scope._asdict(), "delivery_id": new_id(), "content": content, "created_at": at}
    await tables.add(database, "search_texts", **row)
    await database.execute(
        "insert into delivery_references (account_id, mode, year, last, last_at)"
        " values ($1, $2, 2026, 1, now() + $3::interval)"
        " on conflict (account_id, mode, year) do update set last_at = excluded.last_at",
        *scope,
        at,
    )


async def lengthen_history(database: Database, delivery_id: UUID, *, after: int, by: int) -> None:
    """Put so many copies of an event, told by its number, between it and the next one."""
    await database.execute(
        "update events set seq = seq + $3 where delivery_id = $1 and seq > $2",
        delivery_id,
        after,
        by,
    )
    await database.execute(
        "insert into events (account_id, delivery_id, seq, id, status, milestone, actor, announced,"
        " occurred_at) select account_id, delivery_id, seq + number, gen_random_uuid(), status,"
        " milestone, actor, announced, occurred_at"
        " from events, generate_series(1, $3) as number where delivery_id = $1 and seq = $2",
        delivery_id,
        after,
        by,
    )
