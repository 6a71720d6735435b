"""`estafette keys`: create, rotate with an overlap, disable, revoke, list."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from cyclopts import App, Parameter

from estafette.cli.output import OK, say, say_json, styled, table, time_text
from estafette.cli.session import on_platform
from estafette.cli.words import AccountName, AsJson, ModeOption, duration
from estafette.core.account import Account, KeyKind, Mode
from estafette.usecases.accounts import find_account
from estafette.usecases.keys import (
    ApiKey,
    IssuedKey,
    create_key,
    disable_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from estafette.usecases.platform import Platform

T = TypeVar("T")

app = App(name="keys", help="Create, rotate, disable and revoke API keys.")

_Key = Annotated[str, Parameter(help="The key's id, its last four characters, or the key itself.")]


def _for_account(name: str, work: Callable[[Platform, Account], Awaitable[T]]) -> T:
    async def found(platform: Platform) -> T:
        return await work(platform, await find_account(platform, name))

    return on_platform(found)


def _json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "mode": key.mode,
        "kind": key.kind,
        "hint": key.hint,
        "state": _state(key),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
    }


def issued_json(issued: IssuedKey) -> dict[str, Any]:
    """A new key as JSON, the key itself included."""
    return {**_json(issued.known), "key": issued.key}


def say_issued(issued: Sequence[IssuedKey]) -> None:
    """Prints new keys, this once."""
    for key in issued:
        say(f"{key.known.mode.value:8} {key.known.kind.value:12} {styled(key.key, 'bold')}")
    say(styled("Keep them now: they are not stored, and not shown again.", "yellow"))


def _state(key: ApiKey) -> str:
    if key.disabled_at is not None:
        return "disabled"
    if key.expires_at is None:
        return "active"
    return "ended" if key.expires_at <= datetime.now(UTC) else "ending"


def _say_one(issued: IssuedKey, *, as_json: bool) -> int:
    if as_json:
        say_json(issued_json(issued))
    else:
        say_issued([issued])
    return OK


@app.command
def create(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    kind: Annotated[KeyKind, Parameter(help="secret or publishable.")] = KeyKind.SECRET,
    json: AsJson = False,
) -> int:
    """Create a further key. It is shown this once."""
    issued = _for_account(account, lambda platform, found: create_key(platform, found, mode, kind))
    return _say_one(issued, as_json=json)


@app.command
def rotate(
    key: _Key,
    *,
    account: AccountName,
    overlap: Annotated[str, Parameter(help="How long the old key works on: 0s, 90m, 7d.")] = "24h",
    json: AsJson = False,
) -> int:
    """Create a key in the place of another, which works on for a while."""
    length: timedelta = duration(overlap)
    issued = _for_account(account, lambda platform, found: rotate_key(platform, found, key, length))
    if not json:
        say(f"The old key works until {time_text(datetime.now(UTC) + length)}. The new one:")
    return _say_one(issued, as_json=json)


@app.command
def disable(key: _Key, *, account: AccountName, json: AsJson = False) -> int:
    """Refuse a key from now on; its user is told that it is disabled."""
    changed = _for_account(account, lambda platform, found: disable_key(platform, found, key))
    if json:
        say_json(_json(changed))
    else:
        say(f"The key …{changed.hint} is disabled")
    return OK


@app.command
def revoke(key: _Key, *, account: AccountName, json: AsJson = False) -> int:
    """End a key at once: from now on it is as unknown as if it had never been."""
    changed = _for_account(account, lambda platform, found: revoke_key(platform, found, key))
    if json:
        say_json(_json(changed))
    else:
        say(f"The key …{changed.hint} is revoked")
    return OK


@app.command(name="list")
def list_(*, account: AccountName, json: AsJson = False) -> int:
    """List an account's keys, by their last four characters."""
    found = _for_account(account, list_keys)
    if json:
        say_json({"keys": [_json(key) for key in found]})
        return OK
    table(
        ("KEY", "MODE", "KIND", "STATE", "CREATED", "ENDS", "ID"),
        [
            (f"…{k.hint}", k.mode, k.kind, _state(k), k.created_at, k.expires_at, k.id)
            for k in found
        ],
        f"No keys; `estafette keys create --account {account}` makes one",
    )
    return OK
