"""API keys: issue, change, rotate with an overlap, disable, revoke, list.

A key itself is kept nowhere. Every change is made under a lock on the account.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from estafette.core.accounts import key_rules
from estafette.core.accounts.account import Account, KeyKind, Mode, Scope
from estafette.core.accounts.acts import Act
from estafette.core.accounts.key_rules import (
    OVERLAP,
    KeyFault,
    KeyNotFoundError,
    KeyRefusedError,
    checked_key_name,
    is_whole_key,
)
from estafette.core.accounts.page_limits import NEW_LIMITS, PageLimits, PageLimitsError, checked
from estafette.core.audit import difference
from estafette.core.ids import new_id
from estafette.store import pool
from estafette.store.accounts import keys
from estafette.store.accounts import table as accounts
from estafette.store.accounts.keys import ApiKey
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.platform import Platform, clock

__all__ = [
    "ApiKey",
    "IssuedKey",
    "KeyFault",
    "KeyRefusedError",
    "KeyRules",
    "change_key",
    "checked_key_name",
    "create_key",
    "disable_key",
    "enable_key",
    "is_good",
    "is_whole_key",
    "issue",
    "list_keys",
    "revoke_key",
    "rotate_key",
    "set_limits",
]

MOST_KEYS = 1_000
"""How many keys of an account may be alive at once."""

_MODE_IN_KEYS = {Mode.LIVE: "live", Mode.SANDBOX: "test"}


class IssuedKey(NamedTuple):
    """A new key: what is known of it, and the key itself, for this once."""

    known: ApiKey
    key: str


KeyRules: TypeAlias = key_rules.KeyRules[Act]

ANYTHING = KeyRules()
"""The rules of a key that may do all that its kind can."""


async def issue(
    connection: Connection,
    account: Account,
    mode: Mode,
    kind: KeyKind = KeyKind.SECRET,
    rules: KeyRules = ANYTHING,
    limits: PageLimits = NEW_LIMITS,
) -> IssuedKey:
    """Writes a new key; `limits` are for a publishable one.

    Raises KeyRefusedError when the dialect knows no keys of this kind, or the rules cannot be.
    """
    word = account.market.keys.get(kind)
    if word is None:
        raise KeyRefusedError(
            f"accounts that speak {account.dialect} have no {kind} keys", KeyFault.KIND
        )
    key = new_token(f"{word}_{_MODE_IN_KEYS[mode]}_")
    known = ApiKey(
        account_id=account.id,
        id=new_id(),
        mode=mode,
        kind=kind,
        hint=key_rules.hint_of(key),
        created_at=clock(),
        acts=kind.acts,
        limits=limits if kind is KeyKind.PUBLISHABLE else None,
    )
    known = _ruled(known, rules, await pool.began(connection))
    await keys.insert(connection, known, key_hash(key))
    return IssuedKey(known, key)


def _ruled(key: ApiKey, rules: KeyRules, now: datetime) -> ApiKey:
    """Returns the key under these rules. Raises KeyRefusedError for rules that cannot be."""
    possible = key.kind.acts
    if not (acts := possible if rules.acts is None else rules.acts & possible):
        known = ", ".join(act for act in Act if act in possible)
        raise KeyRefusedError(f"a {key.kind} key can do nothing but {known}", KeyFault.ACTS)
    return key_rules.ruled(key, rules, acts, now)


async def create_key(
    platform: Platform,
    account: Account,
    mode: Mode,
    kind: KeyKind = KeyKind.SECRET,
    rules: KeyRules = ANYTHING,
) -> IssuedKey:
    """Returns a further key for an account. Raises KeyRefusedError."""
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.lock(connection, account.id)
        await _must_have_room(connection, account)
        issued = await issue(connection, account, mode, kind, rules)
        await _note(
            connection, platform, audit.AuditedAct.KEY_CREATED, issued.known, _facts(issued.known)
        )
    return issued


async def _must_have_room(connection: Connection, account: Account) -> None:
    now = await pool.began(connection)
    known = await keys.of_account(connection, account.id)
    if sum(not key_rules.has_ended(key, now) for key in known) >= MOST_KEYS:
        raise KeyRefusedError(
            f"the account {account.name!r} has {MOST_KEYS} keys; revoke those that nobody uses",
            KeyFault.TOO_MANY,
        )


async def list_keys(platform: Platform, account: Account) -> list[ApiKey]:
    """Returns all keys of an account, oldest first."""
    async with platform.pool.acquire() as connection:
        return await keys.of_account(connection, account.id)


async def rotate_key(
    platform: Platform,
    account: Account,
    key: str,
    overlap: timedelta = OVERLAP,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Returns a new key like another, which works on for `overlap` and then no more.

    Mode, kind, name, acts, networks, limits and the time when it expires are the old one's, the
    latter unless `expires_at` names another. `key` is the old one's id or its last characters.
    Raises KeyRefusedError, also for a key that was rotated already, or has ended.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.lock(connection, account.id)
        old, now = await _find(connection, account, key), await pool.began(connection)
        key_rules.must_be_rotatable(old, now)
        await _must_have_room(connection, account)
        rules = replace(key_rules.rules_of(old), expires_at=expires_at or old.expires_at)
        limits = old.limits or NEW_LIMITS
        new = await issue(connection, account, old.mode, old.kind, rules, limits)
        await keys.follow(connection, old, new.known.id)
        await keys.update(connection, key_rules.rotated(old, new.known.id, now, overlap))
        told = {"new_key": new.known.id, "overlap_seconds": overlap.total_seconds()}
        await _note(connection, platform, audit.AuditedAct.KEY_ROTATED, old, told)
    return new


async def change_key(
    platform: Platform,
    account: Account,
    key: str,
    change: Callable[[KeyRules], KeyRules],
) -> ApiKey:
    """Changes the rules of a key. Raises KeyRefusedError, also for a new end of one that ended."""
    return await _change(
        platform,
        account,
        key,
        audit.AuditedAct.KEY_CHANGED,
        lambda old, now: key_rules.changed(old, now, change, _ruled),
    )


async def set_limits(
    platform: Platform, account: Account, key: str, change: Callable[[PageLimits], PageLimits]
) -> ApiKey:
    """Changes what the pages of a publishable key may have delivered. Raises KeyRefusedError."""

    def limited(old: ApiKey, _: datetime) -> ApiKey:
        if old.limits is None:
            raise KeyRefusedError(
                f"the key …{old.hint} is a secret one: limits are for publishable keys",
                KeyFault.LIMITS,
            )
        try:
            return replace(old, limits=checked(change(old.limits)))
        except PageLimitsError as error:
            raise KeyRefusedError(str(error), KeyFault.LIMITS) from None

    return await _change(platform, account, key, audit.AuditedAct.KEY_CHANGED, limited)


async def disable_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Refuses a key from now on, saying that it is disabled. Raises KeyRefusedError."""
    return await _change(platform, account, key, audit.AuditedAct.KEY_DISABLED, key_rules.disabled)


async def enable_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Accepts a disabled key again. Raises KeyRefusedError, also for a key that has ended."""
    return await _change(platform, account, key, audit.AuditedAct.KEY_ENABLED, key_rules.enabled)


async def revoke_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Ends a key at once, as if it had never been. Raises KeyRefusedError."""
    return await _change(platform, account, key, audit.AuditedAct.KEY_REVOKED, key_rules.revoked)


async def _change(
    platform: Platform,
    account: Account,
    key: str,
    act: audit.AuditedAct,
    change: Callable[[ApiKey, datetime], ApiKey],
) -> ApiKey:
    """Writes what `change` makes of a key at the time that it is given, and returns it.

    `act` is what the audit calls it.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.lock(connection, account.id)
        found = await _find(connection, account, key)
        new = change(found, await pool.began(connection))
        if new != found:
            await keys.update(connection, new)
            await _note(connection, platform, act, new, difference(_facts(found), _facts(new)))
        return new


async def is_good(platform: Platform, account: Account, key: str) -> bool:
    """Returns whether a key opens this account now."""
    async with platform.pool.acquire() as connection:
        found = await keys.recognise(connection, key_hash(key))
    return (
        found is not None
        and found.account.id == account.id
        and not found.disabled
        and (found.expires_at is None or found.expires_at > clock())
    )


async def _note(
    connection: Connection,
    platform: Platform,
    act: audit.AuditedAct,
    key: ApiKey,
    told: dict[str, Any],
) -> None:
    of = Scope(key.account_id, key.mode)
    await audit.note(connection, platform.by, act, key.id, told, of=of)


def _facts(key: ApiKey) -> dict[str, Any]:
    """Returns what the audit records of a key: its rules and its ends, no part of the key."""
    told = {"kind": key.kind} | key_rules.facts(key)
    if (limits := key.limits) is not None:
        told |= {
            "pickups": list(map(str, limits.pickups)),
            "methods": limits.methods,
            "highest_cash": limits.highest_cash,
            "per_hour": limits.per_hour,
            "per_hour_from_address": limits.per_hour_from_address,
            "held": limits.held,
        }
    return {name: value for name, value in told.items() if value not in (None, [])}


async def _find(connection: Connection, account: Account, text: str) -> ApiKey:
    """Returns the key that `text` names: its id, its last characters, or the whole key."""
    recognised = await keys.recognise(connection, key_hash(text)) if is_whole_key(text) else None
    known = await keys.of_account(connection, account.id)
    found = key_rules.named(known, text, recognised and recognised.key_id)
    if found is None:
        raise KeyNotFoundError(account.name)
    return found
