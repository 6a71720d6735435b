"""How commands name a key, an account's or the operator's, change its rules, and show it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from estafette.cli.output import OK, misused, say, say_json, time_text
from estafette.cli.private import FROM_STDIN, no_option, read_private
from estafette.cli.session import on_platform
from estafette.cli.words import moment_to_come
from estafette.core.accounts.account import Account
from estafette.core.accounts.acts import Network, NetworkError, ScopeError, read_network
from estafette.core.accounts.key_rules import Key, KeyRules, is_whole_key, state_of
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.platform import Platform

T = TypeVar("T")
A = TypeVar("A", bound=StrEnum)

KeyName = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        validator=no_option,
        help="The key's id or its last four characters; -: the key itself is on standard input.",
    ),
]
Name = Annotated[str | None, Parameter(name="--name", help="What it is for, in a few words.")]
Allow = Annotated[
    str | None,
    Parameter(
        name="--allow",
        help="The networks that it is accepted from, with commas between; anywhere: from all.",
    ),
]
Expires = Annotated[
    str | None, Parameter(name="--expires", help="When it ends: 90d, or a time; never.")
]
Overlap = Annotated[str, Parameter(help="How long the old key works on: 0s, 90m, 7d.")]
NewEnd = Annotated[
    str | None,
    Parameter(name="--expires", help="When the new one ends; as the old one would, unless given."),
]

ANYWHERE = "anywhere"
"""What a key without networks, or without pickup places, says of them."""
NEVER = "never"
"""What a key without an end says of it."""


def for_account(name: str, work: Callable[[Platform, Account], Awaitable[T]]) -> T:
    """Does the work for the account of that name, and returns its result."""

    async def found(platform: Platform) -> T:
        return await work(platform, await find_account(platform, name))

    return on_platform(found)


def named(text: str) -> str:
    """What names a key: as it was written, or the whole key that is on standard input.

    Raises CommandError for a key that was written on the command line.
    """
    if text == FROM_STDIN:
        return read_private("API key")
    if is_whole_key(text):
        raise misused(
            "a key is not taken on a command line, which other users can read and which your shell"
            " remembers: name it by its id or its last four characters, or write - and the key on"
            " standard input. Was it a good one? `estafette keys rotate` makes another"
        )
    return text


def key_json(
    key: Key[Any], scope: str, acts: Sequence[str], of: Mapping[str, Any]
) -> dict[str, Any]:
    """A key as JSON: all that is known of it.

    `scope` are its acts as people name them, `of` what keys of its owner have besides.
    """
    return {
        "id": key.id,
        "name": key.name,
        **of,
        "hint": key.hint,
        "state": state_of(key, datetime.now(UTC)),
        "scope": scope,
        "acts": acts,
        "networks": list(map(str, key.networks)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
        "replaced_by": key.replaced_by,
        "used_at": key.used_at,
        "used_from": key.used_from,
    }


COLUMNS = ("STATE", "SCOPE", "FROM", "ENDS", "LAST USED", "BY", "ID")
"""What the tables of keys show of every key behind its name."""


def cells(key: Key[Any], scope: str) -> Sequence[object]:
    """What stands in COLUMNS for a key."""
    return (
        state_of(key, datetime.now(UTC)),
        scope,
        ",".join(map(str, key.networks)) or ANYWHERE,
        key.expires_at or NEVER,
        key.used_at or NEVER,
        key.used_from,
        key.id,
    )


def ruled(
    rules: KeyRules[A],
    read_scope: Callable[[str], frozenset[A]],
    name: str | None,
    scope: str | None,
    allow: str | None,
    expires: str | None,
) -> KeyRules[A]:
    """The rules of a key with what was named changed. Raises CommandError."""
    try:
        if scope is not None:
            rules = replace(rules, acts=read_scope(scope))
        if allow is not None:
            rules = replace(rules, networks=_networks(allow))
    except (ScopeError, NetworkError) as error:
        raise misused(str(error)) from None
    if expires is not None:
        rules = replace(rules, expires_at=_end(expires))
    return rules if name is None else replace(rules, name=name)


def _networks(text: str) -> tuple[Network, ...]:
    if text.strip().lower() == ANYWHERE:
        return ()
    return tuple(read_network(part) for part in text.split(","))


def _end(text: str) -> datetime | None:
    return None if text.strip().lower() == NEVER else moment_to_come(text)


def say_changed(key: Key[Any], what: str, told: Mapping[str, Any], *, as_json: bool) -> int:
    """Prints what became of a key, or all that is `told` of it; returns the exit code."""
    if as_json:
        say_json(dict(told))
    else:
        say(f"The key …{key.hint} {what}")
    return OK


def say_overlap(length: timedelta) -> None:
    """Prints until when the old key of a rotation works."""
    say(f"The old key works until {time_text(datetime.now(UTC) + length)}. The new one:")
