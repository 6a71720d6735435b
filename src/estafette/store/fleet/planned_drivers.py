"""Which drivers the scheduled deliveries of companies are planned for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.columns import Columns, insertion, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class PlannedDriver(NamedTuple):
    """A delivery of a company, the driver it is planned for, and when it is to be fetched."""

    company_id: UUID
    account_id: UUID
    delivery_id: UUID
    driver_id: UUID
    pickup_at: datetime


_PLANNED: Final = Columns[PlannedDriver](
    {
        "company_id": ("uuid", lambda one: one.company_id),
        "account_id": ("uuid", lambda one: one.account_id),
        "delivery_id": ("uuid", lambda one: one.delivery_id),
        "driver_id": ("uuid", lambda one: one.driver_id),
        "pickup_at": ("timestamptz", lambda one: one.pickup_at),
    }
)
_INSERT: Final = insertion("planned_drivers", _PLANNED.types, rows(_PLANNED))


async def replace_all(
    connection: Connection, company_id: UUID, planned: Sequence[PlannedDriver]
) -> None:
    """Writes what is planned of a company, instead of all that was."""
    async with connection.transaction():
        await connection.execute("delete from planned_drivers where company_id = $1", company_id)
        if planned:
            await connection.execute(_INSERT, *_PLANNED.of(planned))


async def of_company(connection: Connection, company_id: UUID) -> Mapping[tuple[UUID, UUID], UUID]:
    """Returns the planned drivers of a company's deliveries, by account and id."""
    found = await connection.fetch(
        "select account_id, delivery_id, driver_id from planned_drivers where company_id = $1",
        company_id,
    )
    return {(row["account_id"], row["delivery_id"]): row["driver_id"] for row in found}


forget: Final = older("planned_drivers", "pickup_at")
"""Removes those that were to be fetched so long ago."""
