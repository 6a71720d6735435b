"""Accounts."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import MARKETS, Account
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.store.pool import Connection

COLUMNS = (
    "accounts.id, accounts.name, market, dialect, rate_per_second, burst, origins,"
    " disabled_since is not null as is_disabled"
)


def read(row: asyncpg.Record) -> Account:
    """The account in a row of COLUMNS."""
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
    """Disables an account, or enables it again; returns whether that changed anything."""
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


async def set_failing(
    connection: Connection, account_id: UUID, policy: FailurePolicy | None
) -> None:
    """Sets what an account has said of failed attempts, whose row the caller has locked."""
    await connection.execute(
        "update accounts set failing_attempts = $2, failing_then = $3 where id = $1",
        account_id,
        policy and policy.attempts,
        policy and policy.then,
    )


async def failing(connection: Connection, ids: Collection[UUID]) -> dict[UUID, FailurePolicy]:
    """What accounts have said of failed attempts, of those that have said anything."""
    found = await connection.fetch(
        "select id, failing_attempts, failing_then from accounts"
        " where id = any($1::uuid[]) and failing_attempts is not null",
        list(ids),
    )
    return {row["id"]: policy for row in found if (policy := _failing(row))}


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
        f"select {COLUMNS} from accounts where name = $1",  # noqa: S608 - a constant
        name,
    )
    return read(row) if row else None


async def find_all(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Account]:
    """The accounts of these ids, by them."""
    query = f"select {COLUMNS} from accounts where id = any($1::uuid[])"  # noqa: S608 - a constant
    return {row["id"]: read(row) for row in await connection.fetch(query, list(ids))}


async def keep(connection: Connection, account_id: UUID) -> bool:
    """Keeps others from removing an account until the transaction ends; False if there is none."""
    query = "select true from accounts where id = $1 for share"
    return bool(await connection.fetchval(query, account_id))


async def every(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    found = await connection.fetch(f"select {COLUMNS} from accounts order by name")  # noqa: S608 - a constant
    return [read(row) for row in found]


async def count(connection: Connection) -> int:
    """How many accounts there are."""
    return await connection.fetchval("select count(*) from accounts")


class AccountSettings(NamedTuple):
    """An account with what is set of it besides.

    `personal_data_days` None: as many as the setting says. `failing` is what its people have said
    of failed attempts; None: nothing.
    """

    account: Account
    personal_data_days: int | None
    failing: FailurePolicy | None


_SETTINGS = f"""
select {COLUMNS}, personal_data_days, failing_attempts, failing_then from accounts where id = $1
"""  # noqa: S608 - a constant


def _settings(row: asyncpg.Record | None) -> AccountSettings | None:
    if row is None:
        return None
    return AccountSettings(read(row), row["personal_data_days"], _failing(row))


def _failing(row: asyncpg.Record) -> FailurePolicy | None:
    if row["failing_attempts"] is None:
        return None
    return FailurePolicy(row["failing_attempts"], AfterAttempts(row["failing_then"]))


async def settings_of(connection: Connection, account_id: UUID) -> AccountSettings | None:
    """An account with its settings."""
    row = await connection.fetchrow(_SETTINGS, account_id)
    return _settings(row)


async def lock_settings(connection: Connection, account_id: UUID) -> AccountSettings | None:
    """The same, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(f"{_SETTINGS} for no key update", account_id)
    return _settings(row)


class AccountFilter(NamedTuple):
    """Which accounts: those with `part` in their names, of a market, disabled or not."""

    part: str = ""
    market: str | None = None
    is_disabled: bool | None = None


_PAGE = f"""
select {COLUMNS} from accounts
where name > $1 and ($2 = '' or strpos(name, $2) > 0) and ($3::text is null or market = $3)
    and ($4::boolean is null or (disabled_since is not null) = $4)
order by name limit $5
"""  # noqa: S608 - a constant


async def page(
    connection: Connection, wanted: AccountFilter, after: str, limit: int
) -> list[Account]:
    """At most `limit` accounts by name, those that follow the name `after`."""
    found = await connection.fetch(_PAGE, after, *wanted, limit)
    return [read(row) for row in found]


async def dialect_of(connection: Connection, account_id: UUID) -> str:
    """The name of the dialect that an account speaks."""
    return await connection.fetchval("select dialect from accounts where id = $1", account_id)


async def market_of(connection: Connection, account_id: UUID) -> str:
    """The code of an account's market."""
    return await connection.fetchval("select market from accounts where id = $1", account_id)


async def lock(connection: Connection, account_id: UUID) -> None:
    """Locks an account's row until the transaction ends, against others who change what it has."""
    await connection.execute("select from accounts where id = $1 for no key update", account_id)


async def every_id(connection: Connection) -> list[tuple[UUID, int | None]]:
    """All accounts by id, with the days that their personal data is kept; None: the setting's."""
    found = await connection.fetch("select id, personal_data_days from accounts order by id")
    return [(row["id"], row["personal_data_days"]) for row in found]


async def remove(connection: Connection, account_id: UUID) -> None:
    """Removes an account that has nothing any more."""
    await connection.execute("delete from accounts where id = $1", account_id)
