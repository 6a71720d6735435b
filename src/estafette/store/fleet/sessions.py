"""The phones that drivers are signed in on, kept by the hash of the token that a browser has."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from estafette.core.fleet.session import IDLE, DriverSession
from estafette.store.old_rows import older
from estafette.store.pool import Connection

_COLUMNS: Final = (
    "company_id, driver_id, id, language, agent, address, created_at, seen_at, expires_at"
)


async def insert(
    connection: Connection, session: DriverSession, hash: bytes, length: timedelta
) -> None:
    """Writes a new session, which ends after `length` at the latest, by the database's clock."""
    await connection.execute(
        "insert into driver_sessions (company_id, driver_id, id, language, agent, address,"
        " token_hash, expires_at) values ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)",
        session.company_id,
        session.driver_id,
        session.id,
        session.language,
        session.agent,
        session.address,
        hash,
        length,
    )


async def find(connection: Connection, hash: bytes) -> DriverSession | None:
    """The session of this token, unless it is over."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from driver_sessions where token_hash = $1 and expires_at > now()"  # noqa: S608 - a constant
        " and seen_at > now() - $2::interval",
        hash,
        IDLE,
    )
    return None if row is None else DriverSession(**row)


async def mark_seen(connection: Connection, session: DriverSession, address: str | None) -> None:
    """Keeps that a session is used now, and from where."""
    await connection.execute(
        "update driver_sessions set seen_at = now(), address = coalesce($4, address)"
        " where company_id = $1 and driver_id = $2 and id = $3",
        session.company_id,
        session.driver_id,
        session.id,
        address,
    )


async def set_language(connection: Connection, session: DriverSession, language: str) -> None:
    """Sets the language of the page on one phone."""
    await connection.execute(
        "update driver_sessions set language = $4"
        " where company_id = $1 and driver_id = $2 and id = $3",
        session.company_id,
        session.driver_id,
        session.id,
        language,
    )


async def end(connection: Connection, company_id: UUID, driver_id: UUID, id: UUID) -> bool:
    """Ends one session of a driver; whether there was one."""
    status = await connection.execute(
        "delete from driver_sessions where company_id = $1 and driver_id = $2 and id = $3",
        company_id,
        driver_id,
        id,
    )
    return status.endswith(" 1")


async def end_all(connection: Connection, company_id: UUID, driver_id: UUID) -> int:
    """Ends all sessions of a driver; counts them."""
    status = await connection.execute(
        "delete from driver_sessions where company_id = $1 and driver_id = $2",
        company_id,
        driver_id,
    )
    return int(status.rpartition(" ")[2])


async def end_beyond(connection: Connection, company_id: UUID, driver_id: UUID, most: int) -> None:
    """Ends those sessions of a driver that were unused for longest, where there are too many."""
    await connection.execute(
        "delete from driver_sessions where company_id = $1 and driver_id = $2 and id in ("
        " select id from driver_sessions where company_id = $1 and driver_id = $2"
        " order by seen_at desc, id desc offset $3)",
        company_id,
        driver_id,
        most,
    )


forget_ended: Final = older("driver_sessions", "expires_at")
"""Removes those that ended so long ago."""

forget_unused: Final = older("driver_sessions", "seen_at")
"""Removes those that were not used for so long."""
