"""By what an app says whose positions it sends: one secret a driver, kept by its hash."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from estafette.store.pool import Connection


class Sender(NamedTuple):
    """Whose positions come with a token, and whether that driver is on shift."""

    company_id: UUID
    driver_id: UUID
    works: bool


async def put(connection: Connection, company_id: UUID, driver_id: UUID, hash: bytes) -> None:
    """Keeps a driver's token in the place of the one before, which is good for nothing then."""
    await connection.execute(
        "insert into position_tokens (company_id, driver_id, hash) values ($1, $2, $3)"
        " on conflict (company_id, driver_id) do update"
        " set hash = excluded.hash, made_at = now()",
        company_id,
        driver_id,
        hash,
    )


async def drop(connection: Connection, company_id: UUID, driver_id: UUID) -> None:
    """Forgets a driver's token."""
    await connection.execute(
        "delete from position_tokens where company_id = $1 and driver_id = $2",
        company_id,
        driver_id,
    )


async def has(connection: Connection, company_id: UUID, driver_id: UUID) -> bool:
    """Returns whether a driver has a token."""
    return await connection.fetchval(
        "select exists (select from position_tokens where company_id = $1 and driver_id = $2)",
        company_id,
        driver_id,
    )


async def senders(connection: Connection, hashes: Collection[bytes]) -> dict[bytes, Sender]:
    """Returns whose tokens they are; those of drivers who were removed are nobody's."""
    found = await connection.fetch(
        "select hash, position_tokens.company_id, driver_id,"
        " exists (select from shifts where shifts.company_id = position_tokens.company_id"
        " and shifts.driver_id = position_tokens.driver_id and ended_at is null) as works"
        " from position_tokens join drivers"
        " on drivers.company_id = position_tokens.company_id and drivers.id = driver_id"
        " where hash = any($1::bytea[]) and removed_at is null",
        list(hashes),
    )
    return {row["hash"]: Sender(row["company_id"], row["driver_id"], row["works"]) for row in found}


async def forget(connection: Connection, limit: int) -> int:
    """Removes tokens of drivers who are gone; counts them."""
    status = await connection.execute(
        "delete from position_tokens where (company_id, driver_id) in ("
        " select company_id, driver_id from position_tokens where not exists ("
        " select from drivers where drivers.company_id = position_tokens.company_id"
        " and drivers.id = driver_id) limit $1)",
        limit,
    )
    return int(status.rpartition(" ")[2])
