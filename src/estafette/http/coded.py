"""Refusals of the shape `{"code", "message"}`, with `details` for bad fields.

Kaspi's API refuses so by its contract, the operator's and the sandbox's as we chose. What such an
API says of its own matters stands in its folder; what all of them say alike stands here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from estafette.core import errors as core
from estafette.http import refusals as http
from estafette.http.errors import Writers, text_in
from estafette.http.refusals import Detail
from estafette.http.reply import JSON, Header, HttpReply


def refused(
    status: int,
    code: str,
    message: str,
    details: Sequence[Detail] = (),
    headers: Sequence[Header] = (),
) -> HttpReply:
    """Returns a refusal: its HTTP status, its code for programs, its message for people."""
    body: dict[str, Any] = {"code": code, "message": message}
    if details:
        body["details"] = [{"field": each.field, "reason": each.reason} for each in details]
    return HttpReply(status, orjson.dumps(body), (JSON, *headers))


def conflict(message: str) -> HttpReply:
    """Returns the refusal of what the present state does not allow."""
    return refused(409, "conflict", message)


def forbidden(message: str) -> HttpReply:
    """Returns the refusal of what this key may not do."""
    return refused(403, "forbidden", message)


def invalid(*details: Detail) -> HttpReply:
    """Returns the refusal of a request with bad fields: all are in the details."""
    first = details[0]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return refused(400, "invalid_request", f"{first.field} {first.reason}{more}", details)


def later(status: int, code: str, message: str, seconds: int) -> HttpReply:
    """Returns the refusal of what may be asked again in so many seconds."""
    wait = (b"retry-after", str(seconds).encode())
    return refused(status, code, message, headers=[wait])


def code_of(body: bytes) -> str | None:
    """Returns the code in the body of a refusal."""
    return text_in(body, "code")


def _method_refused(refusal: http.MethodRefused) -> HttpReply:
    allowed = ", ".join(refusal.allowed)
    message = f"This path knows {allowed}"
    return refused(405, "method_not_allowed", message, headers=[(b"allow", allowed.encode())])


def _act_refused(refusal: core.ActRefused) -> HttpReply:
    return forbidden(
        f"This API key may not do that: it may {', '.join(refusal.acts) or 'do nothing'}."
        f" Use a key with the scope {refusal.act}"
    )


def _address_refused(refusal: core.AddressRefused) -> HttpReply:
    return forbidden(
        f"This API key is not accepted from {refusal.address or 'an unknown address'}."
        " Ask from an address that it allows, or have this one added to it"
    )


COMMON: Final[Writers] = {
    core.Busy: lambda refusal: later(
        503, "unavailable", "Too much is under way; try again", refusal.retry_after
    ),
    core.Unavailable: lambda refusal: later(
        503,
        "unavailable",
        "The service cannot answer now; repeat the request, with the same Idempotency-Key",
        refusal.retry_after,
    ),
    core.ActRefused: _act_refused,
    core.AddressRefused: _address_refused,
    http.BodyTooLarge: lambda refusal: refused(
        413, "payload_too_large", f"The body must be at most {refusal.limit} bytes long"
    ),
    http.EncodedBody: lambda _: refused(
        415,
        "unsupported_media_type",
        "The body must be sent as it is, without a Content-Encoding such as gzip",
    ),
    http.BadBody: lambda refusal: invalid(Detail("body", refusal.reason)),
    http.BadIdempotencyKey: lambda refusal: invalid(Detail("Idempotency-Key", refusal.reason)),
    http.RateLimited: lambda refusal: later(
        429, "rate_limited", "Too many requests", refusal.retry_after
    ),
    http.PathUnknown: lambda _: refused(404, "not_found", "Nothing is served under this path"),
    http.MethodRefused: _method_refused,
    http.InvalidRequest: lambda refusal: invalid(*refusal.details),
}
"""How refusals are written that every API of this shape says alike."""

FALLBACKS: Final[Mapping[int, HttpReply]] = {
    400: invalid(Detail("request", "is not valid HTTP")),
    408: refused(408, "invalid_request", "The request did not arrive in time"),
    429: refused(429, "rate_limited", "Too many connections from this address"),
    500: refused(500, "internal", "Something went wrong on our side; the request may be repeated"),
    503: refused(503, "internal", "Too many connections; the request may be repeated"),
}
"""The answers by HTTP status where an API's own code cannot answer."""
