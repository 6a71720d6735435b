"""The refusals of requests for their form: the body, parameters, path, method, or request rate."""

from dataclasses import dataclass
from typing import NamedTuple


class HttpRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """The request is refused for its form, whatever it asks for."""


@dataclass(unsafe_hash=True)
class BodyTooLarge(HttpRefusal):
    """The body is longer than `limit` bytes."""

    limit: int


@dataclass(unsafe_hash=True)
class EncodedBody(HttpRefusal):
    """The body is compressed or otherwise encoded, by its `Content-Encoding`."""


@dataclass(unsafe_hash=True)
class BadBody(HttpRefusal):
    """The body is not acceptable JSON, or did not arrive; `reason` says why, for people."""

    reason: str


_LONGEST_ECHO = 50


def shortened(text: str) -> str:
    """Returns a caller's text for a refusal: the whole, or only the beginning of a long one."""
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}…"


class Detail(NamedTuple):
    """What is wrong with one field or parameter, named by its path (`parcel.weightGrams`)."""

    field: str
    reason: str


@dataclass(unsafe_hash=True)
class InvalidRequest(HttpRefusal):
    """Fields or parameters of the request are wrong; all are listed."""

    details: tuple[Detail, ...]


@dataclass(unsafe_hash=True)
class BadIdempotencyKey(HttpRefusal):
    """The idempotency key cannot be used; `reason` says why, for people."""

    reason: str


@dataclass(unsafe_hash=True)
class RateLimited(HttpRefusal):
    """The key has made too many requests; another may be made in `retry_after` seconds."""

    retry_after: int


@dataclass(unsafe_hash=True)
class PathUnknown(HttpRefusal):
    """The path is not served."""


@dataclass(unsafe_hash=True)
class MethodRefused(HttpRefusal):
    """The path does not support this method; it supports `allowed`."""

    allowed: tuple[str, ...]


class Disconnected(Exception):  # noqa: N818 - it is never answered
    """The caller went away before its request had arrived, so that no answer can be sent."""
