"""Passkeys: what a person's device signs with, and the challenges that it is asked to sign."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.old_rows import older, orphaned
from estafette.store.pool import Connection


class Passkey(NamedTuple):
    """A passkey of a person, and what it is called."""

    person_id: UUID
    id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None


_COLUMNS = "person_id, id, credential_id, public_key, sign_count, name, created_at, used_at"


async def insert(connection: Connection, passkey: Passkey) -> bool:
    """Writes a new passkey; False when it is known already."""
    status = await connection.execute(
        "insert into passkeys (person_id, id, credential_id, public_key, sign_count, name)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (credential_id) do nothing",
        passkey.person_id,
        passkey.id,
        passkey.credential_id,
        passkey.public_key,
        passkey.sign_count,
        passkey.name,
    )
    return status.endswith(" 1")


async def of_person(connection: Connection, person_id: UUID) -> list[Passkey]:
    """Returns a person's passkeys, oldest first."""
    query = f"select {_COLUMNS} from passkeys where person_id = $1 order by created_at, id"  # noqa: S608 - a constant
    return [Passkey(**row) for row in await connection.fetch(query, person_id)]


async def lock(connection: Connection, credential_id: bytes) -> Passkey | None:
    """The passkey of that id, which nobody else changes until the transaction ends."""
    query = f"select {_COLUMNS} from passkeys where credential_id = $1 for update"  # noqa: S608 - a constant
    row = await connection.fetchrow(query, credential_id)
    return None if row is None else Passkey(**row)


async def note_use(connection: Connection, credential_id: bytes, sign_count: int) -> None:
    """Keeps that a passkey was used, and what its device counts."""
    await connection.execute(
        "update passkeys set used_at = now(), sign_count = $2 where credential_id = $1",
        credential_id,
        sign_count,
    )


async def remove(connection: Connection, person_id: UUID, id: UUID) -> bool:
    """Removes a passkey of a person; whether there was one."""
    status = await connection.execute(
        "delete from passkeys where person_id = $1 and id = $2", person_id, id
    )
    return status.endswith(" 1")


async def remove_all(connection: Connection, person_id: UUID) -> int:
    """Removes all passkeys of a person; counts them."""
    status = await connection.execute("delete from passkeys where person_id = $1", person_id)
    return int(status.rpartition(" ")[2])


class Purpose(StrEnum):
    """What a challenge is for."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"


class Challenge(NamedTuple):
    """What a device is asked to sign. `person_id` is whose; None: whoever signs in."""

    id: UUID
    challenge: bytes
    person_id: UUID | None
    purpose: Purpose


async def insert_challenge(connection: Connection, challenge: Challenge, length: timedelta) -> None:
    """Writes a challenge that is good for so long."""
    await connection.execute(
        "insert into passkey_challenges (id, challenge, person_id, purpose, expires_at)"
        " values ($1, $2, $3, $4, now() + $5::interval)",
        challenge.id,
        challenge.challenge,
        challenge.person_id,
        challenge.purpose,
        length,
    )


async def take_challenge(connection: Connection, id: UUID, purpose: Purpose) -> Challenge | None:
    """Takes a challenge away, which is answered once; None when there is none that is good."""
    row = await connection.fetchrow(
        "delete from passkey_challenges where id = $1 and purpose = $2 and expires_at > now()"
        " returning id, challenge, person_id",
        id,
        purpose,
    )
    return None if row is None else Challenge(**row, purpose=purpose)


forget_challenges: Final = older("passkey_challenges", "expires_at")
"""Removes those that ended so long ago."""

forget_orphaned: Final = orphaned("passkeys")
