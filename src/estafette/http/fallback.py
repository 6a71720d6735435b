"""Answers in place of the code that owns a path, where that code cannot answer.

This happens where a request is not valid HTTP or arrives too late, where its connection is refused,
and after a crash.
"""

from collections.abc import Callable
from typing import NamedTuple


class Words(NamedTuple):
    """The content type and the body of such an answer."""

    content_type: str
    body: bytes


Fallback = Callable[[str, str, int], Words]
"""Returns the answer to a request, given its host name, its path (each "" where it is not known)
and one of the statuses in `REASONS`."""

REASONS = {
    400: "Bad Request",  # it is not HTTP
    408: "Request Timeout",  # the head or the body did not arrive in time
    429: "Too Many Requests",  # too many connections of one client address
    500: "Internal Server Error",  # a crash
    503: "Service Unavailable",  # too many connections in all
}
"""The statuses that such an answer may have, and their reason phrases."""


_PLAIN = {
    400: "The request is not valid HTTP",
    408: "The request did not arrive in time",
    429: "Too many connections from this address",
    500: "Something went wrong on our side; the request may be repeated",
    503: "Too many connections; try again later",
}


def plain_words(status: int) -> Words:
    """Returns the answer for paths that no dialect and no page owns."""
    message = _PLAIN.get(status, _PLAIN[500])
    return Words("text/plain; charset=utf-8", f"{message}\n".encode())


def plain(_host: str, _path: str, status: int) -> Words:
    """Returns the same for every request."""
    return plain_words(status)


def last_answer(status: int, words: Words, request_id: str) -> bytes:
    """Returns a whole HTTP/1.1 response, after which the connection is closed."""
    wait = "retry-after: 1\r\n" if status in (429, 503) else ""
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\n"
        f"content-type: {words.content_type}\r\n"
        f"content-length: {len(words.body)}\r\n"
        "cache-control: no-store\r\n"
        "x-content-type-options: nosniff\r\n"
        f"x-request-id: {request_id}\r\n"
        f"{wait}"
        "connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + words.body
