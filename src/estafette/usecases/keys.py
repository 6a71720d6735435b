"""API keys: issue, rotate with an overlap, disable, revoke, list. A key itself is kept nowhere."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.account import Account, KeyKind, Mode
from estafette.core.ids import new_id
from estafette.store import accounts
from estafette.store.accounts import ApiKey
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform, clock
from estafette.usecases.secrets import key_hash, new_token

__all__ = [
    "ApiKey",
    "IssuedKey",
    "KeyRefusedError",
    "create_key",
    "disable_key",
    "is_good",
    "issue",
    "list_keys",
    "revoke_key",
    "rotate_key",
]

OVERLAP = timedelta(hours=24)

_HINT_CHARACTERS = 4

_MODE_IN_KEYS = {Mode.LIVE: "live", Mode.SANDBOX: "test"}


class KeyRefusedError(ValueError):
    """A key cannot be issued, or found; the message says why."""


class IssuedKey(NamedTuple):
    """A new key: what is known of it, and the key itself, for this once."""

    known: ApiKey
    key: str


async def issue(
    connection: Connection, account: Account, mode: Mode, kind: KeyKind = KeyKind.SECRET
) -> IssuedKey:
    """Writes a new key. Raises KeyRefusedError when the dialect knows no keys of this kind."""
    word = account.market.keys.get(kind)
    if word is None:
        raise KeyRefusedError(f"accounts that speak {account.dialect} have no {kind} keys")
    key = new_token(f"{word}_{_MODE_IN_KEYS[mode]}_")
    known = ApiKey(account.id, new_id(), mode, kind, key[-_HINT_CHARACTERS:], clock(), None, None)
    await accounts.insert_key(connection, known, key_hash(key))
    return IssuedKey(known, key)


async def create_key(
    platform: Platform, account: Account, mode: Mode, kind: KeyKind = KeyKind.SECRET
) -> IssuedKey:
    """A further key for an account. Raises KeyRefusedError."""
    async with platform.pool.acquire() as connection:
        return await issue(connection, account, mode, kind)


async def list_keys(platform: Platform, account: Account) -> list[ApiKey]:
    """All keys of an account, oldest first."""
    async with platform.pool.acquire() as connection:
        return await accounts.keys(connection, account.id)


async def rotate_key(
    platform: Platform, account: Account, key: str, overlap: timedelta = OVERLAP
) -> IssuedKey:
    """A new key of the same mode and kind; the old one works on for `overlap`, then no more.

    `key` names the old one as `find_key` understands it. Raises KeyRefusedError, also for a key
    whose end has been set already.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        old = await _find(connection, account, key)
        if old.disabled_at is not None or old.expires_at is not None:
            raise KeyRefusedError(
                f"the key …{old.hint} is disabled or rotated already: create a new one"
            )
        new = await issue(connection, account, old.mode, old.kind)
        await accounts.expire_key(connection, account.id, old.id, overlap)
    return new


async def disable_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Refuses a key from now on, saying that it is disabled. Raises KeyRefusedError."""
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await _find(connection, account, key)
        await accounts.disable_key(connection, account.id, found.id)
        return await _find(connection, account, str(found.id))


async def revoke_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Ends a key at once, as if it had never been. Raises KeyRefusedError."""
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await _find(connection, account, key)
        await accounts.expire_key(connection, account.id, found.id, timedelta(0))
        return await _find(connection, account, str(found.id))


async def is_good(platform: Platform, account: Account, key: str) -> bool:
    """Whether a key opens this account now."""
    async with platform.pool.acquire() as connection:
        found = await accounts.recognise(connection, key_hash(key))
    return (
        found is not None
        and found.account.id == account.id
        and not found.disabled
        and (found.expires_at is None or found.expires_at > clock())
    )


async def _find(connection: Connection, account: Account, text: str) -> ApiKey:
    """The key that `text` names: its id, its last characters, or the whole key."""
    text = text.removeprefix("…")  # as hints are shown
    known = await accounts.keys(connection, account.id)
    if len(text) > _HINT_CHARACTERS and not _is_id(text):
        recognised = await accounts.recognise(connection, key_hash(text))
        matching = [key for key in known if recognised and key.id == recognised.key_id]
    else:
        matching = [key for key in known if text in (key.hint, str(key.id))]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise KeyRefusedError(
            f"the account {account.name!r} has no such key;"
            f" `estafette keys list --account {account.name}` shows them"
        )
    raise KeyRefusedError(f"several keys end in {text}: name one by its id")


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
