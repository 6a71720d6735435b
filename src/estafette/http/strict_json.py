"""Reads JSON by RFC 8259, and refuses texts that different readers understand differently.

The text must be UTF-8 (a byte order mark at the beginning is ignored). Refused are an object with
the same key twice, NaN, infinity, characters that a database cannot keep (NUL, half of a surrogate
pair), and too much depth or too many values. `1` is read as an int, `1.0` as a float.

The values are counted before any is read, and the work on each value is done in C. So a caller
cannot make the process build a value that it then refuses.
"""

import hashlib
import json
from codecs import BOM_UTF8
from typing import Any, NoReturn

import orjson

from estafette.http.refusals import BadBody

DEPTH = 32
"""How deep arrays and objects may be nested."""

MOST_VALUES = 10_000
"""How many values there may be in all; 16 KiB of metadata hold some 8,000 at most."""

_NAMED = 500
"""A repeated key is named in bodies of up to so many values: finding it takes a second reading."""

LONGEST_NUMBER = 400
"""How many digits may stand in a row in a number; none beyond 309 fits into a float."""

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_BEYOND_64_BITS = b"0" * 19
_TOO_LONG = b"0" * (LONGEST_NUMBER + 1)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ORJSON_OPTIONS = orjson.OPT_SORT_KEYS


def decode(body: bytes) -> Any:
    """Returns the JSON value in `body`. Raises BadBody with a reason for people."""
    body = body.removeprefix(BOM_UTF8)
    _check_size(body)
    # UTF-8 holds no surrogates and JSON no raw control characters: only escapes can bring them.
    if _BEYOND_64_BITS in body.translate(_ANY_DIGIT) or b"\\u0000" in body:
        value, written = _read_carefully(body)
    else:
        try:
            value = orjson.loads(body)
            written = orjson.dumps(value)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            value, written = _read_carefully(body)
    # Of a repeated key one member is lost, and with it at least the two quotes of the key.
    if _quotes(body) != _quotes(written):
        raise BadBody(_twice(body))
    return value


def _check_size(body: bytes) -> None:
    """Refuses too many values, and nesting that is too deep, without reading any of them."""
    containers = body.count(b"[") + body.count(b"{")
    if containers <= DEPTH and containers + body.count(b",") < MOST_VALUES:
        return  # too few signs, even if none of them is part of a text
    signs = _without_texts(body)
    containers = signs.count(b"[") + signs.count(b"{")
    if containers + signs.count(b",") >= MOST_VALUES:
        raise BadBody(_TOO_MANY)
    if containers > DEPTH:
        _check_depth(signs)


_TOO_DEEP = f"is nested deeper than {DEPTH} levels"
_TOO_MANY = f"holds more than {MOST_VALUES} values"


def _check_depth(signs: bytes) -> None:
    """Removes the innermost brackets, a level at a time; a text that is not JSON may pass."""
    brackets = signs.translate(_BRACKETS, _ALL_BUT_BRACKETS)
    for _ in range(DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets.count(b"[") > DEPTH or b"[]" in brackets:
        raise BadBody(_TOO_DEEP)


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
"""The reasons in refusals, by the beginning of Python's message, which differs by version."""


def _problem(said: str) -> str:
    found = (ours for theirs, ours in _PROBLEMS.items() if said.startswith(theirs))
    return "".join(f": {ours}" for ours in found)


def _without_texts(body: bytes) -> bytes:
    """Returns JSON without its texts and keys."""
    plain = _without_escapes(body)
    if plain.count(b'"') > 4 * MOST_VALUES:  # a value has at most a key, and is at most a text
        raise BadBody(_TOO_MANY)
    return b"".join(plain.split(b'"')[::2])


def _without_escapes(body: bytes) -> bytes:
    """Returns JSON in which each remaining `"` begins or ends a text."""
    if b"\\" not in body:
        return body
    return body.replace(rb"\\", b"").replace(rb"\"", b"")


def _quotes(body: bytes) -> int:
    return _without_escapes(body).count(b'"')


def _no_constant(name: str) -> NoReturn:
    raise BadBody(f"contains {name}, which is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def _read_carefully(body: bytes) -> tuple[Any, bytes]:
    """Returns the value, and JSON of it; reads whatever number there is, and says what is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(f"is not UTF-8 (byte {error.start + 1})") from None
    if _TOO_LONG in _without_texts(body).translate(_ANY_DIGIT):
        raise BadBody("contains a number that is too long")
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadBody("is empty") from None
        where = f"line {error.lineno}, column {error.colno}"
        raise BadBody(f"is not JSON{_problem(error.msg)} ({where})") from None
    except RecursionError:
        raise BadBody(_TOO_DEEP) from None
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise BadBody("contains a number that is too large") from None
    if "\\u0000" in written and _has_nul(written):
        raise BadBody("contains the character NUL")
    try:
        return value, written.encode("utf-8")
    except UnicodeEncodeError:
        raise BadBody("contains half of a surrogate pair") from None


def _has_nul(written: str) -> bool:
    """Returns whether a real escape of NUL is there, not a backslash before the text `u0000`."""
    return "\\u0000" in written.replace(r"\\", "")


class _TwiceError(Exception):
    """An object has the same key twice."""


def _twice(body: bytes) -> str:
    """Returns the fault of a body in which an object has the same key twice."""
    if body.count(b",") <= _NAMED:
        try:
            json.loads(body, object_pairs_hook=_find_twice)
        except _TwiceError as found:
            return f"contains the key {str(found)[:50]!a} twice in one object"
    return "contains a key twice in one object"


def _find_twice(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _TwiceError(name)
        seen.add(name)


def fingerprint(value: Any) -> bytes:
    """Returns a JSON value's SHA-256. The order of keys does not matter; `1` and `1.0` differ."""
    try:
        canonical = orjson.dumps(value, option=_ORJSON_OPTIONS)
    except TypeError:  # an integer beyond 64 bits
        canonical = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).digest()


EMPTY_FINGERPRINT = hashlib.sha256(b"").digest()
"""The fingerprint of a request without a body, which no JSON value has."""
