"""The books."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.ids import new_id
from estafette.store.pool import Connection
from tests.rows import tables
from tests.rows.tables import Database


class Line(NamedTuple):
    """A line of what is booked at once."""

    book: str
    company_id: UUID
    amount: int


async def book(
    database: Database,
    scope: Scope,
    lines: Sequence[Line],
    *,
    cause: str = "delivered",
    delivery_id: UUID | None = None,
    ago: timedelta = timedelta(),
) -> None:
    """Book lines at once, `ago`, for a delivery; None: one that there is not."""
    of = {**scope._asdict(), "delivery_id": delivery_id or new_id(), "cause": cause}
    at = await tables.now(database) - ago
    rows = [
        {**of, "line": number, **line._asdict(), "booked_at": at}
        for number, line in enumerate(lines, 1)
    ]
    await tables.add_many(database, "ledger_entries", rows)


async def book_many(database: Database, scope: Scope, company_id: UUID, count: int) -> None:
    """Book so many deliveries that there are not at one moment, in three lines each."""
    await database.execute(
        "insert into ledger_entries"
        " (account_id, delivery_id, cause, line, mode, book, company_id, amount)"
        " select $1, delivery.id, 'delivered', line, $2, 'merchant', $3,"
        " case line when 1 then -2 else 1 end"
        " from (select gen_random_uuid() as id from generate_series(1, $4::integer)) delivery,"
        " generate_series(1, 3) line",
        *scope,
        company_id,
        count,
    )


@asynccontextmanager
async def rewriting(connection: Connection) -> AsyncGenerator[None]:
    """A transaction of a connection which may change what was booked."""
    async with connection.transaction():
        await connection.execute("alter table ledger_entries disable trigger append_only")
        yield
        await connection.execute("alter table ledger_entries enable trigger append_only")


async def truncate(database: Database) -> None:
    """Empty the books, as far as that is allowed."""
    await database.execute("truncate ledger_entries")


async def booked_before(
    database: Database, scope: Scope, before: datetime
) -> list[tuple[str, UUID, int]]:
    """Book, company and amount of each line of an account before a time."""
    found = await database.fetch(
        "select book, company_id, amount from ledger_entries"
        " where account_id = $1 and mode = $2 and booked_at < $3",
        *scope,
        before,
    )
    return [(row["book"], row["company_id"], row["amount"]) for row in found]
