"""How many dispatches wait and stand how, for people: each question looks at a bounded number."""

from typing import NamedTuple
from uuid import UUID

from estafette.store.pool import Connection

_DUE_COUNT = """
select count(*), coalesce(max(extract(epoch from now() - next_at)), 0)::float8 from (
    select next_at from dispatches where next_at <= now() limit $1
) due
"""


async def due(connection: Connection, most: int = 100_000) -> tuple[int, float]:
    """How many dispatches are due, at most `most`, and for how many seconds the first has been."""
    row = await connection.fetchrow(_DUE_COUNT, most)
    assert row is not None  # noqa: S101 - a count gives one row
    return row[0], row[1]


_BY_COMPANY = """
select company_id, state, count(*) as count, max(last_error) as error from (
    (select company_id, state, last_error from dispatches
    where company_id = $1 and next_at is not null limit $2)
    union all
    (select company_id, state, last_error from dispatches
    where company_id = $1 and state = 'disputed' limit $2)
) of_company group by company_id, state
"""


class DispatchCount(NamedTuple):
    """How many dispatches to a company stand so, and what the platform said of one of them."""

    state: str
    deliveries: int
    error: str | None


async def standing_at(
    connection: Connection, company_id: UUID, most: int = 10_000
) -> list[DispatchCount]:
    """How what is under way with a company's platform stands: at most `most` of it is counted."""
    found = await connection.fetch(_BY_COMPANY, company_id, most)
    return [DispatchCount(row["state"], row["count"], row["error"]) for row in found]
