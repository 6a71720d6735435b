"""`estafette keys`: create, change, limit, rotate with an overlap, disable, revoke, list."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli import key_words
from estafette.cli.key_limits import limits
from estafette.cli.key_words import (
    COLUMNS,
    Allow,
    Expires,
    KeyName,
    Name,
    NewEnd,
    Overlap,
    cells,
    for_account,
    named,
    ruled,
    say_changed,
    say_overlap,
)
from estafette.cli.output import OK, say, say_json, styled, table
from estafette.cli.words import AccountName, AsJson, ModeOption, duration, moment_to_come
from estafette.core.accounts.account import KeyKind, Mode
from estafette.core.accounts.acts import (
    FULL,
    PRESETS,
    Act,
    acts_text,
    read_acts,
)
from estafette.usecases.accounts.keys import (
    ApiKey,
    IssuedKey,
    KeyRules,
    change_key,
    create_key,
    disable_key,
    enable_key,
    list_keys,
    revoke_key,
    rotate_key,
)

app = App(name="keys", help="Create, change, rotate, disable and revoke API keys.")

_Scope = Annotated[
    str | None,
    Parameter(
        name="--scope",
        help=f"What it may do: {', '.join(PRESETS)}; or some of {', '.join(Act)}, with commas.",
    ),
]


def key_json(key: ApiKey) -> dict[str, Any]:
    """A key as JSON: all that is known of it."""
    acts = [act for act in Act if act in key.acts]
    return key_words.key_json(key, _scope(key), acts, {"mode": key.mode, "kind": key.kind})


def _scope(key: ApiKey) -> str:
    return acts_text(key.acts, key.kind.acts)


def issued_json(issued: IssuedKey) -> dict[str, Any]:
    """A new key as JSON, the key itself included."""
    return {**key_json(issued.known), "key": issued.key}


def say_issued(issued: Sequence[IssuedKey], account: str) -> None:
    """Prints new keys of the account of that name, this once."""
    for key in issued:
        say(f"{key.known.mode.value:8} {key.known.kind.value:12} {styled(key.key, 'bold')}")
    say(styled("Keep them now: they are not stored, and not shown again.", "yellow"))
    for known in (key.known for key in issued):
        if known.limits is not None and not known.limits.pickups:
            say(
                f"Pages with …{known.hint} may have parcels picked up anywhere:"
                f" estafette keys limits {known.id} --account {account} --pickup PLACE"
            )


def _say_one(issued: IssuedKey, account: str, *, as_json: bool) -> int:
    if as_json:
        say_json(issued_json(issued))
    else:
        say_issued([issued], account)
    return OK


def _say_changed(key: ApiKey, what: str, *, as_json: bool) -> int:
    return say_changed(key, what, key_json(key), as_json=as_json)


@app.command
def create(
    *,
    account: AccountName,
    mode: ModeOption = Mode.SANDBOX,
    kind: Annotated[KeyKind, Parameter(help="secret or publishable.")] = KeyKind.SECRET,
    name: Name = None,
    scope: _Scope = FULL,
    allow: Allow = None,
    expires: Expires = None,
    json: AsJson = False,
) -> int:
    """Create a further key. It is shown this once."""
    rules = ruled(KeyRules(), read_acts, name, scope, allow, expires)
    issued = for_account(
        account, lambda platform, found: create_key(platform, found, mode, kind, rules)
    )
    return _say_one(issued, account, as_json=json)


@app.command
def update(
    key: KeyName,
    *,
    account: AccountName,
    name: Name = None,
    scope: _Scope = None,
    allow: Allow = None,
    expires: Expires = None,
    json: AsJson = False,
) -> int:
    """Change what a key is called, may do, is accepted from, or when it ends; at once."""
    which = named(key)
    changed = for_account(
        account,
        lambda platform, found: change_key(
            platform,
            found,
            which,
            lambda rules: ruled(rules, read_acts, name, scope, allow, expires),
        ),
    )
    return _say_changed(changed, f"may do: {_scope(changed)}", as_json=json)


@app.command
def rotate(
    key: KeyName,
    *,
    account: AccountName,
    overlap: Overlap = "24h",
    expires: NewEnd = None,
    json: AsJson = False,
) -> int:
    """Create a key like another in its place; the old one works on for a while."""
    which, length = named(key), duration(overlap)
    end = None if expires is None else moment_to_come(expires)
    issued = for_account(
        account, lambda platform, found: rotate_key(platform, found, which, length, end)
    )
    if not json:
        say_overlap(length)
    return _say_one(issued, account, as_json=json)


@app.command
def disable(key: KeyName, *, account: AccountName, json: AsJson = False) -> int:
    """Refuse a key from now on; its user is told that it is disabled."""
    which = named(key)
    changed = for_account(account, lambda platform, found: disable_key(platform, found, which))
    return _say_changed(changed, "is disabled", as_json=json)


@app.command
def enable(key: KeyName, *, account: AccountName, json: AsJson = False) -> int:
    """Accept a disabled key again."""
    which = named(key)
    changed = for_account(account, lambda platform, found: enable_key(platform, found, which))
    return _say_changed(changed, "is enabled", as_json=json)


@app.command
def revoke(key: KeyName, *, account: AccountName, json: AsJson = False) -> int:
    """End a key at once: from now on it is as unknown as if it had never been."""
    which = named(key)
    changed = for_account(account, lambda platform, found: revoke_key(platform, found, which))
    return _say_changed(changed, "is revoked", as_json=json)


@app.command(name="list")
def list_(*, account: AccountName, json: AsJson = False) -> int:
    """List an account's keys, by their last four characters."""
    found = for_account(account, list_keys)
    if json:
        say_json({"keys": [key_json(key) for key in found]})
        return OK
    table(
        ("KEY", "NAME", "MODE", "KIND", *COLUMNS),
        [_row(key) for key in found],
        f"No keys; `estafette keys create --account {account}` makes one",
    )
    return OK


def _row(key: ApiKey) -> Sequence[object]:
    return (f"…{key.hint}", key.name or None, key.mode, key.kind, *cells(key, _scope(key)))


app.command(limits)
