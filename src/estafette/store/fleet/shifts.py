"""Shifts of drivers, of which each has one open at a time."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from estafette.core.fleet.shift import Shift
from estafette.store.old_rows import older
from estafette.store.pool import Connection

_COLUMNS: Final = "company_id, id, driver_id, began_at, ended_at, device"


async def insert(connection: Connection, shift: Shift) -> bool:
    """Writes a shift that begins; False where the driver has an open one."""
    status = await connection.execute(
        "insert into shifts (company_id, id, driver_id, began_at, device)"
        " values ($1, $2, $3, $4, $5)"
        " on conflict (company_id, driver_id) where ended_at is null do nothing",
        shift.company_id,
        shift.id,
        shift.driver_id,
        shift.began_at,
        shift.device,
    )
    return status.endswith(" 1")


async def open_of(
    connection: Connection, company_id: UUID, drivers: Collection[UUID]
) -> dict[UUID, Shift]:
    """Returns the open shifts of drivers, by the driver."""
    found = await connection.fetch(
        f"select {_COLUMNS} from shifts"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = any($2::uuid[]) and ended_at is null",
        company_id,
        list(drivers),
    )
    return {row["driver_id"]: _shift(row) for row in found}


async def who_works(
    connection: Connection, drivers: Collection[tuple[UUID, UUID]]
) -> set[tuple[UUID, UUID]]:
    """Returns those of the drivers, each with its company, who have an open shift."""
    found = await connection.fetch(
        "select distinct company_id, driver_id from shifts"
        " join unnest($1::uuid[], $2::uuid[]) as asked (of_company, of_driver)"
        " on company_id = of_company and driver_id = of_driver where ended_at is null",
        [company for company, _ in drivers],
        [driver for _, driver in drivers],
    )
    return {(row["company_id"], row["driver_id"]) for row in found}


async def open_in(connection: Connection, company_id: UUID, limit: int) -> list[Shift]:
    """Returns the open shifts of a company."""
    found = await connection.fetch(
        f"select {_COLUMNS} from shifts where company_id = $1 and ended_at is null"  # noqa: S608 - a constant
        " order by driver_id limit $2",
        company_id,
        limit,
    )
    return [_shift(row) for row in found]


async def end(connection: Connection, shift: Shift, at: datetime) -> None:
    """Ends an open shift."""
    await connection.execute(
        "update shifts set ended_at = $3 where company_id = $1 and id = $2 and ended_at is null",
        shift.company_id,
        shift.id,
        at,
    )


forget: Final = older("shifts", "ended_at")
"""Removes what ended so long ago."""


def _shift(row: asyncpg.Record) -> Shift:
    return Shift(**row)
