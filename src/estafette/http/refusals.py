"""The refusals of requests for their form: their body, parameters, path, method or number."""

from dataclasses import dataclass
from typing import NamedTuple


class HttpRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """The request is refused for its form, not for what it asks for."""


@dataclass(frozen=True)
class BodyTooLarge(HttpRefusal):
    """The body is longer than `limit` bytes."""

    limit: int


@dataclass(frozen=True)
class EncodedBody(HttpRefusal):
    """The body is compressed, or encoded otherwise, as its `Content-Encoding` says."""


@dataclass(frozen=True)
class BadBody(HttpRefusal):
    """The body is not acceptable JSON, or did not arrive; `reason` says why, for people."""

    reason: str


_LONGEST_ECHO = 50


def shortened(text: str) -> str:
    """Returns a caller's text as a refusal repeats it: of a long one only the beginning."""
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
    """The path is none that is served."""


@dataclass(frozen=True)
class MethodRefused(HttpRefusal):
    """The path does not know this method; it knows `allowed`."""

    allowed: tuple[str, ...]


class Disconnected(Exception):  # noqa: N818 - it is never answered
    """The caller went away before its request had arrived, so that no answer can be sent."""
