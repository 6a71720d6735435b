"""Keys of the operator's own programs: issue, change, rotate, disable, revoke, recognise.

The rules are those of every key: `core/accounts/key_rules.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from estafette.core.accounts import key_rules
from estafette.core.accounts.acts import is_within
from estafette.core.accounts.key_rules import (
    OVERLAP,
    KeyFault,
    KeyNotFoundError,
    KeyRefusedError,
    is_whole_key,
)
from estafette.core.audit import AuditedAct, difference
from estafette.core.ids import new_id
from estafette.core.people.permission import PersonAct
from estafette.core.people.program import EVERY
from estafette.store import pool
from estafette.store.people import operator_keys
from estafette.store.people.operator_keys import OperatorKey
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform, clock

__all__ = [
    "IssuedOperatorKey",
    "OperatorKey",
    "OperatorKeyRules",
    "change_operator_key",
    "create_operator_key",
    "disable_operator_key",
    "enable_operator_key",
    "list_operator_keys",
    "may_come_from",
    "recognise_operator_key",
    "revoke_operator_key",
    "rotate_operator_key",
]

PREFIX = "op_"
"""What the operator's keys begin with, by which they are told from merchants'."""

MOST_KEYS = 200

OperatorKeyRules: TypeAlias = key_rules.KeyRules[PersonAct]


class IssuedOperatorKey(NamedTuple):
    """A new key: what is known of it, and the key itself, for this once."""

    known: OperatorKey
    key: str


async def create_operator_key(platform: Platform, rules: OperatorKeyRules) -> IssuedOperatorKey:
    """Issues a key. Raises KeyRefusedError for rules that cannot be, or too many keys."""
    async with writing(platform) as connection:
        await operator_keys.lock(connection)
        issued = await _issue(connection, rules)
        told = key_rules.facts(issued.known)
        await _note(connection, platform, AuditedAct.OPERATOR_KEY_CREATED, issued.known, told)
    return issued


async def list_operator_keys(platform: Platform) -> list[OperatorKey]:
    """Returns all keys, oldest first."""
    async with reading(platform) as connection:
        return await operator_keys.every(connection)


async def rotate_operator_key(
    platform: Platform,
    key: str,
    overlap: timedelta = OVERLAP,
    expires_at: datetime | None = None,
) -> IssuedOperatorKey:
    """Issues a key like another, which works on for `overlap` and then no more.

    Raises KeyRefusedError, also for a key that was rotated already, is disabled, or has ended.
    """
    async with writing(platform) as connection:
        await operator_keys.lock(connection)
        old, now = await _find(connection, key), await pool.began(connection)
        key_rules.must_be_rotatable(old, now)
        rules = replace(key_rules.rules_of(old), expires_at=expires_at or old.expires_at)
        new = await _issue(connection, rules)
        await operator_keys.update(connection, key_rules.rotated(old, new.known.id, now, overlap))
        told = {"new_key": new.known.id, "overlap_seconds": overlap.total_seconds()}
        await _note(connection, platform, AuditedAct.OPERATOR_KEY_ROTATED, old, told)
    return new


async def change_operator_key(
    platform: Platform, key: str, change: Callable[[OperatorKeyRules], OperatorKeyRules]
) -> OperatorKey:
    """Changes the rules of a key. Raises KeyRefusedError."""
    return await _change(
        platform,
        key,
        AuditedAct.OPERATOR_KEY_CHANGED,
        lambda old, now: key_rules.changed(old, now, change, _ruled),
    )


async def disable_operator_key(platform: Platform, key: str) -> OperatorKey:
    """Refuses a key from now on, saying that it is disabled. Raises KeyRefusedError."""
    return await _change(platform, key, AuditedAct.OPERATOR_KEY_DISABLED, key_rules.disabled)


async def enable_operator_key(platform: Platform, key: str) -> OperatorKey:
    """Accepts a disabled key again. Raises KeyRefusedError, also for a key that has ended."""
    return await _change(platform, key, AuditedAct.OPERATOR_KEY_ENABLED, key_rules.enabled)


async def revoke_operator_key(platform: Platform, key: str) -> OperatorKey:
    """Ends a key at once, as if it had never been. Raises KeyRefusedError."""
    return await _change(platform, key, AuditedAct.OPERATOR_KEY_REVOKED, key_rules.revoked)


async def recognise_operator_key(
    platform: Platform, key: str, address: str | None
) -> OperatorKey | None:
    """Returns what is known of a key that has not ended, disabled ones included, and notes its use.

    None: there is none. Costs one query. Raises Busy or Unavailable.
    """
    if not key.startswith(PREFIX):
        return None
    async with reading(platform) as connection:
        found = await operator_keys.recognise(connection, key_hash(key))
        if found is not None and found.disabled_at is None and may_come_from(found, address):
            await operator_keys.note_use(connection, found.id, address)
    return found


def may_come_from(key: OperatorKey, address: str | None) -> bool:
    """Returns whether a key is accepted from a client address."""
    return not key.networks or is_within(key.networks, address)


async def _issue(connection: Connection, rules: OperatorKeyRules) -> IssuedOperatorKey:
    now = await pool.began(connection)
    known = await operator_keys.every(connection)
    if sum(not key_rules.has_ended(each, now) for each in known) >= MOST_KEYS:
        raise KeyRefusedError(
            f"there are {MOST_KEYS} keys; revoke those that nobody uses", KeyFault.TOO_MANY
        )
    key = new_token(PREFIX)
    bare = OperatorKey(id=new_id(), hint=key_rules.hint_of(key), created_at=clock(), acts=EVERY)
    new = _ruled(bare, rules, now)
    await operator_keys.insert(connection, new, key_hash(key))
    return IssuedOperatorKey(new, key)


def _ruled(key: OperatorKey, rules: OperatorKeyRules, now: datetime) -> OperatorKey:
    acts = EVERY if rules.acts is None else rules.acts
    if not acts or not acts <= EVERY:
        raise KeyRefusedError(
            "a key of the operator needs a scope of the operator's acts", KeyFault.ACTS
        )
    return key_rules.ruled(key, rules, acts, now)


async def _change(
    platform: Platform,
    key: str,
    act: AuditedAct,
    change: Callable[[OperatorKey, datetime], OperatorKey],
) -> OperatorKey:
    async with writing(platform) as connection:
        await operator_keys.lock(connection)
        found = await _find(connection, key)
        new = change(found, await pool.began(connection))
        if new != found:
            await operator_keys.update(connection, new)
            await _note(
                connection,
                platform,
                act,
                new,
                difference(key_rules.facts(found), key_rules.facts(new)),
            )
    return new


async def _find(connection: Connection, text: str) -> OperatorKey:
    whole = is_whole_key(text)
    recognised = await operator_keys.recognise(connection, key_hash(text)) if whole else None
    known = await operator_keys.every(connection)
    found = key_rules.named(known, text, recognised and recognised.id)
    if found is None:
        raise KeyNotFoundError(None)
    return found


async def _note(
    connection: Connection,
    platform: Platform,
    act: AuditedAct,
    key: OperatorKey,
    told: dict[str, Any],
) -> None:
    await audit.note(connection, platform.by, act, key.id, told)
