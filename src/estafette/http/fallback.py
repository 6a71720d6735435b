"""What is said where the code that owns a path cannot speak: no valid HTTP, a refusal, a crash."""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """A content type and a body."""

    content_type: str
    body: bytes


Fallback = Callable[[str, int], Words]
"""The words for a path (as far as it is known, else "") and one of the `REASONS`."""

REASONS = {
    400: "Bad Request",  # it is not HTTP
    408: "Request Timeout",  # the head or the body did not arrive in time
    429: "Too Many Requests",  # too many connections of one client address
    500: "Internal Server Error",  # a crash
    503: "Service Unavailable",  # too many connections in all
}
"""The statuses for which there are words."""


_PLAIN = {
    400: "The request is not valid HTTP",
    408: "The request did not arrive in time",
    429: "Too many connections from this address",
    500: "Something went wrong on our side; the request may be repeated",
    503: "Too many connections; try again later",
}


def plain(path: str, status: int) -> Words:
    """The words where nobody has a shape of their own."""
    told = _PLAIN.get(status, _PLAIN[500])
    return Words("text/plain; charset=utf-8", f"{told}\n".encode())


def by_prefix(owners: Mapping[str, Fallback]) -> Fallback:
    """The fallback of the owner of a path: `owners` are by path prefix, such as `/delivery`."""
    ordered = sorted(owners.items(), key=lambda owner: len(owner[0]), reverse=True)

    def words(path: str, status: int) -> Words:
        for prefix, fallback in ordered:
            if path == prefix or path.startswith(prefix + "/"):
                return fallback(path, status)
        return plain(path, status)

    return words
