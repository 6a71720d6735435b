"""The filters of deliveries that a person has given a name, in an account."""

from typing import NamedTuple
from uuid import UUID

from estafette.store.pool import Connection

MOST = 30
"""How many filters a person may keep in an account."""


class SavedFilter(NamedTuple):
    """A filter with the name that a person has given it; `query` is that of its page."""

    id: UUID
    name: str
    query: str


async def of_person(connection: Connection, person_id: UUID, account_id: UUID) -> list[SavedFilter]:
    """The filters that a person keeps in an account, by name."""
    found = await connection.fetch(
        "select id, name, query from saved_filters where person_id = $1 and account_id = $2"
        " order by lower(name), id limit $3",
        person_id,
        account_id,
        MOST,
    )
    return [SavedFilter(**row) for row in found]


async def save(connection: Connection, person_id: UUID, account_id: UUID, new: SavedFilter) -> bool:
    """Keeps a filter, in the place of one of the same name; False: the person has too many.

    In the caller's transaction, which keeps the person's others out.
    """
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text, 31))",
        person_id,
        account_id,
    )
    there = await connection.fetchval(
        "select count(*) from saved_filters"
        " where person_id = $1 and account_id = $2 and name <> $3",
        person_id,
        account_id,
        new.name,
    )
    if there >= MOST:
        return False
    await connection.execute(
        "insert into saved_filters (person_id, account_id, id, name, query)"
        " values ($1, $2, $3, $4, $5)"
        " on conflict (person_id, account_id, name) do update set query = excluded.query",
        person_id,
        account_id,
        *new,
    )
    return True


async def remove(connection: Connection, person_id: UUID, account_id: UUID, id: UUID) -> None:
    """Removes a filter, if it is there."""
    await connection.execute(
        "delete from saved_filters where person_id = $1 and account_id = $2 and id = $3",
        person_id,
        account_id,
        id,
    )
