"""Keys of the operator's own programs: all that is known of them but the keys themselves."""

from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from estafette.core.accounts.key_rules import Key
from estafette.core.people.permission import PersonAct
from estafette.store.old_rows import older
from estafette.store.pool import Connection

OperatorKey: TypeAlias = Key[PersonAct]
"""What is known of a key of the operator's."""

_COLUMNS = (
    "id, hint, name, scopes, networks, created_at, expires_at, disabled_at, replaced_by, used_at,"
    " used_from"
)


async def lock(connection: Connection) -> None:
    """Lets nobody else change the keys until the transaction ends."""
    await connection.execute("lock table operator_keys in share row exclusive mode")


async def insert(connection: Connection, key: OperatorKey, hash: bytes) -> None:
    """Writes a new key by its SHA-256."""
    await connection.execute(
        "insert into operator_keys (id, hash, hint, name, scopes, networks, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        key.id,
        hash,
        key.hint,
        key.name,
        sorted(key.acts),
        list(key.networks),
        key.expires_at,
    )


async def update(connection: Connection, key: OperatorKey) -> None:
    """Writes what can be changed of a key."""
    await connection.execute(
        "update operator_keys set name = $2, scopes = $3, networks = $4, expires_at = $5,"
        " disabled_at = $6, replaced_by = $7 where id = $1",
        key.id,
        key.name,
        sorted(key.acts),
        list(key.networks),
        key.expires_at,
        key.disabled_at,
        key.replaced_by,
    )


async def every(connection: Connection) -> list[OperatorKey]:
    """Returns all keys, oldest first."""
    query = f"select {_COLUMNS} from operator_keys order by created_at, id"  # noqa: S608 - a constant
    return [_read(row) for row in await connection.fetch(query)]


async def recognise(connection: Connection, hash: bytes) -> OperatorKey | None:
    """Returns the key of this SHA-256 that has not ended."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from operator_keys"  # noqa: S608 - a constant
        " where hash = $1 and (expires_at is null or expires_at > now())",
        hash,
    )
    return None if row is None else _read(row)


_NOTED_EVERY = timedelta(minutes=1)


async def note_use(connection: Connection, id: UUID, address: str | None) -> None:
    """Keeps the last use of a key, once a minute."""
    await connection.execute(
        "update operator_keys set used_at = now(), used_from = $2"
        " where id = $1 and (used_at is null or used_at < now() - $3::interval)",
        id,
        address,
        _NOTED_EVERY,
    )


def _read(row: asyncpg.Record) -> OperatorKey:
    known = set(PersonAct)
    return OperatorKey(
        id=row["id"],
        hint=row["hint"],
        name=row["name"],
        acts=frozenset(PersonAct(act) for act in row["scopes"] if act in known),
        networks=tuple(row["networks"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        disabled_at=row["disabled_at"],
        replaced_by=row["replaced_by"],
        used_at=row["used_at"],
        used_from=row["used_from"],
    )


class StoredAnswer(NamedTuple):
    """What was answered under an idempotency key; `status` None: nothing yet.

    `request` is a fingerprint of what was asked.
    """

    request: bytes
    status: int | None
    headers: bytes | None
    body: bytes | None


GOOD_FOR = timedelta(hours=24)
_LEASE = timedelta(minutes=2)


async def begin(connection: Connection, key_id: UUID, key: str, request: bytes) -> bool:
    """Takes an idempotency key for a request; False when it is taken, unless that is long ago."""
    status = await connection.execute(
        "insert into operator_answers as known (key_id, key, request) values ($1, $2, $3)"
        " on conflict (key_id, key) do update set request = excluded.request, begun_at = now(),"
        " status = null, headers = null, body = null"
        " where known.begun_at < now() - $4::interval or (known.status is null"
        " and known.request = excluded.request and known.begun_at < now() - $5::interval)",
        key_id,
        key,
        request,
        GOOD_FOR,
        _LEASE,
    )
    return status.endswith(" 1")


async def find_answer(connection: Connection, key_id: UUID, key: str) -> StoredAnswer | None:
    """What was answered under an idempotency key."""
    row = await connection.fetchrow(
        "select request, status, headers, body from operator_answers"
        " where key_id = $1 and key = $2",
        key_id,
        key,
    )
    return None if row is None else StoredAnswer(**row)


async def keep_answer(
    connection: Connection, key_id: UUID, key: str, status: int, headers: bytes, body: bytes
) -> None:
    """Keeps what was answered."""
    await connection.execute(
        "update operator_answers set status = $3, headers = $4, body = $5"
        " where key_id = $1 and key = $2",
        key_id,
        key,
        status,
        headers,
        body,
    )


async def let_go(connection: Connection, key_id: UUID, key: str) -> None:
    """Leaves an idempotency key unused: nothing was done."""
    await connection.execute(
        "delete from operator_answers where key_id = $1 and key = $2 and status is null",
        key_id,
        key,
    )


forget: Final = older("operator_answers", "begun_at")
"""Removes answers to requests that began so long ago."""
