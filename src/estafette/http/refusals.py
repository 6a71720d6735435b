"""What can be wrong with a request before anybody looks at what it asks for."""

from dataclasses import dataclass
from typing import NamedTuple


class HttpRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """The request is refused for what it is, not for what it asks."""


@dataclass(frozen=True)
class BodyTooLarge(HttpRefusal):
    """The body is longer than `limit` bytes."""

    limit: int


@dataclass(frozen=True)
class EncodedBody(HttpRefusal):
    """The body is compressed, or encoded otherwise, as its `Content-Encoding` says."""


@dataclass(frozen=True)
class BadBody(HttpRefusal):
    """The body is no JSON that can be accepted, or never came; `reason` says why, for people."""

    reason: str


_LONGEST_ECHO = 50


def shortened(text: str) -> str:
    """A text of the caller's as it is told back: long ones by their beginning."""
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}…"


class Detail(NamedTuple):
    """What is wrong with one field or parameter, named by its path (`parcel.weightGrams`)."""

    field: str
    reason: str


@dataclass(frozen=True)
class InvalidRequest(HttpRefusal):
    """Fields or parameters of the request are wrong: all of them."""

    details: tuple[Detail, ...]


@dataclass(frozen=True)
class BadIdempotencyKey(HttpRefusal):
    """The idempotency key cannot be used; `reason` says why, for people."""

    reason: str


@dataclass(frozen=True)
class RateLimited(HttpRefusal):
    """The key has made too many requests; another may be made in `retry_after` seconds."""

    retry_after: int


@dataclass(frozen=True)
class PathUnknown(HttpRefusal):
    """Nothing is served under this path."""


@dataclass(frozen=True)
class MethodRefused(HttpRefusal):
    """The path does not know this method; it knows `allowed`."""

    allowed: tuple[str, ...]


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told of it
    """The caller went away before its request was whole: there is nobody to answer."""
