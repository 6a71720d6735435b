"""Every refusal in Kaspi's shape: `{"code", "message"}`, and `details` for bad fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from estafette.core import errors as core
from estafette.core.deliveries.delivery import Status
from estafette.dialects.kaspi.words import CANCELLED, delivery_id, shown
from estafette.http import refusals as http
from estafette.http.errors import Errors, text_in
from estafette.http.refusals import Detail, HttpRefusal, InvalidRequest
from estafette.http.reply import JSON, Header, HttpReply


@dataclass(unsafe_hash=True)
class Unauthorized(HttpRefusal):
    """There is no API key, there are several, or the key is not valid."""


@dataclass(unsafe_hash=True)
class KeyDisabled(HttpRefusal):
    """The API key is known and disabled."""


def _error(
    status: int,
    code: str,
    message: str,
    details: Sequence[Detail] = (),
    headers: Sequence[Header] = (),
) -> HttpReply:
    body: dict[str, Any] = {"code": code, "message": message}
    if details:
        body["details"] = [{"field": each.field, "reason": each.reason} for each in details]
    return HttpReply(status, orjson.dumps(body), (JSON, *headers))


def _conflict(message: str) -> HttpReply:
    return _error(409, "conflict", message)


def _invalid(*details: Detail) -> HttpReply:
    first = details[0]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return _error(400, "invalid_request", f"{first.field} {first.reason}{more}", details)


_CANCEL_CONFLICTS = {
    "in_transit": "Delivery is already in transit",
    "out_for_delivery": "Delivery is already out for delivery",
    "delivered": "Delivery is already delivered",
    CANCELLED: "Delivery is already cancelled",
}


def _forbidden(message: str) -> HttpReply:
    return _error(403, "forbidden", message)


def _named(words: Sequence[str]) -> str:
    return ", ".join(words) or "do nothing"


def _cancel_refused(refusal: core.CancelRefused) -> HttpReply:
    if refusal.status is Status.FAILED:
        return _conflict("Delivery has already failed")
    return _conflict(
        _CANCEL_CONFLICTS.get(shown(refusal.milestone), "Delivery cannot be cancelled now")
    )


def _transition_refused(refusal: core.TransitionRefused) -> HttpReply:
    return _conflict(f"Delivery cannot go from {refusal.status} to {refusal.to}")


def _history_full(refusal: core.HistoryFull) -> HttpReply:
    return _conflict(f"Delivery has had {refusal.limit} events and can only go on to its end")


def _order_conflict(refusal: core.OrderConflict) -> HttpReply:
    holder = delivery_id(refusal.delivery_id)
    return _conflict(f"Order {refusal.external_ref} already has the delivery {holder}")


def _out_of_coverage(refusal: core.OutOfCoverage) -> HttpReply:
    if refusal.origin is None:
        message = "No city that is served was recognised in the pickup address"
    elif refusal.destination is None:
        message = "No city that is served was recognised in the drop-off address"
    else:
        route = f"from {refusal.origin} to {refusal.destination}"
        message = f"No tariff serves {refusal.weight_grams} g {route}"
    return _error(422, "out_of_coverage", message)


def _uncovered(message: str) -> HttpReply:
    return _error(422, "out_of_coverage", message)


def _quote_mismatch(refusal: core.QuoteMismatch) -> HttpReply:
    return _invalid(*(Detail(field, "is not what was quoted") for field in refusal.fields))


def _rate_limited(refusal: http.RateLimited) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _error(429, "rate_limited", "Too many requests", headers=[wait])


def _busy(refusal: core.Busy) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return _error(503, "unavailable", "Too much is under way; try again", headers=[wait])


def _unavailable(refusal: core.Unavailable) -> HttpReply:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    message = "The service cannot answer now; repeat the request, with the same Idempotency-Key"
    return _error(503, "unavailable", message, headers=[wait])


def _method_refused(refusal: http.MethodRefused) -> HttpReply:
    allowed = ", ".join(refusal.allowed)
    message = f"This path knows {allowed}"
    return _error(405, "method_not_allowed", message, headers=[(b"allow", allowed.encode())])


_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    core.Busy: _busy,
    core.Unavailable: _unavailable,
    core.DeliveryNotFound: lambda _: _error(404, "not_found", "No such delivery"),
    core.TransitionRefused: _transition_refused,
    core.HistoryFull: _history_full,
    core.CancelRefused: _cancel_refused,
    core.OrderConflict: _order_conflict,
    core.IdempotencyMismatch: lambda _: _conflict(
        "This Idempotency-Key was used before with another payload"
    ),
    core.QuoteNotFound: lambda _: _invalid(Detail("quoteId", "is unknown")),
    core.QuoteExpired: lambda refusal: _invalid(
        Detail("quoteId", f"has expired at {refusal.expired_at:%Y-%m-%dT%H:%M:%SZ}")
    ),
    core.QuoteUsed: lambda refusal: _conflict(
        f"The quote was used for the delivery {delivery_id(refusal.delivery_id)}"
    ),
    core.QuoteMismatch: _quote_mismatch,
    core.QuoteCompanyMismatch: lambda _: _invalid(Detail("quoteId", "is another company's")),
    core.OutOfCoverage: _out_of_coverage,
    core.NoCourierConfigured: lambda _: _uncovered("No courier is configured"),
    core.AllCouriersFailed: lambda _: _uncovered("No courier could answer; try again"),
    core.CourierUnavailable: lambda _: _error(
        500, "internal", "The courier cannot be reached now; the request may be repeated"
    ),
    core.PaymentMethodNotSupported: lambda refusal: _invalid(
        Detail("payment", f"by {refusal.method} is not taken by the courier")
    ),
    core.ScheduleInvalid: lambda refusal: _invalid(Detail(refusal.field, refusal.reason)),
    core.PaymentNotAwaited: lambda _: _conflict("No payment is awaited for the delivery"),
    core.PinRequired: lambda _: _invalid(Detail("pin", "is required")),
    core.PinWrong: lambda _: _invalid(Detail("pin", "is wrong")),
    core.PinLocked: lambda _: _invalid(Detail("pin", "is locked: wrong ones were tried too often")),
    core.ProofsMissing: lambda refusal: _invalid(
        Detail("proof", f"is missing: {', '.join(refusal.kinds)}")
    ),
    core.EndpointMissing: lambda _: _invalid(
        Detail("url", "is required: the account has no webhook address yet")
    ),
    core.ActRefused: lambda refusal: _forbidden(
        f"This API key may not do that: it may {_named(refusal.acts)}."
        f" Use a key with the scope {refusal.act}"
    ),
    core.AddressRefused: lambda refusal: _forbidden(
        f"This API key is not accepted from {refusal.address or 'an unknown address'}."
        " Ask from an address that it allows, or have this one added to it"
    ),
    core.PickupRefused: lambda _: _forbidden("This API key has pickups at other places alone"),
    core.PageMethodRefused: lambda refusal: _forbidden(
        f"This API key takes no payment by {refusal.method}"
    ),
    core.PageCashRefused: lambda refusal: _forbidden(
        f"This API key collects at most {refusal.highest} for one delivery"
    ),
    core.HourIsFull: lambda refusal: _rate_limited(http.RateLimited(refusal.retry_after)),
    core.NotHeld: lambda _: _conflict("No confirmation is awaited for the delivery"),
    http.BodyTooLarge: lambda refusal: _error(
        413, "payload_too_large", f"The body must be at most {refusal.limit} bytes long"
    ),
    http.EncodedBody: lambda _: _error(
        415,
        "unsupported_media_type",
        "The body must be sent as it is, without a Content-Encoding such as gzip",
    ),
    http.BadBody: lambda refusal: _invalid(Detail("body", refusal.reason)),
    http.BadIdempotencyKey: lambda refusal: _invalid(Detail("Idempotency-Key", refusal.reason)),
    http.RateLimited: _rate_limited,
    http.PathUnknown: lambda _: _error(404, "not_found", "Nothing is served under this path"),
    http.MethodRefused: _method_refused,
    InvalidRequest: lambda refusal: _invalid(*refusal.details),
    Unauthorized: lambda _: _error(401, "unauthorized", "Invalid API key"),
    KeyDisabled: lambda _: _forbidden("API key is disabled"),
}
"""How each refusal is written. A test checks that no refusal is missing."""

_FALLBACKS = {
    400: _invalid(Detail("request", "is not valid HTTP")),
    408: _error(408, "invalid_request", "The request did not arrive in time"),
    429: _error(429, "rate_limited", "Too many connections from this address"),
    500: _error(500, "internal", "Something went wrong on our side; the request may be repeated"),
    503: _error(503, "internal", "Too many connections; the request may be repeated"),
}

ERRORS = Errors(_WRITERS, _FALLBACKS)


def code_of(body: bytes) -> str | None:
    """Returns the code in the body of a refusal."""
    return text_in(body, "code")


def errors(_server_url: str) -> Errors:
    """Returns how Kaspi refuses, which is the same on every server."""
    return ERRORS
