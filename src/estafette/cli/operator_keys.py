"""`estafette operator-keys`: the keys of the operator's own programs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.key_words import ANYWHERE, KeyName, named
from estafette.cli.output import OK, misused, say, say_json, styled, table, time_text
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, duration, moment_to_come
from estafette.core.accounts.acts import NetworkError, read_network
from estafette.core.people.program import PRESETS, ScopeError, read_scope, scope_text
from estafette.usecases.people.operator_keys import (
    IssuedOperatorKey,
    OperatorKey,
    OperatorKeyRules,
    change_operator_key,
    create_operator_key,
    end_operator_key,
    list_operator_keys,
    rotate_operator_key,
    switch_operator_key,
)

app = App(name="operator-keys", help="Keys of the operator's programs, for /operator/v1.")

_NEVER = "never"
_Name = Annotated[str | None, Parameter(name="--name", help="What it is for, in a few words.")]
_Scope = Annotated[
    str | None,
    Parameter(
        name="--scope",
        help=f"What it may do: {', '.join(PRESETS)}; or acts such as payments.see, with commas.",
    ),
]
_Allow = Annotated[
    str | None,
    Parameter(
        name="--allow",
        help="The networks that it is accepted from, with commas between; anywhere: from all.",
    ),
]
_Expires = Annotated[
    str | None, Parameter(name="--expires", help="When it ends: 90d, or a time; never.")
]


def _ruled(
    rules: OperatorKeyRules,
    name: str | None,
    scope: str | None,
    allow: str | None,
    expires: str | None,
) -> OperatorKeyRules:
    """The rules with what was named changed. Raises CommandError."""
    try:
        if scope is not None:
            rules = replace(rules, acts=read_scope(scope))
        if allow is not None:
            everywhere = allow.strip().lower() == ANYWHERE
            networks = () if everywhere else tuple(map(read_network, allow.split(",")))
            rules = replace(rules, networks=networks)
    except (ScopeError, NetworkError) as error:
        raise misused(str(error)) from None
    if expires is not None:
        end = None if expires.strip().lower() == _NEVER else moment_to_come(expires)
        rules = replace(rules, expires_at=end)
    return rules if name is None else replace(rules, name=name)


def _state(key: OperatorKey) -> str:
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        return "ended"
    if key.disabled_at is not None:
        return "disabled"
    return "active" if key.replaced_by is None else "ending"


def _json(key: OperatorKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "state": _state(key),
        "scope": scope_text(key.acts),
        "acts": sorted(key.acts),
        "networks": list(map(str, key.networks)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
        "replaced_by": key.replaced_by,
        "used_at": key.used_at,
        "used_from": key.used_from,
    }


def _say_issued(issued: IssuedOperatorKey, *, as_json: bool) -> int:
    if as_json:
        say_json({**_json(issued.known), "key": issued.key})
        return OK
    say(f"{styled(issued.key, 'bold')}  may do: {scope_text(issued.known.acts)}")
    say(styled("Keep it now: it is not stored, and not shown again.", "yellow"))
    return OK


def _say_changed(key: OperatorKey, what: str, *, as_json: bool) -> int:
    if as_json:
        say_json(_json(key))
    else:
        say(f"The key …{key.hint} {what}")
    return OK


@app.command
def create(
    *,
    name: _Name = None,
    scope: _Scope = "read-only",
    allow: _Allow = None,
    expires: _Expires = None,
    json: AsJson = False,
) -> int:
    """Create a key. It is shown this once; it may only look unless --scope says more."""
    rules = _ruled(OperatorKeyRules(), name, scope, allow, expires)
    issued = on_platform(lambda platform: create_operator_key(platform, rules))
    return _say_issued(issued, as_json=json)


@app.command
def update(
    key: KeyName,
    *,
    name: _Name = None,
    scope: _Scope = None,
    allow: _Allow = None,
    expires: _Expires = None,
    json: AsJson = False,
) -> int:
    """Change what a key is called, may do, is accepted from, or when it ends; at once."""
    which = named(key)
    changed = on_platform(
        lambda platform: change_operator_key(
            platform, which, lambda rules: _ruled(rules, name, scope, allow, expires)
        )
    )
    return _say_changed(changed, f"may do: {scope_text(changed.acts)}", as_json=json)


@app.command
def rotate(
    key: KeyName,
    *,
    overlap: Annotated[str, Parameter(help="How long the old key works on: 0s, 90m, 7d.")] = "24h",
    expires: Annotated[
        str | None, Parameter(help="When the new one ends; as the old one would, unless given.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Create a key like another in its place; the old one works on for a while."""
    which, length = named(key), duration(overlap)
    end = None if expires is None else moment_to_come(expires)
    issued = on_platform(lambda platform: rotate_operator_key(platform, which, length, end))
    if not json:
        say(f"The old key works until {time_text(datetime.now(UTC) + length)}. The new one:")
    return _say_issued(issued, as_json=json)


@app.command
def disable(key: KeyName, *, json: AsJson = False) -> int:
    """Refuse a key from now on; its user is told that it is disabled."""
    which = named(key)
    changed = on_platform(lambda platform: switch_operator_key(platform, which, disabled=True))
    return _say_changed(changed, "is disabled", as_json=json)


@app.command
def enable(key: KeyName, *, json: AsJson = False) -> int:
    """Accept a disabled key again."""
    which = named(key)
    changed = on_platform(lambda platform: switch_operator_key(platform, which, disabled=False))
    return _say_changed(changed, "is enabled", as_json=json)


@app.command
def revoke(key: KeyName, *, json: AsJson = False) -> int:
    """End a key at once: from now on it is as unknown as if it had never been."""
    which = named(key)
    changed = on_platform(lambda platform: end_operator_key(platform, which))
    return _say_changed(changed, "is revoked", as_json=json)


@app.command(name="list")
def list_(*, json: AsJson = False) -> int:
    """List the operator's keys, by their last four characters."""
    found = on_platform(list_operator_keys)
    if json:
        say_json({"keys": [_json(key) for key in found]})
        return OK
    table(
        ("KEY", "NAME", "STATE", "SCOPE", "FROM", "ENDS", "LAST USED", "BY", "ID"),
        [_row(key) for key in found],
        "No keys; `estafette operator-keys create` makes one",
    )
    return OK


def _row(key: OperatorKey) -> Sequence[object]:
    return (
        f"…{key.hint}",
        key.name or None,
        _state(key),
        scope_text(key.acts),
        ",".join(map(str, key.networks)) or ANYWHERE,
        key.expires_at or _NEVER,
        key.used_at or _NEVER,
        key.used_from,
        key.id,
    )
