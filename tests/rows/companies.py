"""Courier companies."""

from tests.rows import tables
from tests.rows.tables import Database


async def pause_shared(database: Database) -> None:
    """Pause those that earlier tests left to serve every account of their market."""
    await tables.change(database, "companies", {"account_id": None, "active": True}, active=False)
