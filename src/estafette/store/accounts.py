"""Accounts, their API keys and their webhook endpoints."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.account import MARKETS, Account, Credential, KeyKind, Mode, Scope
from estafette.store.pool import Connection

_ACCOUNT = "accounts.id, accounts.name, market, dialect, rate_per_second, burst, origins"


def _account(row: asyncpg.Record) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        market=MARKETS[row["market"]],
        dialect=row["dialect"],
        rate_per_second=row["rate_per_second"],
        burst=row["burst"],
        origins=tuple(row["origins"]),
    )


async def insert(connection: Connection, account: Account) -> bool:
    """Writes a new account; False when its name is taken."""
    status = await connection.execute(
        "insert into accounts (id, name, market, dialect, rate_per_second, burst)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (name) do nothing",
        account.id,
        account.name,
        account.market.code,
        account.dialect,
        account.rate_per_second,
        account.burst,
    )
    return status.endswith(" 1")


async def set_rate(connection: Connection, account_id: UUID, per_second: int, burst: int) -> None:
    """Bounds the requests of each key of an account."""
    await connection.execute(
        "update accounts set rate_per_second = $2, burst = $3 where id = $1",
        account_id,
        per_second,
        burst,
    )


async def set_origins(connection: Connection, account_id: UUID, origins: Sequence[str]) -> None:
    """Trusts the pages of these patterns, and no others."""
    await connection.execute(
        "update accounts set origins = $2 where id = $1", account_id, list(origins)
    )


async def origins(connection: Connection, dialect: str) -> list[str]:
    """Every pattern that any account of a dialect trusts, once."""
    found = await connection.fetch(
        "select distinct unnest(origins) as pattern from accounts where dialect = $1", dialect
    )
    return [row["pattern"] for row in found]


async def find(connection: Connection, name: str) -> Account | None:
    """The account of that name."""
    row = await connection.fetchrow(
        f"select {_ACCOUNT} from accounts where name = $1",  # noqa: S608 - a constant
        name,
    )
    return _account(row) if row else None


async def every(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    found = await connection.fetch(f"select {_ACCOUNT} from accounts order by name")  # noqa: S608 - a constant
    return [_account(row) for row in found]


class ApiKey(NamedTuple):
    """What is known of a key. The key itself is not kept."""

    account_id: UUID
    id: UUID
    mode: Mode
    kind: KeyKind
    hint: str
    created_at: datetime
    expires_at: datetime | None
    disabled_at: datetime | None


async def insert_key(connection: Connection, key: ApiKey, hash: bytes) -> None:
    """Writes a new key by its SHA-256."""
    await connection.execute(
        "insert into api_keys (account_id, id, mode, kind, hash, hint, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        key.account_id,
        key.id,
        key.mode,
        key.kind,
        hash,
        key.hint,
        key.created_at,
    )


async def keys(connection: Connection, account_id: UUID) -> list[ApiKey]:
    """All keys of an account, oldest first."""
    found = await connection.fetch(
        "select account_id, id, mode, kind, hint, created_at, expires_at, disabled_at"
        " from api_keys where account_id = $1 order by created_at, id",
        account_id,
    )
    return [
        ApiKey(row[0], row[1], Mode(row[2]), KeyKind(row[3]), row[4], row[5], row[6], row[7])
        for row in found
    ]


async def expire_key(
    connection: Connection, account_id: UUID, key_id: UUID, overlap: timedelta
) -> None:
    """Ends a key's life after `overlap`, never later than was set before."""
    await connection.execute(
        "update api_keys set expires_at = least(expires_at, now() + $3)"
        " where account_id = $1 and id = $2",
        account_id,
        key_id,
        overlap,
    )


async def disable_key(connection: Connection, account_id: UUID, key_id: UUID) -> None:
    """Disables a key from now on."""
    await connection.execute(
        "update api_keys set disabled_at = coalesce(disabled_at, now())"
        " where account_id = $1 and id = $2",
        account_id,
        key_id,
    )


async def recognise(connection: Connection, hash: bytes) -> Credential | None:
    """The credential whose key has this SHA-256."""
    row = await connection.fetchrow(
        f"select {_ACCOUNT}, api_keys.id as key_id, mode, kind, expires_at,"  # noqa: S608 - a constant
        " disabled_at is not null as disabled"
        " from api_keys join accounts on accounts.id = api_keys.account_id where hash = $1",
        hash,
    )
    if row is None:
        return None
    return Credential(
        account=_account(row),
        key_id=row["key_id"],
        mode=Mode(row["mode"]),
        kind=KeyKind(row["kind"]),
        expires_at=row["expires_at"],
        disabled=row["disabled"],
    )


class Endpoint(NamedTuple):
    """Where an account receives webhooks; the secrets are encrypted."""

    scope: Scope
    id: UUID
    name: str
    url: str | None
    secret: bytes
    next_secret: bytes | None
    next_secret_from: datetime | None
    disabled_at: datetime | None


_ENDPOINT = "account_id, mode, id, name, url, secret, next_secret, next_secret_from, disabled_at"


async def insert_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Writes a new endpoint."""
    await connection.execute(
        "insert into endpoints (account_id, mode, id, name, url, secret)"
        " values ($1, $2, $3, $4, $5, $6)",
        endpoint.scope.account_id,
        endpoint.scope.mode,
        endpoint.id,
        endpoint.name,
        endpoint.url,
        endpoint.secret,
    )


async def endpoints(connection: Connection, account_id: UUID) -> list[Endpoint]:
    """All endpoints of an account, by mode and name."""
    found = await connection.fetch(
        f"select {_ENDPOINT} from endpoints where account_id = $1 order by mode, name",  # noqa: S608 - a constant
        account_id,
    )
    return [
        Endpoint(
            Scope(row["account_id"], Mode(row["mode"])),
            row["id"],
            row["name"],
            row["url"],
            row["secret"],
            row["next_secret"],
            row["next_secret_from"],
            row["disabled_at"],
        )
        for row in found
    ]


async def dialect_of(connection: Connection, account_id: UUID) -> str:
    """The name of the dialect that an account speaks."""
    return await connection.fetchval("select dialect from accounts where id = $1", account_id)
