"""Positions: the last one of each driver."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Mode
from estafette.core.fleet.position import Position, PositionSource
from estafette.store.columns import Columns, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection

POSITION: Final = Columns[Position](
    {
        "company_id": ("uuid", lambda position: position.company_id),
        "driver_id": ("uuid", lambda position: position.driver_id),
        "at": ("timestamptz", lambda position: position.at),
        "received_at": ("timestamptz", lambda position: position.received_at),
        "latitude": ("double precision", lambda position: position.latitude),
        "longitude": ("double precision", lambda position: position.longitude),
        "accuracy_metres": ("real", lambda position: position.accuracy_metres),
        "speed_kmh": ("real", lambda position: position.speed_kmh),
        "course_degrees": ("real", lambda position: position.course_degrees),
        "battery_percent": ("real", lambda position: position.battery_percent),
        "source": ("text", lambda position: position.source),
    }
)
COLUMNS: Final = ", ".join(POSITION.types)
_CHANGED = [name for name in POSITION.types if name not in {"company_id", "driver_id"}]
KEEP: Final = f"""
insert into positions as known ({COLUMNS})
select distinct on (company_id, driver_id) {COLUMNS} from {rows(POSITION)}
order by company_id, driver_id, at desc
on conflict (company_id, driver_id) do update
set {", ".join(f"{name} = excluded.{name}" for name in _CHANGED)}
where known.at < excluded.at
"""  # noqa: S608 - the columns are constants
"""The statement of `keep`, which others may carry out beside their own."""


async def keep(connection: Connection, positions: Sequence[Position]) -> None:
    """Keeps the newest of each driver; what is older than what is known changes nothing."""
    await connection.execute(KEEP, *POSITION.of(positions))


async def of_drivers(
    connection: Connection, company_id: UUID, drivers: Collection[UUID]
) -> dict[UUID, Position]:
    """Returns where drivers were last."""
    found = await connection.fetch(
        f"select {COLUMNS} from positions where company_id = $1 and driver_id = any($2::uuid[])",  # noqa: S608 - a constant
        company_id,
        list(drivers),
    )
    return {row["driver_id"]: read(row) for row in found}


_OF_COMPANIES = f"""
select asked.company_id, asked.mode, last.* from unnest($1::uuid[], $2::text[])
    asked (company_id, mode), lateral (
    select {", ".join(f"positions.{name}" for name in POSITION.types if name != "company_id")}
    from drivers join positions
        on positions.company_id = drivers.company_id and positions.driver_id = drivers.id
    where drivers.company_id = asked.company_id and drivers.mode = asked.mode
    and removed_at is null order by drivers.id limit $3
) last
"""  # noqa: S608 - the columns are constants


async def of_companies(
    connection: Connection, asked: Sequence[tuple[UUID, Mode]], limit: int
) -> dict[tuple[UUID, Mode], list[Position]]:
    """Returns where the drivers of companies in a mode were last, at most `limit` of each."""
    companies, modes = [company_id for company_id, _ in asked], [mode for _, mode in asked]
    of: dict[tuple[UUID, Mode], list[Position]] = defaultdict(list)
    for row in await connection.fetch(_OF_COMPANIES, companies, modes, limit):
        of[row["company_id"], Mode(row["mode"])].append(read(row))
    return of


forget: Final = older("positions", "received_at")
"""Removes those that came so long ago."""


def read(row: asyncpg.Record | Mapping[str, Any]) -> Position:
    """Returns the position in a row of COLUMNS."""
    return Position(
        company_id=row["company_id"],
        driver_id=row["driver_id"],
        at=row["at"],
        received_at=row["received_at"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        source=PositionSource(row["source"]),
        accuracy_metres=row["accuracy_metres"],
        speed_kmh=row["speed_kmh"],
        course_degrees=row["course_degrees"],
        battery_percent=row["battery_percent"],
    )
