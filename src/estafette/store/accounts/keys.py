"""API keys: all that is known of them but the keys themselves, and when they were last used."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Credential, KeyKind, Mode
from estafette.core.accounts.acts import Act
from estafette.core.accounts.key_rules import Key
from estafette.core.accounts.page_limits import OLDER_LIMITS, PageLimits, PickupPlace
from estafette.core.money.payment import PaymentMethod
from estafette.store.accounts import table as accounts
from estafette.store.columns import Columns, insertion, parameters, rows
from estafette.store.pool import Connection


@dataclass(frozen=True, kw_only=True)
class ApiKey(Key[Act]):
    """What is known of an account's key. `limits` are a publishable key's."""

    account_id: UUID
    mode: Mode
    kind: KeyKind
    limits: PageLimits | None = None


MADE: Final = Columns[ApiKey](
    {
        "account_id": ("uuid", lambda key: key.account_id),
        "id": ("uuid", lambda key: key.id),
        "mode": ("text", lambda key: key.mode),
        "kind": ("text", lambda key: key.kind),
        "hint": ("text", lambda key: key.hint),
        "created_at": ("timestamptz", lambda key: key.created_at),
    }
)
"""What never changes of a key."""

KEPT: Final = Columns[ApiKey](
    {
        "expires_at": ("timestamptz", lambda key: key.expires_at),
        "disabled_at": ("timestamptz", lambda key: key.disabled_at),
        "name": ("text", lambda key: key.name),
        "scopes": ("text[]", lambda key: _scopes(key)),
        "networks": ("cidr[]", lambda key: list(key.networks)),
        "limits": ("json", lambda key: limits_json(key.limits)),
        "replaced_by": ("uuid", lambda key: key.replaced_by),
    }
)
"""What can change of a key."""

_INSERT = (
    f"insert into api_keys (hash, {', '.join([*MADE.types, *KEPT.types])})"  # noqa: S608 - constants
    f" values ($1, {parameters(MADE, KEPT, first=2)[1:]}"
)


async def insert(connection: Connection, key: ApiKey, hash: bytes) -> None:
    """Writes a new key by its SHA-256."""
    await connection.execute(_INSERT, hash, *MADE.of_one(key), *KEPT.of_one(key))


async def update(connection: Connection, key: ApiKey) -> None:
    """Writes what can be changed of a key: name, acts, networks, limits, and its ends."""
    await connection.execute(
        f"update api_keys set ({', '.join(KEPT.types)}) = {parameters(KEPT, first=3)}"  # noqa: S608 - constants
        " where account_id = $1 and id = $2",
        key.account_id,
        key.id,
        *KEPT.of_one(key),
    )


async def follow(connection: Connection, old: ApiKey, new_id: UUID) -> None:
    """Lets a new key be counted with another one, and with those that it has followed itself."""
    await connection.execute(
        "update api_keys set lineage = coalesce(old.lineage, old.id) from api_keys old"
        " where old.account_id = $1 and old.id = $2"
        " and api_keys.account_id = $1 and api_keys.id = $3",
        old.account_id,
        old.id,
        new_id,
    )


_OF_ACCOUNT = """
select api_keys.account_id, id, mode, kind, hint, created_at, expires_at, disabled_at, name, scopes,
    networks, limits, replaced_by, used_at, used_from
from api_keys left join key_uses
    on key_uses.account_id = api_keys.account_id and key_uses.key_id = api_keys.id
where api_keys.account_id = $1 order by created_at, id
"""


async def of_account(connection: Connection, account_id: UUID) -> list[ApiKey]:
    """Returns all keys of an account, oldest first."""
    return [_key(row) for row in await connection.fetch(_OF_ACCOUNT, account_id)]


def _key(row: asyncpg.Record) -> ApiKey:
    kind = KeyKind(row["kind"])
    return ApiKey(
        account_id=row["account_id"],
        id=row["id"],
        mode=Mode(row["mode"]),
        kind=kind,
        hint=row["hint"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        disabled_at=row["disabled_at"],
        name=row["name"],
        acts=read_acts(row["scopes"], kind),
        networks=tuple(row["networks"]),
        limits=read_limits(row["limits"], kind),
        replaced_by=row["replaced_by"],
        used_at=row["used_at"],
        used_from=row["used_from"],
    )


async def recognise(connection: Connection, hash: bytes) -> Credential | None:
    """Returns the credential whose key has this SHA-256."""
    return (await recognise_all(connection, [hash])).get(hash)


async def recognise_all(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Credential]:
    """Returns the credentials whose keys have these SHA-256, by them; unknown ones are left out."""
    found = await connection.fetch(
        f"select hash, {accounts.COLUMNS}, api_keys.id as key_id, mode, kind, expires_at,"  # noqa: S608 - a constant
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
        account=accounts.read(row),
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


class Use(NamedTuple):
    """When a key was used, and from which client address."""

    account_id: UUID
    key_id: UUID
    at: datetime
    address: str | None


USE: Final = Columns[Use](
    {
        "account_id": ("uuid", lambda use: use.account_id),
        "key_id": ("uuid", lambda use: use.key_id),
        "used_at": ("timestamptz", lambda use: use.at),
        "used_from": ("text", lambda use: use.address),
    }
)
"""What is kept of the last use of a key."""

_USED = f"""
{insertion("key_uses", USE.types, rows(USE))}
where exists (
    select from api_keys where api_keys.account_id = input.account_id and api_keys.id = input.key_id
)
order by account_id, key_id
on conflict (account_id, key_id) do update
    set used_at = excluded.used_at, used_from = excluded.used_from
    where key_uses.used_at < excluded.used_at
"""  # noqa: S608 - the columns are constants


async def mark_used(connection: Connection, uses: Collection[Use]) -> None:
    """Keeps the last use of each key, unless it was removed meanwhile."""
    await connection.execute(_USED, *USE.of(uses))


def _scopes(key: ApiKey) -> Sequence[str] | None:
    return None if key.acts == read_acts(None, key.kind) else sorted(key.acts)


def read_acts(scopes: Sequence[str] | None, kind: KeyKind) -> frozenset[Act]:
    """The acts of a stored key. What this version does not know, it does not serve either."""
    if scopes is None:
        return kind.acts
    return frozenset(act for act in kind.acts if act in scopes)


_PLACE_FIELDS = 6  # so many a server of the version before reads


def limits_json(limits: PageLimits | None) -> str | None:
    """Returns a publishable key's limits as stored."""
    if limits is None:
        return None
    stored: dict[str, Any] = {
        "pickups": [astuple(place)[:_PLACE_FIELDS] for place in limits.pickups],
        "contacts": [(place.contact, place.phone) for place in limits.pickups],
        "methods": limits.methods,
        "highest_cash": limits.highest_cash,
        "per_hour": limits.per_hour,
        "per_hour_from_address": limits.per_hour_from_address,
        "held": limits.held,
    }
    return orjson.dumps(stored).decode()


def read_limits(text: str | None, kind: KeyKind) -> PageLimits | None:
    """Returns the limits of a stored key; None for a secret one."""
    if kind is not KeyKind.PUBLISHABLE:
        return None
    if text is None:
        return OLDER_LIMITS
    stored: dict[str, Any] = orjson.loads(text)
    return PageLimits(
        pickups=tuple(
            PickupPlace(*place, *contact)
            for place, contact in zip_longest(
                stored["pickups"], stored.get("contacts", ()), fillvalue=()
            )
        ),
        methods=tuple(map(PaymentMethod, stored["methods"])),
        highest_cash=stored["highest_cash"],
        per_hour=stored["per_hour"],
        per_hour_from_address=stored["per_hour_from_address"],
        held=stored["held"],
    )
