"""Messages to drivers: of dispatchers, and of what others have taken from them."""

from typing import Final
from uuid import UUID

import asyncpg

from estafette.core.audit import By, ByKind
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.taken import Taken
from estafette.store.columns import Columns, parameters
from estafette.store.old_rows import older
from estafette.store.pool import Connection

MESSAGE: Final = Columns[DriverMessage](
    {
        "company_id": ("uuid", lambda message: message.company_id),
        "driver_id": ("uuid", lambda message: message.driver_id),
        "id": ("uuid", lambda message: message.id),
        "text": ("text", lambda message: message.text),
        "by_kind": ("text", lambda message: message.by.kind),
        "by_name": ("text", lambda message: message.by.name),
        "created_at": ("timestamptz", lambda message: message.created_at),
        "read_at": ("timestamptz", lambda message: message.read_at),
        "cause": ("text", lambda message: message.cause),
        "taken": ("uuid[]", lambda message: list(message.taken) or None),
    }
)
_COLUMNS = ", ".join(MESSAGE.types)
_INSERT = f"insert into driver_messages ({_COLUMNS}) values {parameters(MESSAGE)}"  # noqa: S608 - constants


async def insert(connection: Connection, message: DriverMessage, most: int) -> None:
    """Writes a message; of the driver's messages the newest `most` stay."""
    await connection.execute(_INSERT, *MESSAGE.of_one(message))
    await connection.execute(
        "delete from driver_messages where company_id = $1 and driver_id = $2 and id in ("
        " select id from driver_messages where company_id = $1 and driver_id = $2"
        " order by id desc offset $3)",
        message.company_id,
        message.driver_id,
        most,
    )


_TAKE_UNREAD = f"""
delete from driver_messages where company_id = $1 and driver_id = $2 and read_at is null and id = (
    select id from driver_messages where company_id = $1 and driver_id = $2
    and cause = $3 and read_at is null and cardinality(taken) <= $4 order by id desc limit 1
)
returning {_COLUMNS}
"""  # noqa: S608 - the columns are a constant


async def take_unread(
    connection: Connection, company_id: UUID, driver_id: UUID, cause: Taken, most: int
) -> DriverMessage | None:
    """Removes the newest message of a cause that the driver has not read; returns it.

    Whoever does it has it alone, and writes one in its place that tells more. One that would then
    tell of more than `most` stays as it is.
    """
    row = await connection.fetchrow(_TAKE_UNREAD, company_id, driver_id, cause, most)
    return None if row is None else _message(row)


async def newest(
    connection: Connection, company_id: UUID, driver_id: UUID, limit: int
) -> list[DriverMessage]:
    """Returns the messages to a driver, newest first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from driver_messages"  # noqa: S608 - a constant
        " where company_id = $1 and driver_id = $2 order by id desc limit $3",
        company_id,
        driver_id,
        limit,
    )
    return [_message(row) for row in found]


async def read_all(connection: Connection, company_id: UUID, driver_id: UUID, until: UUID) -> int:
    """Marks as read what a driver was sent until a message; counts what was not."""
    status = await connection.execute(
        "update driver_messages set read_at = now()"
        " where company_id = $1 and driver_id = $2 and id <= $3 and read_at is null",
        company_id,
        driver_id,
        until,
    )
    return int(status.rpartition(" ")[2])


forget: Final = older("driver_messages", "created_at")
"""Removes those that were written so long ago."""


def _message(row: asyncpg.Record) -> DriverMessage:
    return DriverMessage(
        company_id=row["company_id"],
        driver_id=row["driver_id"],
        id=row["id"],
        text=row["text"],
        by=By(ByKind(row["by_kind"]), row["by_name"]),
        created_at=row["created_at"],
        read_at=row["read_at"],
        cause=None if row["cause"] is None else Taken(row["cause"]),
        taken=tuple(row["taken"] or ()),
    )
