"""Sessions, kept by the hash of the token that a browser has."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.people.organisation import PLATFORM, Organisation
from estafette.core.people.permission import Role
from estafette.core.people.person import SESSION_IDLE, Person
from estafette.store.old_rows import older
from estafette.store.people import table as people
from estafette.store.pool import Connection


class Stage(StrEnum):
    """How far somebody has come with signing in."""

    SECOND_FACTOR = "second_factor"
    """The password was right; the second factor is waited for."""
    OPEN = "open"
    """They are signed in."""


class Session(NamedTuple):
    """A person's session on one device. `by` tells how they signed in, such as `password+totp`."""

    id: UUID
    person_id: UUID
    stage: Stage
    by: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str | None
    agent: str


class Found(NamedTuple):
    """A session and its person."""

    session: Session
    person: Person


_COLUMNS = (
    "sessions.id as session_id, person_id, stage, by_factors, sessions.created_at as began_at,"
    " sessions.seen_at as used_at, expires_at, address, agent"
)
_ALIVE = "expires_at > now() and sessions.seen_at > now() - $2::interval"


async def insert(connection: Connection, session: Session, hash: bytes, length: timedelta) -> None:
    """Writes a new session, which ends after `length` at the latest, by the database's clock."""
    await connection.execute(
        "insert into sessions (token_hash, id, person_id, stage, by_factors, expires_at, address,"
        " agent) values ($1, $2, $3, $4, $5, now() + $6::interval, $7, $8)",
        hash,
        session.id,
        session.person_id,
        session.stage,
        session.by,
        length,
        session.address,
        session.agent,
    )


async def find(connection: Connection, hash: bytes) -> Found | None:
    """The session of this token, and its person, unless it is over or the person disabled."""
    row = await connection.fetchrow(
        f"select {people.COLUMNS}, {_COLUMNS} from sessions"  # noqa: S608 - constants
        " join people on people.id = person_id"
        f" where token_hash = $1 and disabled_at is null and {_ALIVE}",
        hash,
        SESSION_IDLE,
    )
    return None if row is None else Found(_read(row), people.read(row))


async def mark_seen(connection: Connection, id: UUID, address: str | None) -> None:
    """Keeps that a session is used now, and from where."""
    await connection.execute(
        "update sessions set seen_at = now(), address = coalesce($2, address) where id = $1",
        id,
        address,
    )


async def of_person(connection: Connection, person_id: UUID) -> list[Session]:
    """Returns a person's open sessions, the one that was used last first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from sessions where person_id = $1 and stage = 'open' and {_ALIVE}"  # noqa: S608 - constants
        " order by sessions.seen_at desc, sessions.id",
        person_id,
        SESSION_IDLE,
    )
    return [_read(row) for row in found]


_STANDINGS = f"""
select asked.number, own.role as role, platform.role as platform_role
from unnest($1::uuid[], $3::text[], $4::uuid[])
    with ordinality as asked (session_id, of_kind, of_id, number)
join sessions on sessions.id = asked.session_id
join people on people.id = sessions.person_id
left join memberships own on own.person_id = sessions.person_id
    and own.kind = asked.of_kind and own.organisation_id = asked.of_id
left join memberships platform on platform.person_id = sessions.person_id
    and platform.kind = 'platform' and platform.organisation_id = $5
where stage = 'open' and disabled_at is null and {_ALIVE}
"""  # noqa: S608 - constants


async def standings(
    connection: Connection, asked: Sequence[tuple[UUID, Organisation | None]]
) -> dict[int, tuple[Role | None, Role | None]]:
    """Returns of open sessions, each asked with an organisation, the person's role in it.

    And their role in the platform. The keys are the places in `asked`; those of sessions that are
    over are missing.
    """
    found = await connection.fetch(
        _STANDINGS,
        [session_id for session_id, _ in asked],
        SESSION_IDLE,
        [of and of.kind for _, of in asked],
        [of and of.id for _, of in asked],
        PLATFORM.id,
    )
    return {row["number"] - 1: (_role(row["role"]), _role(row["platform_role"])) for row in found}


def _role(written: str | None) -> Role | None:
    return None if written is None else Role(written)


async def end(connection: Connection, person_id: UUID, id: UUID) -> bool:
    """Ends one session of a person; whether there was one."""
    status = await connection.execute(
        "delete from sessions where person_id = $1 and id = $2", person_id, id
    )
    return status.endswith(" 1")


async def end_all(connection: Connection, person_id: UUID, but: UUID | None = None) -> int:
    """Ends the sessions of a person but one; counts them."""
    status = await connection.execute(
        "delete from sessions where person_id = $1 and id is distinct from $2", person_id, but
    )
    return int(status.rpartition(" ")[2])


async def end_beyond(connection: Connection, person_id: UUID, most: int) -> None:
    """Ends those sessions of a person that were unused for longest, where there are too many."""
    await connection.execute(
        "delete from sessions where id in (select id from sessions where person_id = $1"
        " order by seen_at desc, id desc offset $2)",
        person_id,
        most,
    )


forget: Final = older("sessions", "expires_at")
"""Removes those that ended so long ago."""


def _read(row: asyncpg.Record) -> Session:
    return Session(
        id=row["session_id"],
        person_id=row["person_id"],
        stage=Stage(row["stage"]),
        by=row["by_factors"],
        created_at=row["began_at"],
        seen_at=row["used_at"],
        expires_at=row["expires_at"],
        address=row["address"],
        agent=row["agent"],
    )
