"""Quotes and what they are made of."""

from datetime import timedelta
from uuid import UUID

from tests.rows import tables
from tests.rows.tables import Database


async def expire(database: Database, account_id: UUID | None = None) -> None:
    """Let the quotes of an account, or of all, have ended a second ago."""
    where = None if account_id is None else {"account_id": account_id}
    await tables.change(database, "quotes", where, expires_at=timedelta(seconds=-1))


async def raise_tariffs(
    database: Database, account_id: UUID, by: int, slug: str | None = None
) -> None:
    """Raise every fee in the tariffs of an account's companies, or of the one with this slug."""
    await database.execute(
        "update tariffs set fee = fee + $2 where company_id in"
        " (select id from companies where account_id = $1 and ($3::text is null or slug = $3))",
        account_id,
        by,
        slug,
    )
