"""Reading JSON as it is meant (RFC 8259), and refusing what readers understand in different ways.

UTF-8 alone (a mark of it at the beginning is passed over), no key twice, no NaN or infinity, no
character that a database cannot keep (NUL, half of a surrogate pair), bounded depth. Numbers keep
what they are: `1` is an int, `1.0` a float.
"""

import hashlib
import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, NoReturn, cast

import orjson

from estafette.http.refusals import BadBody

DEPTH = 32
"""How deep arrays and objects may be nested."""

_ORJSON_OPTIONS = orjson.OPT_SORT_KEYS


def decode(body: bytes) -> Any:
    """The JSON value in `body`. Raises BadBody with a reason for people."""
    body = body.removeprefix(BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(f"is not UTF-8 (byte {error.start + 1})") from None
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadBody("is empty") from None
        where = f"line {error.lineno}, column {error.colno}"
        raise BadBody(f"is not JSON{_problem(error.msg)} ({where})") from None
    except RecursionError:
        raise BadBody(_TOO_DEEP) from None
    except ValueError:  # Python refuses to read integers of more than 4,300 digits
        raise BadBody("contains a number that is too long") from None
    if body.count(b"[") + body.count(b"{") > DEPTH:
        _check_depth(value)
    # UTF-8 holds no surrogates and JSON no raw control characters: only escapes can bring them.
    if b"\\u" in body:
        _check_characters(value)
    return value


_PROBLEMS = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma is missing",
    "Extra data": "there is more after its end",
    "Unterminated string": "a text has no end",
    "Invalid control character": "a text contains a control character",
    "Invalid \\": "a text contains an unknown escape",
    "Illegal trailing comma": "nothing comes after a comma",
}
"""What is told of a fault, by the beginning of what Python says, which differs by its version."""


def _problem(said: str) -> str:
    found = (ours for theirs, ours in _PROBLEMS.items() if said.startswith(theirs))
    return "".join(f": {ours}" for ours in found)


_TOO_DEEP = f"is nested deeper than {DEPTH} levels"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadBody(f"contains the key {name[:50]!a} twice in one object")
            seen.add(name)
    return value


def _no_constant(name: str) -> NoReturn:
    raise BadBody(f"contains {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadBody("contains a number that is too large")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
)


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise BadBody(_TOO_DEEP)


def _inside(value: Any) -> list[Any]:
    """The arrays and objects directly in `value`."""
    members: Iterable[Any] = ()
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).values()
    elif isinstance(value, list):
        members = cast("list[Any]", value)
    return [member for member in members if isinstance(member, dict | list)]


def _check_characters(value: Any) -> None:
    """Refuse NUL and lone surrogates in any string or key."""
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            waiting.extend(cast("dict[str, Any]", item))
            waiting.extend(cast("dict[str, Any]", item).values())
        elif isinstance(item, list):
            waiting.extend(cast("list[Any]", item))


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadBody("contains the character NUL")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadBody("contains half of a surrogate pair") from None


def fingerprint(value: Any) -> bytes:
    """The SHA-256 of a JSON value: the order of keys does not matter, `1` and `1.0` differ."""
    try:
        canonical = orjson.dumps(value, option=_ORJSON_OPTIONS)
    except TypeError:  # an integer beyond 64 bits
        canonical = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).digest()


EMPTY_FINGERPRINT = hashlib.sha256(b"").digest()
"""The fingerprint of no body at all, which no JSON value has."""
