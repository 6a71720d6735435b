"""Every refusal of the receiver of webhooks, as problem details (RFC 9457)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from estafette.core import errors as core
from estafette.http import refusals as http
from estafette.http.errors import Errors
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import Header, HttpReply

_TYPE = "application/problem+json"


@dataclass(unsafe_hash=True)
class CompanyUnknown(HttpRefusal):
    """No company under this id has a platform that is connected."""


@dataclass(unsafe_hash=True)
class Unsigned(HttpRefusal):
    """The webhook has no signature, more than one, or a wrong one."""


@dataclass(unsafe_hash=True)
class Senseless(HttpRefusal):
    """The webhook is signed, and its body is none of a delivery."""


def _problem(status: int, title: str, detail: str, headers: Sequence[Header] = ()) -> HttpReply:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return HttpReply(status, orjson.dumps(body), ((b"content-type", _TYPE.encode()), *headers))


def _busy(refusal: core.Busy) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _problem(503, "Service Unavailable", "Too much is under way; try again", [wait])


def _unavailable(refusal: core.Unavailable) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _problem(503, "Service Unavailable", "The service cannot answer now; send again", [wait])


def _method_refused(refusal: http.MethodRefused) -> HttpReply:
    allowed = ", ".join(refusal.allowed)
    header = (b"allow", allowed.encode())
    return _problem(405, "Method Not Allowed", f"This path knows {allowed}", [header])


def _rate_limited(refusal: http.RateLimited) -> HttpReply:
    header = (b"retry-after", str(refusal.retry_after).encode())
    return _problem(429, "Too Many Requests", "Send again later", [header])


_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    core.Busy: _busy,
    core.Unavailable: _unavailable,
    http.BodyTooLarge: lambda refusal: _problem(
        413, "Payload Too Large", f"The body must be at most {refusal.limit} bytes long"
    ),
    http.EncodedBody: lambda _: _problem(
        415, "Unsupported Media Type", "The body must be sent without a Content-Encoding"
    ),
    http.BadBody: lambda refusal: _problem(400, "Bad Request", f"The body {refusal.reason}"),
    http.RateLimited: _rate_limited,
    http.PathUnknown: lambda _: _problem(404, "Not Found", "Nothing is served under this path"),
    http.MethodRefused: _method_refused,
    CompanyUnknown: lambda _: _problem(404, "Not Found", "No such company is connected"),
    Unsigned: lambda _: _problem(401, "Unauthorized", "The signature is missing or wrong"),
    Senseless: lambda _: _problem(400, "Bad Request", "The body is no webhook of a delivery"),
}
"""How each refusal that the receiver can meet is written."""

ERRORS = Errors(
    _WRITERS,
    {
        400: _problem(400, "Bad Request", "The request is not valid HTTP"),
        408: _problem(408, "Request Timeout", "The request did not arrive in time"),
        429: _problem(429, "Too Many Requests", "Too many connections from this address"),
        500: _problem(500, "Internal Server Error", "Something went wrong on our side; send again"),
        503: _problem(503, "Service Unavailable", "Too many connections; send again later"),
    },
)
