"""`estafette operator-keys`: the keys of the operator's own programs."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.key_words import (
    COLUMNS,
    Allow,
    Expires,
    KeyName,
    Name,
    NewEnd,
    Overlap,
    cells,
    key_json,
    named,
    ruled,
    say_changed,
    say_overlap,
)
from estafette.cli.output import OK, say, say_json, styled, table
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, duration, moment_to_come
from estafette.core.people.program import PRESETS, read_scope, scope_text
from estafette.usecases.people.operator_keys import (
    IssuedOperatorKey,
    OperatorKey,
    OperatorKeyRules,
    change_operator_key,
    create_operator_key,
    disable_operator_key,
    enable_operator_key,
    list_operator_keys,
    revoke_operator_key,
    rotate_operator_key,
)

app = App(name="operator-keys", help="Keys of the operator's programs, for /operator/v1.")

_Scope = Annotated[
    str | None,
    Parameter(
        name="--scope",
        help=f"What it may do: {', '.join(PRESETS)}; or acts such as payments.see, with commas.",
    ),
]


def _json(key: OperatorKey) -> dict[str, Any]:
    return key_json(key, scope_text(key.acts), sorted(key.acts), {})


def _say_issued(issued: IssuedOperatorKey, *, as_json: bool) -> int:
    if as_json:
        say_json({**_json(issued.known), "key": issued.key})
        return OK
    say(f"{styled(issued.key, 'bold')}  may do: {scope_text(issued.known.acts)}")
    say(styled("Keep it now: it is not stored, and not shown again.", "yellow"))
    return OK


def _say_changed(key: OperatorKey, what: str, *, as_json: bool) -> int:
    return say_changed(key, what, _json(key), as_json=as_json)


@app.command
def create(
    *,
    name: Name = None,
    scope: _Scope = "read-only",
    allow: Allow = None,
    expires: Expires = None,
    json: AsJson = False,
) -> int:
    """Create a key. It is shown this once; it may only look unless --scope says more."""
    rules = ruled(OperatorKeyRules(), read_scope, name, scope, allow, expires)
    issued = on_platform(lambda platform: create_operator_key(platform, rules))
    return _say_issued(issued, as_json=json)


@app.command
def update(
    key: KeyName,
    *,
    name: Name = None,
    scope: _Scope = None,
    allow: Allow = None,
    expires: Expires = None,
    json: AsJson = False,
) -> int:
    """Change what a key is called, may do, is accepted from, or when it ends; at once."""
    which = named(key)
    changed = on_platform(
        lambda platform: change_operator_key(
            platform, which, lambda rules: ruled(rules, read_scope, name, scope, allow, expires)
        )
    )
    return _say_changed(changed, f"may do: {scope_text(changed.acts)}", as_json=json)


@app.command
def rotate(
    key: KeyName,
    *,
    overlap: Overlap = "24h",
    expires: NewEnd = None,
    json: AsJson = False,
) -> int:
    """Create a key like another in its place; the old one works on for a while."""
    which, length = named(key), duration(overlap)
    end = None if expires is None else moment_to_come(expires)
    issued = on_platform(lambda platform: rotate_operator_key(platform, which, length, end))
    if not json:
        say_overlap(length)
    return _say_issued(issued, as_json=json)


@app.command
def disable(key: KeyName, *, json: AsJson = False) -> int:
    """Refuse a key from now on; its user is told that it is disabled."""
    which = named(key)
    changed = on_platform(lambda platform: disable_operator_key(platform, which))
    return _say_changed(changed, "is disabled", as_json=json)


@app.command
def enable(key: KeyName, *, json: AsJson = False) -> int:
    """Accept a disabled key again."""
    which = named(key)
    changed = on_platform(lambda platform: enable_operator_key(platform, which))
    return _say_changed(changed, "is enabled", as_json=json)


@app.command
def revoke(key: KeyName, *, json: AsJson = False) -> int:
    """End a key at once: from now on it is as unknown as if it had never been."""
    which = named(key)
    changed = on_platform(lambda platform: revoke_operator_key(platform, which))
    return _say_changed(changed, "is revoked", as_json=json)


@app.command(name="list")
def list_(*, json: AsJson = False) -> int:
    """List the operator's keys, by their last four characters."""
    found = on_platform(list_operator_keys)
    if json:
        say_json({"keys": [_json(key) for key in found]})
        return OK
    table(
        ("KEY", "NAME", *COLUMNS),
        [_row(key) for key in found],
        "No keys; `estafette operator-keys create` makes one",
    )
    return OK


def _row(key: OperatorKey) -> Sequence[object]:
    return (f"…{key.hint}", key.name or None, *cells(key, scope_text(key.acts)))
