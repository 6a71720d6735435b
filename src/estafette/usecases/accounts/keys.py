"""API keys: issue, change, rotate with an overlap, disable, revoke, list.

A key itself is kept nowhere. Every change is made under a lock on the account.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from estafette.core.accounts.account import Account, KeyKind, Mode, Scope
from estafette.core.accounts.acts import EVERY_ACT, Act, Network
from estafette.core.accounts.page_limits import NEW_LIMITS, PageLimits, PageLimitsError, checked
from estafette.core.audit import difference
from estafette.core.ids import new_id
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

OVERLAP = timedelta(hours=24)

MOST_KEYS = 1_000
"""How many keys of an account may be alive at once."""

MOST_NETWORKS = 50
NAME_LENGTH = 60

_HINT_CHARACTERS = 4

_MODE_IN_KEYS = {Mode.LIVE: "live", Mode.SANDBOX: "test"}


class KeyFault(StrEnum):
    """Why a key cannot be issued, found or changed."""

    KIND = "kind"
    NAME = "name"
    ACTS = "acts"
    NETWORKS = "networks"
    PAST = "past"
    TOO_MANY = "too_many"
    ENDED = "ended"
    ROTATED = "rotated"
    LIMITS = "limits"
    UNKNOWN = "unknown"


class KeyRefusedError(ValueError):
    """A key cannot be issued, found or changed.

    The message says why to whoever has a shell; pages have sentences of their own for the `fault`.
    """

    def __init__(self, message: str, fault: KeyFault) -> None:
        """`message` is for a command, `fault` the kind of what is wrong."""
        self.fault = fault
        super().__init__(message)


class IssuedKey(NamedTuple):
    """A new key: what is known of it, and the key itself, for this once."""

    known: ApiKey
    key: str


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What a key is called, what it may do, from which networks (none: any), and until when."""

    name: str = ""
    acts: frozenset[Act] = EVERY_ACT
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None


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
    hint = key[-_HINT_CHARACTERS:]
    known = ApiKey(account.id, new_id(), mode, kind, hint, clock())
    if kind is KeyKind.PUBLISHABLE:
        known = known._replace(limits=limits)
    known = _ruled(known, rules, await keys.now(connection))
    await keys.insert(connection, known, key_hash(key))
    return IssuedKey(known, key)


def _ruled(key: ApiKey, rules: KeyRules, now: datetime) -> ApiKey:
    """Returns the key under these rules. Raises KeyRefusedError for rules that cannot be."""
    name = checked_key_name(rules.name)
    if not (acts := rules.acts & key.kind.acts):
        known = ", ".join(act for act in Act if act in key.kind.acts)
        raise KeyRefusedError(f"a {key.kind} key can do nothing but {known}", KeyFault.ACTS)
    if len(rules.networks) > MOST_NETWORKS:
        raise KeyRefusedError(
            f"a key is accepted from at most {MOST_NETWORKS} networks", KeyFault.NETWORKS
        )
    if rules.expires_at is not None and rules.expires_at <= now:
        raise KeyRefusedError(
            "the key would have expired already; name a time to come", KeyFault.PAST
        )
    networks = tuple(dict.fromkeys(rules.networks))
    return key._replace(name=name, acts=acts, networks=networks, expires_at=rules.expires_at)


def checked_key_name(text: str) -> str:
    """Returns what a key is called. Raises KeyRefusedError for what is no line, or too long."""
    name = text.strip()
    if len(name) > NAME_LENGTH or any(unicodedata.category(each)[0] == "C" for each in name):
        raise KeyRefusedError(
            f"a key's name is one line of at most {NAME_LENGTH} characters", KeyFault.NAME
        )
    return name


def _has_ended(key: ApiKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


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
    now = await keys.now(connection)
    known = await keys.of_account(connection, account.id)
    if sum(key.expires_at is None or key.expires_at > now for key in known) >= MOST_KEYS:
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
        old, now = await _find(connection, account, key), await keys.now(connection)
        if old.disabled_at is not None or old.replaced_by is not None or _has_ended(old, now):
            raise KeyRefusedError(
                f"the key …{old.hint} is disabled, rotated or expired already: create a new one",
                KeyFault.ROTATED,
            )
        await _must_have_room(connection, account)
        rules = KeyRules(old.name, old.acts, old.networks, expires_at or old.expires_at)
        limits = old.limits or NEW_LIMITS
        new = await issue(connection, account, old.mode, old.kind, rules, limits)
        await keys.follow(connection, old, new.known.id)
        ends_at = min(filter(None, (old.expires_at, now + overlap)))
        await keys.update(connection, old._replace(expires_at=ends_at, replaced_by=new.known.id))
        facts = {"new_key": new.known.id, "overlap_seconds": overlap.total_seconds()}
        await _note(connection, platform, audit.AuditedAct.KEY_ROTATED, old, facts)
    return new


async def change_key(
    platform: Platform, account: Account, key: str, change: Callable[[KeyRules], KeyRules]
) -> ApiKey:
    """Changes the rules of a key. Raises KeyRefusedError, also for a new end of one that ended."""

    def changed(old: ApiKey, now: datetime) -> ApiKey:
        before = KeyRules(old.name, old.acts, old.networks, old.expires_at)
        after = change(before)
        if after.expires_at == before.expires_at:  # which may be over already
            kept = _ruled(old, replace(after, expires_at=None), now)
            return kept._replace(expires_at=old.expires_at)
        if _has_ended(old, now):
            raise KeyRefusedError(
                f"the key …{old.hint} has ended: create a new one", KeyFault.ENDED
            )
        if old.replaced_by is not None:
            raise KeyRefusedError(
                f"the key …{old.hint} was rotated: it ends when it was told to", KeyFault.ROTATED
            )
        return _ruled(old, after, now)

    return await _change(platform, account, key, audit.AuditedAct.KEY_CHANGED, changed)


async def set_limits(
    platform: Platform, account: Account, key: str, change: Callable[[PageLimits], PageLimits]
) -> ApiKey:
    """Changes what the pages of a publishable key may have delivered. Raises KeyRefusedError."""

    def changed(old: ApiKey, _: datetime) -> ApiKey:
        if old.limits is None:
            raise KeyRefusedError(
                f"the key …{old.hint} is a secret one: limits are for publishable keys",
                KeyFault.LIMITS,
            )
        try:
            return old._replace(limits=checked(change(old.limits)))
        except PageLimitsError as error:
            raise KeyRefusedError(str(error), KeyFault.LIMITS) from None

    return await _change(platform, account, key, audit.AuditedAct.KEY_CHANGED, changed)


async def disable_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Refuses a key from now on, saying that it is disabled. Raises KeyRefusedError."""
    return await _change(
        platform,
        account,
        key,
        audit.AuditedAct.KEY_DISABLED,
        lambda old, now: old._replace(disabled_at=old.disabled_at or now),
    )


async def enable_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Accepts a disabled key again. Raises KeyRefusedError, also for a key that has ended."""

    def enabled(old: ApiKey, now: datetime) -> ApiKey:
        if _has_ended(old, now):
            raise KeyRefusedError(
                f"the key …{old.hint} has ended: create a new one", KeyFault.ENDED
            )
        return old._replace(disabled_at=None)

    return await _change(platform, account, key, audit.AuditedAct.KEY_ENABLED, enabled)


async def revoke_key(platform: Platform, account: Account, key: str) -> ApiKey:
    """Ends a key at once, as if it had never been. Raises KeyRefusedError."""
    return await _change(
        platform,
        account,
        key,
        audit.AuditedAct.KEY_REVOKED,
        lambda old, now: old._replace(expires_at=min(filter(None, (old.expires_at, now)))),
    )


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
        changed = change(found, await keys.now(connection))
        if changed != found:
            await keys.update(connection, changed)
            changes = difference(_facts(found), _facts(changed))
            await _note(connection, platform, act, changed, changes)
        return changed


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
    facts: dict[str, Any],
) -> None:
    of = Scope(key.account_id, key.mode)
    await audit.note(connection, platform.by, act, key.id, facts, of=of)


def _facts(key: ApiKey) -> dict[str, Any]:
    """Returns what the audit records of a key: its rules and its ends, no part of the key."""
    facts = {
        "kind": key.kind,
        "name": key.name or None,
        "acts": sorted(key.acts),
        "networks": list(map(str, key.networks)),
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
    }
    if (limits := key.limits) is not None:
        facts |= {
            "pickups": list(map(str, limits.pickups)),
            "methods": limits.methods,
            "highest_cash": limits.highest_cash,
            "per_hour": limits.per_hour,
            "per_hour_from_address": limits.per_hour_from_address,
            "held": limits.held,
        }
    return {name: value for name, value in facts.items() if value not in (None, [])}


async def _find(connection: Connection, account: Account, text: str) -> ApiKey:
    """Returns the key that `text` names: its id, its last characters, or the whole key."""
    text = text.removeprefix("…")  # as hints are shown
    known = await keys.of_account(connection, account.id)
    matching = [key for key in known if text in (key.hint, str(key.id))]
    if not matching and is_whole_key(text):
        recognised = await keys.recognise(connection, key_hash(text))
        matching = [key for key in known if recognised and key.id == recognised.key_id]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise KeyRefusedError(
            f"the account {account.name!r} has no such key;"
            f" `estafette keys list --account {account.name}` shows them",
            KeyFault.UNKNOWN,
        )
    raise KeyRefusedError(f"several keys end in {text}: name one by its id", KeyFault.UNKNOWN)


def is_whole_key(text: str) -> bool:
    """Returns whether a text is a whole key, which differs from every id and hint of one."""
    return "_" in text
