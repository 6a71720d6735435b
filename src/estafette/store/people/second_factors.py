"""Authenticator apps: their secrets, encrypted, and the codes for when the device is lost."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.old_rows import older, orphaned
from estafette.store.pool import Connection


class StoredTotp(NamedTuple):
    """A person's secret. Codes of `last_step` (30 seconds each, since 1970) or before are over."""

    secret: bytes
    last_step: int
    confirmed_at: datetime | None


async def begin(connection: Connection, person_id: UUID, secret: bytes) -> bool:
    """Writes a secret of which a code has to be shown; False when there is one that counts."""
    status = await connection.execute(
        "insert into totp_secrets as known (person_id, secret) values ($1, $2)"
        " on conflict (person_id) do update set secret = excluded.secret, last_step = 0"
        " where known.confirmed_at is null",
        person_id,
        secret,
    )
    return status.endswith(" 1")


async def lock(connection: Connection, person_id: UUID) -> StoredTotp | None:
    """A person's secret, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(
        "select secret, last_step, confirmed_at from totp_secrets where person_id = $1 for update",
        person_id,
    )
    return None if row is None else StoredTotp(**row)


async def take_step(connection: Connection, person_id: UUID, step: int) -> None:
    """Keeps that a code of this step was taken; the secret counts from now on."""
    await connection.execute(
        "update totp_secrets set last_step = $2, confirmed_at = coalesce(confirmed_at, now())"
        " where person_id = $1",
        person_id,
        step,
    )


async def remove(connection: Connection, person_id: UUID) -> bool:
    """Removes a person's secret and recovery codes; whether there was a secret that counted."""
    await connection.execute("delete from recovery_codes where person_id = $1", person_id)
    counted = await connection.fetchval(
        "delete from totp_secrets where person_id = $1 returning confirmed_at is not null",
        person_id,
    )
    return bool(counted)


async def set_recovery_codes(
    connection: Connection, person_id: UUID, hashes: Collection[bytes]
) -> None:
    """Gives a person these codes, and takes all others."""
    await connection.execute("delete from recovery_codes where person_id = $1", person_id)
    await connection.execute(
        "insert into recovery_codes (person_id, hash) select $1, unnest($2::bytea[])",
        person_id,
        list(hashes),
    )


async def use_recovery_code(connection: Connection, person_id: UUID, hash: bytes) -> bool:
    """Uses up a code, which works once; whether it was one."""
    status = await connection.execute(
        "update recovery_codes set used_at = now()"
        " where person_id = $1 and hash = $2 and used_at is null",
        person_id,
        hash,
    )
    return status.endswith(" 1")


async def count_recovery_codes(connection: Connection, person_id: UUID) -> int:
    """Counts the codes that a person has left."""
    query = "select count(*) from recovery_codes where person_id = $1 and used_at is null"
    return await connection.fetchval(query, person_id)


async def sealed(connection: Connection, after: UUID, limit: int) -> Mapping[UUID, bytes]:
    """Returns encrypted secrets by person, after one, their rows locked for this transaction."""
    found = await connection.fetch(
        "select person_id, secret from totp_secrets where person_id > $1"
        " order by person_id limit $2 for update",
        after,
        limit,
    )
    return {row["person_id"]: row["secret"] for row in found}


async def write_sealed(connection: Connection, secrets: Mapping[UUID, bytes]) -> None:
    """Writes secrets in another encryption."""
    await connection.execute(
        "update totp_secrets set secret = input.secret"
        " from unnest($1::uuid[], $2::bytea[]) as input (person_id, secret)"
        " where totp_secrets.person_id = input.person_id",
        list(secrets),
        list(secrets.values()),
    )


forget_begun: Final = older("totp_secrets", "created_at", "confirmed_at is null")
"""Removes secrets that were begun so long ago and never counted."""

forget_orphaned_secrets: Final = orphaned("totp_secrets")
forget_orphaned_codes: Final = orphaned("recovery_codes")
