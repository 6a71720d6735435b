"""How accounts show themselves to recipients, and what these are told."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.branding import UNBRANDED, Branding
from estafette.core.notifications.notification import NotificationKind
from estafette.store.pool import Connection

_KINDS: Final = frozenset(NotificationKind)


def _told(kinds: list[str]) -> frozenset[NotificationKind]:
    """The kinds that this version knows."""
    return frozenset(NotificationKind(kind) for kind in kinds if kind in _KINDS)


_FIND: Final = """
select name, colour, phone, hours, language, told from brandings where account_id = $1
"""


async def find(connection: Connection, account_id: UUID) -> Branding:
    """What an account has chosen."""
    row = await connection.fetchrow(_FIND, account_id)
    return UNBRANDED if row is None else _read(row)


class Sender(NamedTuple):
    """An account as recipients see it, the code of its market and the name of its dialect.

    `logo` is the digest of its logo.
    """

    market: str
    dialect: str
    branding: Branding
    logo: str | None


async def sender(connection: Connection, account_id: UUID) -> Sender:
    """Who sends the deliveries of an account."""
    [row] = await connection.fetch(
        "select market, dialect, brandings.name, colour, phone, hours, language,"
        " coalesce(told, '{}') as told, digest from accounts"
        " left join brandings on brandings.account_id = accounts.id"
        " left join logos on logos.account_id = accounts.id where accounts.id = $1",
        account_id,
    )
    return Sender(row["market"], row["dialect"], _read(row), row["digest"])


async def lock(connection: Connection, account_id: UUID) -> Branding:
    """What an account has chosen, which nobody else changes until the transaction ends."""
    await connection.execute(
        "insert into brandings (account_id) values ($1) on conflict do nothing", account_id
    )
    [row] = await connection.fetch(f"{_FIND} for update", account_id)
    return _read(row)


def _read(row: asyncpg.Record) -> Branding:
    return Branding(
        name=row["name"],
        colour=row["colour"],
        phone=row["phone"],
        hours=row["hours"],
        language=row["language"],
        told=_told(row["told"]),
    )


async def write(connection: Connection, account_id: UUID, branding: Branding) -> None:
    """Writes what an account has chosen, whose row the caller has locked."""
    await connection.execute(
        "update brandings set name = $2, colour = $3, phone = $4, hours = $5, language = $6,"
        " told = $7 where account_id = $1",
        account_id,
        branding.name,
        branding.colour,
        branding.phone,
        branding.hours,
        branding.language,
        sorted(branding.told),
    )


async def told(connection: Connection) -> Mapping[UUID, frozenset[NotificationKind]]:
    """What recipients are told, of the accounts that have them told anything."""
    found = await connection.fetch("select account_id, told from brandings where told <> '{}'")
    return {row["account_id"]: _told(row["told"]) for row in found}
