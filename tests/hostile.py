"""Input that no honest caller sends."""

import gzip
import json
import zlib

_PLAIN = b'{"a": 1}'

NOT_JSON: tuple[bytes, ...] = (
    # malformed
    b"{",
    b"}",
    b"[1, 2",
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a" 1}',
    b'{"a": 1} x',
    b'{"a": 1}{"b": 2}',
    b"nul",
    b'{"a": "\x01"}',
    b'{"a": 01}',
    b'{"a": +1}',
    b'{"a": .5}',
    b'{"a": 0x1F}',
    b"/* */ {}",
    b"a=1&b=2",
    b'<?xml version="1.0"?><a/>',
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    # not JSON's numbers, or more than any reader keeps
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 1e400}',
    b'{"a": -1e99999999}',
    b'{"a": ' + b"9" * 5_000 + b"}",
    # keys twice
    b'{"a": 1, "a": 1}',
    b'{"a": 1, "\\u0061": 2}',
    b'{"x": [{"y": {"a": 1, "b": 2, "a": 3}}]}',
    # nesting
    b'{"a": ' * 40 + b"1" + b"}" * 40,
    b"[" * 40 + b"]" * 40,
    b"[" * 30_000,
    b"[" * 30_000 + b"]" * 30_000,
    b'{"a":' * 10_000,
    # texts that no database keeps
    b'{"a": "x\\u0000y"}',
    b'{"x\\u0000y": 1}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\udc00\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": ["\\ud83d", "\\ude00"]}',
    # not UTF-8
    b'{"a": "\xff"}',
    b'{"a": "\xc0\x80"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\xd0"}',
    _PLAIN.decode().encode("utf-16"),
    _PLAIN.decode().encode("utf-16-le"),
    _PLAIN.decode().encode("utf-32"),
    b"\x00",
    # packed
    gzip.compress(_PLAIN),
    zlib.compress(_PLAIN),
)
"""Bodies that are refused wherever a body is read."""

NO_OBJECTS: tuple[bytes, ...] = (b"[]", b"[{}]", b"1", b"-0.0", b'"text"', b"true", b"[null]")
"""JSON, and no request of any dialect."""

VALUES: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"-1",
    b"0",
    b"-0.0",
    b"1.5",
    b"1e308",
    b"2147483648",
    b"9223372036854775808",
    b"1" + b"0" * 400,
    b'""',
    b'" \\t\\n"',
    json.dumps("x" * 501).encode(),
    json.dumps("ж" * 20_000).encode(),
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\u202e\\u200b\\ufeff\\uffff"',
    b'"\\u0001\\u001b[2J\\r\\n"',
    b'"\'; drop table deliveries; --"',
    b'"%s %n {0} ${x} <script>"',
    b'"\\\\x00 \\\\0 \\\\N"',
)
"""What may be put in the place of any value of a good body."""

IDS: tuple[str, ...] = (
    "%00",
    "a%00b",
    ".",
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e",
    "%2F",
    "%5c",
    "%",
    "%zz",
    "%ff",
    "%ed%a0%80",
    "%d0%b6",
    "%f0%9f%98%80",
    "%0d%0aX-Injected:%201",
    "%20",
    "'",
    "*",
    "x" * 10_000,
    "00000000-0000-0000-0000-000000000000",
    "{deliveryId}",
    "-1",
)
"""What may be put in the place of an id in a path."""

QUERIES: tuple[str, ...] = (
    "",
    "%00",
    "a%00",
    "%ff",
    "%ed%a0%80",
    "%f0%9f%98%80",
    "-1",
    "0",
    "1e9",
    "9" * 30,
    "NaN",
    "null",
    "true",
    "x" * 2_000,
    "AAAA",
    "A" * 32,
    "_" * 32,
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59Z",
    "2024-02-30T00:00:00Z",
    "%27%20or%201=1",
    "a,b,,",
    "%0d%0aX-Injected:%201",
)
"""Values of parameters in a query."""

STRANGE_PATHS: tuple[str, ...] = (
    "/",
    "//",
    "/.",
    "/..",
    "/%00",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/../../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/docs/..%2f..%2f..%2fsettings.py",
    "/docs/%2e%2e",
    "/docs/%00",
    "/docs/.",
    "/v1",
    "/v1/",
    "//v1//",
    "/V1/DELIVERIES",
    "/v1/%E2%80%AE",
    "/v1/;a=b",
    "/x?" + "a&" * 15_000,
    "/" + "x" * 30_000,
    "/" + "a/" * 15_000,
)
"""What may follow the place where a dialect is mounted, and is nothing."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE")
"""Methods that HTTP parsers know."""
