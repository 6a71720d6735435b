"""Where drivers were: by the day on which it was received, and ended with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from estafette.core.fleet.position import Position
from estafette.store.columns import insertion, rows
from estafette.store.fleet.positions import COLUMNS, KEEP, POSITION, read
from estafette.store.pool import Connection

_REPLAYED: Final = rows(POSITION, name="replayed", first=1 + len(POSITION.types))
_KEEP: Final = f"""
with last as ({KEEP})
{insertion("position_history", POSITION.types, _REPLAYED)}
"""


async def keep(
    connection: Connection, positions: Sequence[Position], replayed: Sequence[Position]
) -> None:
    """Keeps the newest of each driver (`positions.keep`), and writes those to be `replayed`.

    It is one statement, and so one transaction, without a word to begin and one to end it.
    """
    await connection.execute(_KEEP, *POSITION.of(positions), *POSITION.of(replayed))


async def of_driver(
    connection: Connection,
    company_id: UUID,
    driver_id: UUID,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Position]:
    """Returns the positions of a driver that were received in a time, oldest first."""
    found = await connection.fetch(
        f"select {COLUMNS} from position_history"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = $2 and received_at >= $3 and received_at < $4"
        " order by received_at, at limit $5",
        company_id,
        driver_id,
        since,
        until,
        limit,
    )
    return [read(row) for row in found]
