"""The index of phones: which deliveries name one, by hashes under a key of this database."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.store.columns import Columns, insertion, rows
from estafette.store.pool import Connection


class Indexed(NamedTuple):
    """That a delivery names the phone of that hash."""

    hash: int
    account_id: UUID
    delivery_id: UUID


_ENTRIES = Columns[Indexed](
    {
        "hash": ("bigint", lambda entry: entry.hash),
        "account_id": ("uuid", lambda entry: entry.account_id),
        "delivery_id": ("uuid", lambda entry: entry.delivery_id),
    }
)
_INSERT = f"{insertion('phone_index', _ENTRIES.types, rows(_ENTRIES))} on conflict do nothing"


async def insert(connection: Connection, entries: Sequence[Indexed]) -> None:
    """Adds to the index."""
    await connection.execute(_INSERT, *_ENTRIES.of(entries))


_NAMING = """
select account_id, delivery_id from phone_index
where hash = $1 and ($2::uuid is null or account_id = $2) and (account_id, delivery_id) > ($3, $4)
order by account_id, delivery_id limit $5
"""


async def naming(
    connection: Connection,
    hash: int,
    account_id: UUID | None,
    after: tuple[UUID, UUID],
    limit: int,
) -> list[tuple[UUID, UUID]]:
    """The accounts and ids of deliveries that are indexed under a hash, after one of them."""
    found = await connection.fetch(_NAMING, hash, account_id, *after, limit)
    return [(row["account_id"], row["delivery_id"]) for row in found]


_ERASE = f"""
delete from phone_index using {rows(_ENTRIES, name="gone")}
where phone_index.hash = gone.hash and phone_index.account_id = gone.account_id
    and phone_index.delivery_id = gone.delivery_id
"""  # noqa: S608 - the columns are a constant


async def erase(connection: Connection, entries: Sequence[Indexed]) -> None:
    """Removes entries."""
    await connection.execute(_ERASE, *_ENTRIES.of(entries))


async def forget(connection: Connection) -> None:
    """Removes all of it, to be made anew."""
    await connection.execute("truncate phone_index")
