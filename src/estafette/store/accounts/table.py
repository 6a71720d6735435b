"""Accounts, whom a key opens, and webhook endpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import MARKETS, Account, Credential, KeyKind, Mode, Scope
from estafette.store.accounts.keys import read_acts, read_limits
from estafette.store.pool import Connection

_ACCOUNT = (
    "accounts.id, accounts.name, market, dialect, rate_per_second, burst, origins,"
    " disabled_since is not null as is_disabled"
)


def _account(row: asyncpg.Record) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        market=MARKETS[row["market"]],
        dialect=row["dialect"],
        rate_per_second=row["rate_per_second"],
        burst=row["burst"],
        origins=tuple(row["origins"]),
        is_disabled=row["is_disabled"],
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


async def disable(connection: Connection, account_id: UUID, *, disabled: bool) -> bool:
    """Has an account's keys open nothing, or again what they did; whether it was otherwise."""
    status = await connection.execute(
        "update accounts set disabled_since = case when $2 then now() end"
        " where id = $1 and (disabled_since is not null) <> $2",
        account_id,
        disabled,
    )
    return status.endswith(" 1")


async def keep_personal_data(
    connection: Connection, account_id: UUID, days: int | None
) -> int | None:
    """Keeps an account's personal data for so long; None: as long as the setting says.

    In the caller's transaction. Returns how long it was kept before.
    """
    before = await connection.fetchval(
        "select personal_data_days from accounts where id = $1 for update", account_id
    )
    await connection.execute(
        "update accounts set personal_data_days = $2 where id = $1", account_id, days
    )
    return before


async def set_origins(connection: Connection, account_id: UUID, origins: Sequence[str]) -> None:
    """Trusts the pages of these patterns, and no others."""
    await connection.execute(
        "update accounts set origins = $2 where id = $1", account_id, list(origins)
    )


async def origins(connection: Connection, dialect: str) -> list[str]:
    """Every pattern that any account of a dialect trusts, once."""
    found = await connection.fetch(
        "select distinct unnest(origins) as pattern from accounts"
        " where dialect = $1 and disabled_since is null",
        dialect,
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


async def recognise(connection: Connection, hash: bytes) -> Credential | None:
    """The credential whose key has this SHA-256."""
    return (await recognise_all(connection, [hash])).get(hash)


async def recognise_all(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Credential]:
    """The credentials whose keys have these SHA-256, by them; unknown ones are left out."""
    found = await connection.fetch(
        f"select hash, {_ACCOUNT}, api_keys.id as key_id, mode, kind, expires_at,"  # noqa: S608 - a constant
        " disabled_at is not null or disabled_since is not null as disabled,"
        " scopes, networks, limits, lineage"
        " from api_keys join accounts on accounts.id = api_keys.account_id"
        " where hash = any($1::bytea[])",
        list(hashes),
    )
    return {row["hash"]: _credential(row) for row in found}


def _credential(row: asyncpg.Record) -> Credential:
    kind = KeyKind(row["kind"])
    return Credential(
        account=_account(row),
        key_id=row["key_id"],
        mode=Mode(row["mode"]),
        kind=kind,
        expires_at=row["expires_at"],
        disabled=row["disabled"],
        acts=read_acts(row["scopes"], kind),
        networks=tuple(row["networks"]),
        page=read_limits(row["limits"], kind),
        lineage=row["lineage"],
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


async def market_of(connection: Connection, account_id: UUID) -> str:
    """The code of an account's market."""
    return await connection.fetchval("select market from accounts where id = $1", account_id)
