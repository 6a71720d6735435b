"""Keys of the operator's own programs: issue, change, rotate, disable, revoke, recognise.

The rules of names, networks, ends and rotations are those of accounts' keys.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from estafette.core.accounts.acts import Network, is_within
from estafette.core.audit import AuditedAct, difference
from estafette.core.ids import new_id
from estafette.core.people.permission import PersonAct
from estafette.core.people.program import EVERY
from estafette.store.accounts import keys as account_keys
from estafette.store.people import operator_keys
from estafette.store.people.operator_keys import OperatorKey
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.keys import (
    MOST_NETWORKS,
    OVERLAP,
    KeyFault,
    KeyRefusedError,
    checked_key_name,
    is_whole_key,
)
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform, clock

__all__ = [
    "IssuedOperatorKey",
    "OperatorKey",
    "OperatorKeyRules",
    "change_operator_key",
    "create_operator_key",
    "end_operator_key",
    "list_operator_keys",
    "may_come_from",
    "recognise_operator_key",
    "rotate_operator_key",
    "switch_operator_key",
]

PREFIX = "op_"
"""What the operator's keys begin with, by which they are told from merchants'."""

MOST_KEYS = 200
_HINT_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class OperatorKeyRules:
    """What a key is called, what it may do, from which networks (none: any), and until when."""

    name: str = ""
    acts: frozenset[PersonAct] = EVERY
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None


class IssuedOperatorKey(NamedTuple):
    """A new key: what is known of it, and the key itself, for this once."""

    known: OperatorKey
    key: str


async def create_operator_key(platform: Platform, rules: OperatorKeyRules) -> IssuedOperatorKey:
    """Issues a key. Raises KeyRefusedError for rules that cannot be, or too many keys."""
    async with writing(platform) as connection:
        await operator_keys.lock(connection)
        issued = await _issue(connection, rules)
        facts = _facts(issued.known)
        await _note(connection, platform, AuditedAct.OPERATOR_KEY_CREATED, issued.known, facts)
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
        old, now = await _find(connection, key), await account_keys.now(connection)
        if old.disabled_at is not None or old.replaced_by is not None or _has_ended(old, now):
            raise KeyRefusedError(
                f"the key …{old.hint} is disabled, rotated or expired already: create a new one",
                KeyFault.ENDED,
            )
        end = expires_at or old.expires_at
        new = await _issue(connection, OperatorKeyRules(old.name, old.acts, old.networks, end))
        ends_at = min(filter(None, (old.expires_at, now + overlap)))
        ending = old._replace(expires_at=ends_at, replaced_by=new.known.id)
        await operator_keys.update(connection, ending)
        facts = {"new_key": new.known.id, "overlap_seconds": overlap.total_seconds()}
        await _note(connection, platform, AuditedAct.OPERATOR_KEY_ROTATED, old, facts)
    return new


async def change_operator_key(
    platform: Platform, key: str, change: Callable[[OperatorKeyRules], OperatorKeyRules]
) -> OperatorKey:
    """Changes the rules of a key. Raises KeyRefusedError."""

    def changed(old: OperatorKey, now: datetime) -> OperatorKey:
        before = OperatorKeyRules(old.name, old.acts, old.networks, old.expires_at)
        after = change(before)
        if after.expires_at == before.expires_at:
            kept = _ruled(old, replace(after, expires_at=None), now)
            return kept._replace(expires_at=old.expires_at)
        if _has_ended(old, now) or old.replaced_by is not None:
            raise KeyRefusedError(
                f"the key …{old.hint} has ended or was rotated: create a new one", KeyFault.ENDED
            )
        return _ruled(old, after, now)

    return await _change(platform, key, AuditedAct.OPERATOR_KEY_CHANGED, changed)


async def switch_operator_key(platform: Platform, key: str, *, disabled: bool) -> OperatorKey:
    """Refuses a key from now on, or accepts it again. Raises KeyRefusedError."""

    def changed(old: OperatorKey, now: datetime) -> OperatorKey:
        if not disabled and _has_ended(old, now):
            raise KeyRefusedError(
                f"the key …{old.hint} has ended: create a new one", KeyFault.ENDED
            )
        return old._replace(disabled_at=(old.disabled_at or now) if disabled else None)

    act = AuditedAct.OPERATOR_KEY_DISABLED if disabled else AuditedAct.OPERATOR_KEY_ENABLED
    return await _change(platform, key, act, changed)


async def end_operator_key(platform: Platform, key: str) -> OperatorKey:
    """Ends a key at once, as if it had never been. Raises KeyRefusedError."""
    return await _change(
        platform,
        key,
        AuditedAct.OPERATOR_KEY_REVOKED,
        lambda old, now: old._replace(expires_at=min(filter(None, (old.expires_at, now)))),
    )


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
    now = await account_keys.now(connection)
    known = await operator_keys.every(connection)
    if sum(not _has_ended(each, now) for each in known) >= MOST_KEYS:
        raise KeyRefusedError(
            f"there are {MOST_KEYS} keys; revoke those that nobody uses", KeyFault.TOO_MANY
        )
    key = new_token(PREFIX)
    bare = OperatorKey(new_id(), key[-_HINT_CHARACTERS:], "", EVERY, (), clock())
    new = _ruled(bare, rules, now)
    await operator_keys.insert(connection, new, key_hash(key))
    return IssuedOperatorKey(new, key)


def _ruled(key: OperatorKey, rules: OperatorKeyRules, now: datetime) -> OperatorKey:
    name = checked_key_name(rules.name)
    if not rules.acts or not rules.acts <= EVERY:
        raise KeyRefusedError(
            "a key of the operator needs a scope of the operator's acts", KeyFault.ACTS
        )
    if len(rules.networks) > MOST_NETWORKS:
        raise KeyRefusedError(
            f"a key is accepted from at most {MOST_NETWORKS} networks", KeyFault.NETWORKS
        )
    if rules.expires_at is not None and rules.expires_at <= now:
        raise KeyRefusedError(
            "the key would have expired already; name a time to come", KeyFault.PAST
        )
    networks = tuple(dict.fromkeys(rules.networks))
    return key._replace(name=name, acts=rules.acts, networks=networks, expires_at=rules.expires_at)


def _has_ended(key: OperatorKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


async def _change(
    platform: Platform,
    key: str,
    act: AuditedAct,
    change: Callable[[OperatorKey, datetime], OperatorKey],
) -> OperatorKey:
    async with writing(platform) as connection:
        await operator_keys.lock(connection)
        found = await _find(connection, key)
        changed = change(found, await account_keys.now(connection))
        if changed != found:
            await operator_keys.update(connection, changed)
            await _note(
                connection, platform, act, changed, difference(_facts(found), _facts(changed))
            )
    return changed


async def _find(connection: Connection, text: str) -> OperatorKey:
    text = text.removeprefix("…")  # as hints are shown
    known = await operator_keys.every(connection)
    matching = [key for key in known if text in (key.hint, str(key.id))]
    if not matching and is_whole_key(text):
        recognised = await operator_keys.recognise(connection, key_hash(text))
        matching = [key for key in known if recognised and key.id == recognised.id]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise KeyRefusedError("the operator has no such key", KeyFault.UNKNOWN)
    raise KeyRefusedError(f"several keys end in {text}: name one by its id", KeyFault.UNKNOWN)


async def _note(
    connection: Connection,
    platform: Platform,
    act: AuditedAct,
    key: OperatorKey,
    facts: dict[str, Any],
) -> None:
    await audit.note(connection, platform.by, act, key.id, facts)


def _facts(key: OperatorKey) -> dict[str, Any]:
    facts = {
        "name": key.name or None,
        "acts": sorted(key.acts),
        "networks": list(map(str, key.networks)),
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}
