"""Drivers: how they are written, read, and locked while something is given to them."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.fleet.driver import Capacity, Driver, Vehicle
from estafette.store.columns import Columns, parameters
from estafette.store.old_rows import older
from estafette.store.pool import Connection

PLACE: Final = Columns[Driver](
    {
        "company_id": ("uuid", lambda driver: driver.company_id),
        "id": ("uuid", lambda driver: driver.id),
        "mode": ("text", lambda driver: driver.mode),
        "created_at": ("timestamptz", lambda driver: driver.created_at),
    }
)
"""What never changes of a driver."""

KEPT: Final = Columns[Driver](
    {
        "name": ("text", lambda driver: driver.name),
        "phone_e164": ("text", lambda driver: driver.phone_e164),
        "person_id": ("uuid", lambda driver: driver.person_id),
        "vehicle": ("text", lambda driver: driver.vehicle),
        "capacity_grams": ("integer", lambda driver: driver.capacity.grams),
        "capacity_parcels": ("integer", lambda driver: driver.capacity.parcels),
        "skills": ("text[]", lambda driver: driver.skills),
        "zones": ("text[]", lambda driver: driver.zones),
        "cash_limit": ("bigint", lambda driver: driver.cash_limit),
        "paused_at": ("timestamptz", lambda driver: driver.paused_at),
        "removed_at": ("timestamptz", lambda driver: driver.removed_at),
    }
)
"""What can change of a driver."""

COLUMNS: Final = ", ".join(f"drivers.{name}" for name in [*PLACE.types, *KEPT.types])
_NAMES = ", ".join([*PLACE.types, *KEPT.types])
_SAVE = f"""
insert into drivers ({_NAMES}) values {parameters(PLACE, KEPT)}
on conflict (company_id, id) do update
set {", ".join(f"{name} = excluded.{name}" for name in KEPT.types)}
"""  # noqa: S608 - the columns are constants


async def save(connection: Connection, driver: Driver) -> bool:
    """Writes a new driver, or all that can change of one; False when the phone is taken."""
    try:
        async with connection.transaction():
            await connection.execute(_SAVE, *PLACE.of_one(driver), *KEPT.of_one(driver))
    except asyncpg.UniqueViolationError:
        return False
    return True


async def find(connection: Connection, company_id: UUID, id: UUID) -> Driver | None:
    """Returns a driver of a company, removed ones too."""
    row = await connection.fetchrow(
        f"select {COLUMNS} from drivers where company_id = $1 and id = $2",  # noqa: S608 - a constant
        company_id,
        id,
    )
    return None if row is None else read(row)


async def some(
    connection: Connection, company_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Driver]:
    """Returns those drivers of a company, removed ones too."""
    found = await connection.fetch(
        f"select {COLUMNS} from drivers where company_id = $1 and id = any($2::uuid[])",  # noqa: S608 - a constant
        company_id,
        list(ids),
    )
    return {row["id"]: read(row) for row in found}


async def lock(
    connection: Connection, company_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Driver]:
    """Returns those drivers of a company, their rows locked in the order of their ids.

    What a driver has accepted changes under this lock alone.
    """
    found = await connection.fetch(
        f"select {COLUMNS} from drivers where company_id = $1 and id = any($2::uuid[])"  # noqa: S608 - a constant
        " order by id for update",
        company_id,
        list(ids),
    )
    return {row["id"]: read(row) for row in found}


async def of_phone(
    connection: Connection, phone_e164: str, limit: int, mode: Mode | None = None
) -> list[Driver]:
    """Returns the drivers, of any company, who have a phone and were not removed."""
    found = await connection.fetch(
        f"select {COLUMNS} from drivers where phone_e164 = $1 and removed_at is null"  # noqa: S608 - a constant
        " and ($3::text is null or mode = $3) order by company_id, id limit $2",
        phone_e164,
        limit,
        mode,
    )
    return [read(row) for row in found]


async def page(
    connection: Connection, company_id: UUID, mode: Mode | None, after: UUID, limit: int
) -> list[Driver]:
    """Returns drivers of a company by their ids after one, those who were removed left out."""
    found = await connection.fetch(
        f"select {COLUMNS} from drivers where company_id = $1 and id > $2"  # noqa: S608 - a constant
        " and removed_at is null and ($3::text is null or mode = $3) order by id limit $4",
        company_id,
        after,
        mode,
        limit,
    )
    return [read(row) for row in found]


async def count(connection: Connection, company_id: UUID) -> int:
    """Counts the drivers of a company, those who were removed left out."""
    return await connection.fetchval(
        "select count(*) from drivers where company_id = $1 and removed_at is null", company_id
    )


forget: Final = older(
    "drivers",
    "removed_at",
    "not exists (select from driver_cash where driver_cash.company_id = drivers.company_id"
    " and driver_cash.driver_id = drivers.id and in_hand > 0)",
)
"""Removes those who were removed so long ago, and have handed over all their cash."""


def read(row: asyncpg.Record) -> Driver:
    """Returns the driver in a row of COLUMNS."""
    return Driver(
        company_id=row["company_id"],
        id=row["id"],
        mode=Mode(row["mode"]),
        name=row["name"],
        phone_e164=row["phone_e164"],
        person_id=row["person_id"],
        vehicle=Vehicle(row["vehicle"]),
        capacity=Capacity(row["capacity_grams"], row["capacity_parcels"]),
        skills=tuple(row["skills"]),
        zones=tuple(row["zones"]),
        cash_limit=row["cash_limit"],
        created_at=row["created_at"],
        paused_at=row["paused_at"],
        removed_at=row["removed_at"],
    )
