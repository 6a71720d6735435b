"""Every refusal of the sandbox's own API: `{"code", "message"}`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from estafette.core import errors as core
from estafette.core.deliveries.delivery import Status
from estafette.http import refusals as http
from estafette.http.errors import Errors, text_in
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import JSON, Header, HttpReply


@dataclass(unsafe_hash=True)
class BadRequest(HttpRefusal):
    """A field of the body is wrong; `message` says which and why, for people."""

    message: str


@dataclass(unsafe_hash=True)
class Unauthorized(HttpRefusal):
    """No API key, more than one, or one that opens nothing."""


@dataclass(unsafe_hash=True)
class LiveKey(HttpRefusal):
    """The API key is one for real work."""


@dataclass(unsafe_hash=True)
class NothingNext(HttpRefusal):
    """The delivery's scenario has no step that may follow."""

    status: Status


def code_of(body: bytes) -> str | None:
    """Returns the code in the body of a refusal."""
    return text_in(body, "code")


def _error(status: int, code: str, message: str, headers: Sequence[Header] = ()) -> HttpReply:
    return HttpReply(status, orjson.dumps({"code": code, "message": message}), (JSON, *headers))


def _nothing_next(refusal: NothingNext) -> HttpReply:
    hint = "" if refusal.status in _FINAL else ": name the status it shall go to"
    return _error(409, "conflict", f"Its scenario leads nowhere from {refusal.status}{hint}")


_FINAL = (Status.DELIVERED, Status.CANCELLED, Status.FAILED)


def _rate_limited(refusal: http.RateLimited) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _error(429, "rate_limited", "Too many requests", [wait])


def _busy(refusal: core.Busy) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _error(503, "unavailable", "Too much is under way; try again", [wait])


def _unavailable(refusal: core.Unavailable) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _error(503, "unavailable", "The service cannot answer now; try again", [wait])


def _method_refused(refusal: http.MethodRefused) -> HttpReply:
    allowed = ", ".join(refusal.allowed)
    message = f"This path knows {allowed}"
    return _error(405, "method_not_allowed", message, [(b"allow", allowed.encode())])


_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    core.Busy: _busy,
    core.Unavailable: _unavailable,
    core.DeliveryNotFound: lambda _: _error(404, "not_found", "No such delivery in the sandbox"),
    core.TransitionRefused: lambda refusal: _error(
        409, "conflict", f"No way leads from {refusal.status} to {refusal.to}"
    ),
    core.HistoryFull: lambda refusal: _error(
        409,
        "history_full",
        f"It has had {refusal.limit} events and can only go on to its end: not to {refusal.to}",
    ),
    core.PinWrong: lambda refusal: _error(
        422, "pin_wrong", f"Not the recipient's PIN; tries left: {refusal.tries_left}"
    ),
    core.PinLocked: lambda _: _error(
        422, "pin_locked", "Too many wrong PINs; the operator can unlock it"
    ),
    core.ActRefused: lambda refusal: _error(
        403,
        "forbidden",
        f"This API key may not do that: it may {', '.join(refusal.acts) or 'do nothing'}."
        f" Use a key with the scope {refusal.act}",
    ),
    core.AddressRefused: lambda refusal: _error(
        403,
        "forbidden",
        f"This API key is not accepted from {refusal.address or 'an unknown address'}."
        " Ask from an address that it allows, or have this one added to it",
    ),
    http.BodyTooLarge: lambda refusal: _error(
        413, "payload_too_large", f"The body must be at most {refusal.limit} bytes long"
    ),
    http.EncodedBody: lambda _: _error(
        415,
        "unsupported_media_type",
        "The body must be sent as it is, without a Content-Encoding such as gzip",
    ),
    http.BadBody: lambda refusal: _error(400, "invalid_request", f"The body {refusal.reason}"),
    http.RateLimited: _rate_limited,
    http.PathUnknown: lambda _: _error(404, "not_found", "Nothing is served under this path"),
    http.MethodRefused: _method_refused,
    BadRequest: lambda refusal: _error(400, "invalid_request", refusal.message),
    Unauthorized: lambda _: _error(401, "unauthorized", "Invalid API key"),
    LiveKey: lambda _: _error(
        403, "forbidden", "This is a live key; the sandbox's couriers obey sandbox keys alone"
    ),
    NothingNext: _nothing_next,
}
"""How each refusal that the sandbox's paths can meet is written."""

ERRORS = Errors(
    _WRITERS,
    {
        400: _error(400, "invalid_request", "The request is not valid HTTP"),
        408: _error(408, "invalid_request", "The request did not arrive in time"),
        429: _error(429, "rate_limited", "Too many connections from this address"),
        500: _error(
            500, "internal", "Something went wrong on our side; the request may be repeated"
        ),
        503: _error(503, "internal", "Too many connections; the request may be repeated"),
    },
)
