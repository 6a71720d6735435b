"""Courier companies."""

from collections.abc import Sequence
from uuid import UUID

from tests.rows import tables
from tests.rows.tables import Database


async def pause_shared(database: Database) -> None:
    """Pause those that earlier tests left to serve every account of their market."""
    await tables.change(database, "companies", {"account_id": None, "active": True}, active=False)


async def retire(database: Database, accounts: Sequence[UUID]) -> None:
    """Pause the companies of accounts, and take their price lists away."""
    await database.execute(
        "delete from tariffs where company_id in"
        " (select id from companies where account_id = any($1::uuid[]))",
        accounts,
    )
    await tables.change(
        database, "companies", {"account_id": list(accounts), "active": True}, active=False
    )
