"""Requests that cost whoever reads them carelessly much more than whoever sends them."""

import json
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import quote

from bench.crowd import request
from bench.orders import orders
from bench.stocks import Stock
from bench.trips import trips

TEXTS: Final = (
    "tel:1;phone-context=" + "aa." * 25 + "aa!",
    "tel:+1;phone-context=" + "a-" * 200 + "!",
    "a" + "\u0301" * 5_000 + "\u0316" * 5_000,
    "\u0327\u0301" * 10_000,
    "\u1100\u1161\u11a8" * 10_000,
    "\ufdfa" * 10_000,
    "\u202e\u2066" * 10_000,
    "а" * 30_000,  # a Cyrillic letter
    "ΐ" * 20_000,
    " " * 30_000 + "x",
    "%" * 20_000,
    "_" * 20_000,
    "\\" * 20_000,
    "9" * 60_000,
    "+" + "1 " * 20_000,
    "https://" + "a." * 20_000,
    "sk_live_" * 8_000,
    "<" * 30_000,
    "\U0001f468\u200d" * 8_000,
)


def hostile(base_url: str, of: Stock) -> Iterator[str]:
    """Each text in each field of what is created and quoted, in searches and elsewhere.

    With good keys: what a stranger sends is refused sooner.
    """
    kz = {"x-api-key": of.large_kz.api_key}
    ao = {"Authorization": f"Bearer {of.large.api_key}"}
    order, trip = json.loads(orders("h-", seed=1)()[1]), json.loads(trips(1)())
    for text in TEXTS:
        for path, headers, body in (
            ("/delivery/v1/deliveries", kz, order),
            ("/delivery/v1/quotes", kz, order),
            ("/v1/quotes", ao, trip),
        ):
            for changed in _changed(body, text):
                written = json.dumps(changed, ensure_ascii=False).encode("utf-8", "replace")
                yield request(base_url, "POST", path, headers, written)
        short = quote(text[:1_000])
        yield request(base_url, "GET", f"/v1/deliveries?search={short}", ao)
        yield request(base_url, "GET", f"/delivery/v1/deliveries?externalOrderId={short}", kz)
        yield request(base_url, "GET", f"/track/{short}", {})
        yield request(
            base_url, "GET", "/v1/deliveries", {"Authorization": f"Bearer {text[:500]!a}"}
        )
    for body in _BODIES:
        yield request(base_url, "POST", "/v1/quotes", ao, body)
        yield request(base_url, "POST", "/delivery/v1/deliveries", kz, body)


_BODIES: Final = (
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b"9" * 200_000,
    b"1e" + b"9" * 1_000,
    b'{"a":"' + b"\\u0301" * 30_000 + b'"}',
    b"{" + b",".join(b'"k%d":1' % number for number in range(20_000)) + b"}",
)


def _changed(body: Any, text: str) -> Iterator[dict[str, Any]]:
    """The body again and again, another of its texts replaced each time; then an unknown field."""
    for way in _ways(body):
        copy = json.loads(json.dumps(body))
        at = copy
        for step in way[:-1]:
            at = at[step]
        at[way[-1]] = text
        yield copy
    yield {**body, "x": text}


def _ways(body: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from _ways(cast(dict[str, Any], value), (*before, name))
        elif isinstance(value, str):
            yield (*before, name)
