"""Every refusal in Kaspi's shape: `{"code", "message"}`, and `details` for bad fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from estafette.core import errors as core
from estafette.core.deliveries.delivery import Status
from estafette.dialects.kaspi.words import CANCELLED, delivery_id, shown
from estafette.http.coded import COMMON, FALLBACKS, conflict, forbidden, invalid, later, refused
from estafette.http.errors import Errors
from estafette.http.refusals import Detail, HttpRefusal
from estafette.http.reply import HttpReply


@dataclass(unsafe_hash=True)
class Unauthorized(HttpRefusal):
    """There is no API key, there are several, or the key is not valid."""


@dataclass(unsafe_hash=True)
class KeyDisabled(HttpRefusal):
    """The API key is known and disabled."""


_CANCEL_CONFLICTS = {
    "in_transit": "Delivery is already in transit",
    "out_for_delivery": "Delivery is already out for delivery",
    "delivered": "Delivery is already delivered",
    CANCELLED: "Delivery is already cancelled",
}


def _cancel_refused(refusal: core.CancelRefused) -> HttpReply:
    if refusal.status is Status.FAILED:
        return conflict("Delivery has already failed")
    return conflict(
        _CANCEL_CONFLICTS.get(shown(refusal.milestone), "Delivery cannot be cancelled now")
    )


def _transition_refused(refusal: core.TransitionRefused) -> HttpReply:
    return conflict(f"Delivery cannot go from {refusal.status} to {refusal.to}")


def _history_full(refusal: core.HistoryFull) -> HttpReply:
    return conflict(f"Delivery has had {refusal.limit} events and can only go on to its end")


def _order_conflict(refusal: core.OrderConflict) -> HttpReply:
    holder = delivery_id(refusal.delivery_id)
    return conflict(f"Order {refusal.external_ref} already has the delivery {holder}")


def _out_of_coverage(refusal: core.OutOfCoverage) -> HttpReply:
    if refusal.origin is None:
        message = "No city that is served was recognised in the pickup address"
    elif refusal.destination is None:
        message = "No city that is served was recognised in the drop-off address"
    else:
        route = f"from {refusal.origin} to {refusal.destination}"
        message = f"No tariff serves {refusal.weight_grams} g {route}"
    return refused(422, "out_of_coverage", message)


def _uncovered(message: str) -> HttpReply:
    return refused(422, "out_of_coverage", message)


def _quote_mismatch(refusal: core.QuoteMismatch) -> HttpReply:
    return invalid(*(Detail(field, "is not what was quoted") for field in refusal.fields))


_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    **COMMON,
    core.DeliveryNotFound: lambda _: refused(404, "not_found", "No such delivery"),
    core.TransitionRefused: _transition_refused,
    core.HistoryFull: _history_full,
    core.CancelRefused: _cancel_refused,
    core.OrderConflict: _order_conflict,
    core.IdempotencyMismatch: lambda _: conflict(
        "This Idempotency-Key was used before with another payload"
    ),
    core.QuoteNotFound: lambda _: invalid(Detail("quoteId", "is unknown")),
    core.QuoteExpired: lambda refusal: invalid(
        Detail("quoteId", f"has expired at {refusal.expired_at:%Y-%m-%dT%H:%M:%SZ}")
    ),
    core.QuoteUsed: lambda refusal: conflict(
        f"The quote was used for the delivery {delivery_id(refusal.delivery_id)}"
    ),
    core.QuoteMismatch: _quote_mismatch,
    core.QuoteCompanyMismatch: lambda _: invalid(Detail("quoteId", "is another company's")),
    core.OutOfCoverage: _out_of_coverage,
    core.NoCourierConfigured: lambda _: _uncovered("No courier is configured"),
    core.AllCouriersFailed: lambda _: _uncovered("No courier could answer; try again"),
    core.CourierUnavailable: lambda _: refused(
        500, "internal", "The courier cannot be reached now; the request may be repeated"
    ),
    core.PaymentMethodNotSupported: lambda refusal: invalid(
        Detail("payment", f"by {refusal.method} is not taken by the courier")
    ),
    core.ScheduleInvalid: lambda refusal: invalid(Detail(refusal.field, refusal.reason)),
    core.LeavingExcluded: lambda refusal: invalid(
        Detail("failing.then", f"cannot be leave_at_door with {refusal.because}")
    ),
    core.PaymentNotAwaited: lambda _: conflict("No payment is awaited for the delivery"),
    core.PinRequired: lambda _: invalid(Detail("pin", "is required")),
    core.PinWrong: lambda _: invalid(Detail("pin", "is wrong")),
    core.PinLocked: lambda _: invalid(Detail("pin", "is locked: wrong ones were tried too often")),
    core.ProofsMissing: lambda refusal: invalid(
        Detail("proof", f"is missing: {', '.join(refusal.kinds)}")
    ),
    core.EndpointMissing: lambda _: invalid(
        Detail("url", "is required: the account has no webhook address yet")
    ),
    core.PickupRefused: lambda _: forbidden("This API key has pickups at other places alone"),
    core.PageMethodRefused: lambda refusal: forbidden(
        f"This API key takes no payment by {refusal.method}"
    ),
    core.PageCashRefused: lambda refusal: forbidden(
        f"This API key collects at most {refusal.highest} for one delivery"
    ),
    core.HourIsFull: lambda refusal: later(
        429, "rate_limited", "Too many requests", refusal.retry_after
    ),
    core.NotHeld: lambda _: conflict("No confirmation is awaited for the delivery"),
    Unauthorized: lambda _: refused(401, "unauthorized", "Invalid API key"),
    KeyDisabled: lambda _: forbidden("API key is disabled"),
}
"""How each refusal is written. A test checks that no refusal is missing."""

ERRORS = Errors(_WRITERS, FALLBACKS)


def errors(_server_url: str) -> Errors:
    """Returns how Kaspi refuses, which is the same on every server."""
    return ERRORS
