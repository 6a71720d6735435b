"""Dispatches: what other platforms are asked to carry."""

from uuid import UUID

import asyncpg

from tests.rows.tables import Database


async def of_delivery(database: Database, delivery_id: UUID) -> asyncpg.Record:
    """The dispatch of a delivery, with whether it is leased and in how many seconds due."""
    row = await database.fetchrow(
        "select *, leased_until is not null as leased,"
        " extract(epoch from next_at - now())::float8 as due_in from dispatches"
        " where delivery_id = $1",
        delivery_id,
    )
    assert row is not None
    return row


async def place_all(database: Database) -> None:
    """Let every dispatch be placed at the first attempt, under the delivery's id."""
    await database.execute(
        "update dispatches set state = 'placed', upstream_id = delivery_id::text, attempt = 1"
    )


async def end_leases(database: Database) -> None:
    """Let every lease have ended, and what was leased be due, what was created first before all."""
    await database.execute(
        "update dispatches set leased_until = now() - interval '1 second', next_at = created_at"
        " where leased_until is not null"
    )


async def make_due(database: Database) -> None:
    """Let everything be due that is not leased, what was created first before all."""
    await database.execute(
        "update dispatches set next_at = created_at where next_at is not null"
        " and leased_until is null"
    )


async def count_leased_and_locked(database: Database) -> int:
    """How many leased dispatches a transaction has locked."""
    return await database.fetchval(
        "select count(*) from dispatches where leased_until is not null and xmax::text <> '0'"
    )
