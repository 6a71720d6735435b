"""What is said where the code that owns a path cannot speak: no valid HTTP, a refusal, a crash."""

from collections.abc import Callable
from typing import NamedTuple


class Words(NamedTuple):
    """A content type and a body."""

    content_type: str
    body: bytes


Fallback = Callable[[str, str, int], Words]
"""The words for a host name and a path (each as far as it is known, else ""), and one of the
statuses in `REASONS`."""

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


def plain_words(status: int) -> Words:
    """The words where nobody has a shape of their own."""
    told = _PLAIN.get(status, _PLAIN[500])
    return Words("text/plain; charset=utf-8", f"{told}\n".encode())


def plain(_host: str, _path: str, status: int) -> Words:
    """The same for every request."""
    return plain_words(status)
