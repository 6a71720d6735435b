"""What holds of every API key, an account's or the operator's: its rules, its rotation, its end.

A key never changes: what is known of one is replaced by what these functions return.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from estafette.core.accounts.acts import Network

OVERLAP: Final = timedelta(hours=24)
"""How long a rotated key works on, unless another time is named."""

MOST_NETWORKS: Final = 50
NAME_LENGTH: Final = 60

_HINT_CHARACTERS = 4


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


class KeyNotFoundError(KeyRefusedError):
    """There is no such key."""

    def __init__(self, account: str | None) -> None:
        """`account` is the name of the account that has none; None: the operator."""
        self.account = account
        owner = "the operator" if account is None else f"the account {account!r}"
        super().__init__(f"{owner} has no such key", KeyFault.UNKNOWN)


ActT = TypeVar("ActT", bound=StrEnum)


@dataclass(frozen=True)  # without slots, with which Python 3.11 calls no alias of it
class KeyRules(Generic[ActT]):
    """What a key is called, what it may do, from which networks (none: any), and until when.

    `acts` None: all that a key of its kind can.
    """

    name: str = ""
    acts: frozenset[ActT] | None = None
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Key(Generic[ActT]):
    """What is known of a key, which itself is not kept.

    It may do `acts`, from `networks` alone unless there are none. `hint` are its last characters.
    `replaced_by` is the key of its rotation. `used_at` and `used_from` (the client's address) tell
    of its last use, some minutes late; None before the first.
    """

    id: UUID
    hint: str
    created_at: datetime
    acts: frozenset[ActT]
    name: str = ""
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None
    disabled_at: datetime | None = None
    replaced_by: UUID | None = None
    used_at: datetime | None = None
    used_from: str | None = None


K = TypeVar("K", bound=Key[Any])


class KeyState(StrEnum):
    """How a key stands."""

    ACTIVE = "active"
    ENDING = "ending"
    """It was rotated and works on for a while."""
    DISABLED = "disabled"
    ENDED = "ended"


def state_of(key: Key[Any], now: datetime) -> KeyState:
    """Returns how a key stands at a time."""
    if has_ended(key, now):
        return KeyState.ENDED
    if key.disabled_at is not None:
        return KeyState.DISABLED
    return KeyState.ACTIVE if key.replaced_by is None else KeyState.ENDING


def has_ended(key: Key[Any], now: datetime) -> bool:
    """Returns whether a key is as unknown as if it had never been."""
    return key.expires_at is not None and key.expires_at <= now


def hint_of(key: str) -> str:
    """Returns the part of a key by which people tell it from others."""
    return key[-_HINT_CHARACTERS:]


def is_whole_key(text: str) -> bool:
    """Returns whether a text is a whole key, which differs from every id and hint of one."""
    return "_" in text


def rules_of(key: Key[ActT]) -> KeyRules[ActT]:
    """Returns the rules that a key is under."""
    return KeyRules(key.name, key.acts, key.networks, key.expires_at)


def ruled(key: K, rules: KeyRules[Any], acts: frozenset[Any], now: datetime) -> K:
    """Returns the key under these rules, with `acts`, which are those of the rules that it can.

    Raises KeyRefusedError for a name, networks or an end that cannot be.
    """
    name = checked_key_name(rules.name)
    if len(rules.networks) > MOST_NETWORKS:
        raise KeyRefusedError(
            f"a key is accepted from at most {MOST_NETWORKS} networks", KeyFault.NETWORKS
        )
    if rules.expires_at is not None and rules.expires_at <= now:
        raise KeyRefusedError(
            "the key would have expired already; name a time to come", KeyFault.PAST
        )
    networks = tuple(dict.fromkeys(rules.networks))
    return replace(key, name=name, acts=acts, networks=networks, expires_at=rules.expires_at)


def checked_key_name(text: str) -> str:
    """Returns what a key is called. Raises KeyRefusedError for what is no line, or too long."""
    name = text.strip()
    if len(name) > NAME_LENGTH or any(unicodedata.category(each)[0] == "C" for each in name):
        raise KeyRefusedError(
            f"a key's name is one line of at most {NAME_LENGTH} characters", KeyFault.NAME
        )
    return name


def changed(
    key: K,
    now: datetime,
    change: Callable[[KeyRules[Any]], KeyRules[Any]],
    under: Callable[[K, KeyRules[Any], datetime], K],
) -> K:
    """Returns the key under what `change` makes of its rules, as `under` puts a key under rules.

    Raises KeyRefusedError, also for a new end of a key that has ended or was rotated.
    """
    before = rules_of(key)
    after = change(before)
    if after.expires_at == before.expires_at:  # which may be over already
        kept = under(key, replace(after, expires_at=None), now)
        return replace(kept, expires_at=key.expires_at)
    if has_ended(key, now):
        raise _ended(key)
    if key.replaced_by is not None:
        raise KeyRefusedError(
            f"the key …{key.hint} was rotated: it ends when it was told to", KeyFault.ROTATED
        )
    return under(key, after, now)


def must_be_rotatable(key: Key[Any], now: datetime) -> None:
    """Raises KeyRefusedError for a key that is disabled, was rotated already, or has ended."""
    if state_of(key, now) is not KeyState.ACTIVE:
        raise KeyRefusedError(
            f"the key …{key.hint} is disabled, rotated or expired already: create a new one",
            KeyFault.ROTATED,
        )


def rotated(key: K, by: UUID, now: datetime, overlap: timedelta) -> K:
    """Returns the key as it works on for `overlap`, in whose place the key `by` was issued."""
    ends_at = min(filter(None, (key.expires_at, now + overlap)))
    return replace(key, expires_at=ends_at, replaced_by=by)


def disabled(key: K, now: datetime) -> K:
    """Returns the key as it is refused."""
    return replace(key, disabled_at=key.disabled_at or now)


def enabled(key: K, now: datetime) -> K:
    """Returns the key as it is accepted again. Raises KeyRefusedError for one that has ended."""
    if has_ended(key, now):
        raise _ended(key)
    return replace(key, disabled_at=None)


def revoked(key: K, now: datetime) -> K:
    """Returns the key as it ended now, if it has not before."""
    return replace(key, expires_at=min(filter(None, (key.expires_at, now))))


def named(known: Iterable[K], text: str, recognised: UUID | None) -> K | None:
    """Returns the key that `text` names: its id or its last characters, or as `recognised`.

    None: there is none. Raises KeyRefusedError where several keys end so.
    """
    text = text.removeprefix("…")  # as hints are shown
    matching = [key for key in known if text in (key.hint, str(key.id)) or key.id == recognised]
    if len(matching) > 1:
        raise KeyRefusedError(f"several keys end in {text}: name one by its id", KeyFault.UNKNOWN)
    return matching[0] if matching else None


def facts(key: Key[Any]) -> dict[str, Any]:
    """Returns what the audit records of a key: its rules and its ends, no part of the key."""
    told = {
        "name": key.name or None,
        "acts": sorted(key.acts),
        "networks": list(map(str, key.networks)),
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def _ended(key: Key[Any]) -> KeyRefusedError:
    return KeyRefusedError(f"the key …{key.hint} has ended: create a new one", KeyFault.ENDED)
