"""What is said where the code that owns a path cannot speak: no valid HTTP, or a crash."""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """A content type and a body."""

    content_type: str
    body: bytes


Fallback = Callable[[str, int], Words]
"""The words for a path (as far as it is known, else "") and a status, 400 or 500."""

_PLAIN = {400: b"Bad request\n", 500: b"Internal error\n"}


def plain(path: str, status: int) -> Words:
    """The words where nobody has a shape of their own."""
    return Words("text/plain; charset=utf-8", _PLAIN.get(status, b"Error\n"))


def by_prefix(owners: Mapping[str, Fallback]) -> Fallback:
    """The fallback of the owner of a path: `owners` are by path prefix, such as `/delivery`."""
    ordered = sorted(owners.items(), key=lambda owner: len(owner[0]), reverse=True)

    def words(path: str, status: int) -> Words:
        for prefix, fallback in ordered:
            if path == prefix or path.startswith(prefix + "/"):
                return fallback(path, status)
        return plain(path, status)

    return words
