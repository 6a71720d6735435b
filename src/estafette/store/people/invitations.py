"""Invitations: links that work once, kept by the hash of what they hold."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.store.old_rows import older
from estafette.store.pool import Connection

"""How long an invitation is kept after its end, to be shown."""


class Invitation(NamedTuple):
    """A link that was given out.

    Either it makes whoever uses it a member of `organisation` as `role`, or it lets `person_id` set
    a password anew. `email` is whom it is for; None: whoever has it.
    """

    id: UUID
    organisation: Organisation | None
    role: Role | None
    person_id: UUID | None
    email: str | None
    name: str
    language: str
    created_at: datetime
    expires_at: datetime


_COLUMNS = (
    "id, kind, organisation_id, role, person_id, email, name, language, created_at, expires_at"
)


async def insert(
    connection: Connection, invitation: Invitation, hash: bytes, length: timedelta
) -> None:
    """Writes a new invitation that ends after `length`, by the database's clock."""
    of = invitation.organisation
    await connection.execute(
        "insert into invitations (id, token_hash, kind, organisation_id, role, person_id, email,"
        " name, language, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10::interval)",
        invitation.id,
        hash,
        None if of is None else of.kind,
        None if of is None else of.id,
        invitation.role,
        invitation.person_id,
        invitation.email,
        invitation.name,
        invitation.language,
        length,
    )


_OPEN = "used_at is null and withdrawn_at is null and expires_at > now()"


async def find(connection: Connection, hash: bytes) -> Invitation | None:
    """The invitation whose link holds what has this hash, if it can be used."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from invitations where token_hash = $1 and {_OPEN}",  # noqa: S608 - constants
        hash,
    )
    return None if row is None else _read(row)


async def use(connection: Connection, hash: bytes) -> Invitation | None:
    """Uses up the same, which only one can: None for all others, once that one has committed."""
    row = await connection.fetchrow(
        "update invitations set used_at = clock_timestamp()"  # noqa: S608 - constants
        f" where token_hash = $1 and {_OPEN} returning {_COLUMNS}",
        hash,
    )
    return None if row is None else _read(row)


async def use_all_of(connection: Connection, email: str) -> list[Invitation]:
    """Uses up all open invitations of an e-mail address to organisations."""
    found = await connection.fetch(
        "update invitations set used_at = clock_timestamp()"  # noqa: S608 - constants
        f" where email = $1 and kind is not null and {_OPEN} returning {_COLUMNS}",
        email,
    )
    return [_read(row) for row in found]


async def open_of(
    connection: Connection, of: Organisation, after: UUID, limit: int
) -> list[Invitation]:
    """Returns the open invitations of an organisation by their ids, after one."""
    found = await connection.fetch(
        f"select {_COLUMNS} from invitations where kind = $1 and organisation_id = $2"  # noqa: S608 - constants
        f" and id > $3 and {_OPEN} order by id limit $4",
        of.kind,
        of.id,
        after,
        limit,
    )
    return [_read(row) for row in found]


async def count_open(connection: Connection, of: Organisation) -> int:
    """Counts them."""
    return await connection.fetchval(
        "select count(*) from invitations where kind = $1 and organisation_id = $2"  # noqa: S608 - a constant
        f" and {_OPEN}",
        of.kind,
        of.id,
    )


async def withdraw(connection: Connection, of: Organisation, id: UUID) -> bool:
    """Has an open invitation of an organisation open nothing; whether there was one."""
    status = await connection.execute(
        "update invitations set withdrawn_at = now()"  # noqa: S608 - a constant
        f" where id = $1 and kind = $2 and organisation_id = $3 and {_OPEN}",
        id,
        of.kind,
        of.id,
    )
    return status.endswith(" 1")


async def withdraw_for(connection: Connection, of: Organisation, email: str | None) -> None:
    """Withdraws the open invitations of somebody to an organisation; None: of nobody named."""
    await connection.execute(
        "update invitations set withdrawn_at = now()"  # noqa: S608 - a constant
        f" where kind = $1 and organisation_id = $2 and email is not distinct from $3 and {_OPEN}",
        of.kind,
        of.id,
        email,
    )


async def withdraw_resets(connection: Connection, person_id: UUID) -> None:
    """Has the links with which a person could set a password anew open nothing."""
    await connection.execute(
        f"update invitations set withdrawn_at = now() where person_id = $1 and {_OPEN}",  # noqa: S608 - a constant
        person_id,
    )


async def remove_all(connection: Connection, kind: OrganisationKind, ids: Collection[UUID]) -> None:
    """Removes the invitations of organisations that are no more."""
    await connection.execute(
        "delete from invitations where kind = $1 and organisation_id = any($2::uuid[])",
        kind,
        list(ids),
    )


forget: Final = older("invitations", "expires_at")
"""Removes those that ended so long ago."""


def _read(row: asyncpg.Record) -> Invitation:
    of = None
    if row["kind"] is not None:
        of = Organisation(OrganisationKind(row["kind"]), row["organisation_id"])
    return Invitation(
        id=row["id"],
        organisation=of,
        role=None if row["role"] is None else Role(row["role"]),
        person_id=row["person_id"],
        email=row["email"],
        name=row["name"],
        language=row["language"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
