"""Every refusal of the sandbox's own API: `{"code", "message"}`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from estafette.core import errors as core
from estafette.core.deliveries.delivery import Status
from estafette.http import refusals as http
from estafette.http.coded import COMMON, FALLBACKS, refused
from estafette.http.errors import Errors
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply


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


def _nothing_next(refusal: NothingNext) -> HttpReply:
    hint = "" if refusal.status in _FINAL else ": name the status it shall go to"
    return refused(409, "conflict", f"Its scenario leads nowhere from {refusal.status}{hint}")


_FINAL = (Status.DELIVERED, Status.CANCELLED, Status.FAILED)


_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    **COMMON,
    core.DeliveryNotFound: lambda _: refused(404, "not_found", "No such delivery in the sandbox"),
    core.TransitionRefused: lambda refusal: refused(
        409, "conflict", f"No way leads from {refusal.status} to {refusal.to}"
    ),
    core.HistoryFull: lambda refusal: refused(
        409,
        "history_full",
        f"It has had {refusal.limit} events and can only go on to its end: not to {refusal.to}",
    ),
    core.PinWrong: lambda refusal: refused(
        422, "pin_wrong", f"Not the recipient's PIN; tries left: {refusal.tries_left}"
    ),
    core.PinLocked: lambda _: refused(
        422, "pin_locked", "Too many wrong PINs; the operator can unlock it"
    ),
    http.BadBody: lambda refusal: refused(400, "invalid_request", f"The body {refusal.reason}"),
    BadRequest: lambda refusal: refused(400, "invalid_request", refusal.message),
    Unauthorized: lambda _: refused(401, "unauthorized", "Invalid API key"),
    LiveKey: lambda _: refused(
        403, "forbidden", "This is a live key; the sandbox's couriers obey sandbox keys alone"
    ),
    NothingNext: _nothing_next,
}
"""How each refusal that the sandbox's paths can meet is written."""

ERRORS = Errors(
    _WRITERS,
    {**FALLBACKS, 400: refused(400, "invalid_request", "The request is not valid HTTP")},
)
