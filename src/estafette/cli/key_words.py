"""How commands name an API key, and what they tell of one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from estafette.cli.output import misused
from estafette.cli.private import FROM_STDIN, read_private
from estafette.cli.session import on_platform
from estafette.core.accounts.account import Account
from estafette.core.accounts.acts import Act, acts_text
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.accounts.keys import ApiKey, is_whole_key
from estafette.usecases.platform import Platform

T = TypeVar("T")

KeyName = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help="The key's id or its last four characters; -: the key itself is on standard input.",
    ),
]
ANYWHERE = "anywhere"
"""What a key without networks, or without pickup places, says of them."""


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


def key_json(key: ApiKey) -> dict[str, Any]:
    """A key as JSON: all that is known of it."""
    return {
        "id": key.id,
        "name": key.name,
        "mode": key.mode,
        "kind": key.kind,
        "hint": key.hint,
        "state": state_of(key),
        "scope": acts_text(key.acts, key.kind.acts),
        "acts": [act for act in Act if act in key.acts],
        "networks": list(map(str, key.networks)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
        "replaced_by": key.replaced_by,
        "used_at": key.used_at,
        "used_from": key.used_from,
    }


def state_of(key: ApiKey) -> str:
    """Whether it is good: active, ending (after its rotation), disabled or ended."""
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        return "ended"
    if key.disabled_at is not None:
        return "disabled"
    return "active" if key.replaced_by is None else "ending"
