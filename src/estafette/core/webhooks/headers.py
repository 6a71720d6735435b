"""Headers of an endpoint's own, for receivers behind a gateway: which there may be.

They say nothing of the message, its length, its coding, its connection or its signature.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

MOST_HEADERS: Final = 10
MOST_NAME_CHARACTERS: Final = 64
MOST_VALUE_CHARACTERS: Final = 2048

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_RESERVED: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "date",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)
_RESERVED_BEGINNINGS: Final = ("content-", "proxy-", "webhook-", "x-forwarded-", "x-estafette-")


class HeaderRefusedError(ValueError):
    """A header that an endpoint cannot have; the message says why, and no value."""


def add(
    headers: Mapping[str, str], name: str, value: str, dialects: Iterable[str]
) -> dict[str, str]:
    """Returns the headers with one more, or another value for one of that name, whatever its case.

    `dialects` are the names of all: headers that begin with `X-` and one of them are their own.
    Raises HeaderRefusedError.
    """
    if not _NAME.fullmatch(name) or len(name) > MOST_NAME_CHARACTERS:
        raise HeaderRefusedError(
            f"the name of a header has 1 to {MOST_NAME_CHARACTERS} letters, digits or hyphens"
        )
    lower = name.lower()
    ours = (*_RESERVED_BEGINNINGS, *(f"x-{dialect}-" for dialect in dialects))
    if lower in _RESERVED or lower.startswith(ours):
        raise HeaderRefusedError(f"the header {name} is written by Estafette alone")
    if not _VALUE.fullmatch(value) or len(value) > MOST_VALUE_CHARACTERS:
        raise HeaderRefusedError(
            f"the value of a header has 1 to {MOST_VALUE_CHARACTERS} printable ASCII characters,"
            " and no space at either end"
        )
    changed = {**without(headers, name), name: value}
    if len(changed) > MOST_HEADERS:
        raise HeaderRefusedError(f"an endpoint has at most {MOST_HEADERS} headers of its own")
    return changed


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns the headers but the one of that name, whatever its case."""
    return {each: value for each, value in headers.items() if each.lower() != name.lower()}


def sealed_for(endpoint_id: UUID) -> bytes:
    """To what the stored headers of an endpoint are bound when they are encrypted."""
    return endpoint_id.bytes + b" headers"
