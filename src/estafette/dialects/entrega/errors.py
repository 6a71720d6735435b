"""Every refusal in Entrega's shape: problem details (RFC 9457), some with `error` or `errors`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from estafette.core import errors as core
from estafette.core.money.payment import PaymentMethod
from estafette.dialects.entrega.words import (
    CANCELLABLE,
    PROBLEMS,
    delivery_id,
    payment_method,
    shown,
)
from estafette.http import refusals as http
from estafette.http.errors import Errors, text_in
from estafette.http.moments import timestamp
from estafette.http.refusals import Detail, HttpRefusal
from estafette.http.reply import Header, HttpReply

PROBLEM: Header = (b"content-type", b"application/problem+json")


class Kind(NamedTuple):
    """A kind of problem: the end of its `type`, its title."""

    slug: str
    title: str


KINDS: dict[int, Kind] = {
    400: Kind("bad_request", "Bad Request"),
    401: Kind("unauthorized", "Unauthorized"),
    403: Kind("forbidden", "Forbidden"),
    404: Kind("not_found", "Not Found"),
    405: Kind("method_not_allowed", "Method Not Allowed"),
    408: Kind("request_timeout", "Request Timeout"),
    409: Kind("conflict", "Conflict"),
    413: Kind("payload_too_large", "Payload Too Large"),
    415: Kind("unsupported_media_type", "Unsupported Media Type"),
    422: Kind("unprocessable_entity", "Validation Error"),
    429: Kind("too_many_requests", "Too Many Requests"),
    500: Kind("internal_server_error", "Internal Server Error"),
    502: Kind("bad_gateway", "Bad Gateway"),
    503: Kind("service_unavailable", "Service Unavailable"),
}
"""The kinds of problems by HTTP status; each has a page, see problem_pages.py."""

CODES = (
    "quote_id_required",
    "courier_fee_aoa_not_accepted",
    "quote_not_found",
    "quote_expired",
    "quote_company_mismatch",
    "quote_payload_mismatch",
    "quote_already_used",
    "cash_collect_aoa_required",
    "payment_method_not_supported",
    "scheduled_window_invalid",
    "pickup_not_allowed",
    "payment_method_not_allowed",
    "cash_collect_aoa_too_high",
)
"""The codes that `error` may have, all of them with status 422."""


@dataclass(unsafe_hash=True)
class InvalidBody(HttpRefusal):
    """Some fields of the body are wrong; all are listed. `code` is that of the gravest fault."""

    details: tuple[Detail, ...]
    code: str | None = None


@dataclass(unsafe_hash=True)
class InvalidQuery(HttpRefusal):
    """Some parameters of the query string are wrong; all are listed."""

    details: tuple[Detail, ...]


@dataclass(unsafe_hash=True)
class Unauthorized(HttpRefusal):
    """There is no API key, there are several, or the key is not valid."""


@dataclass(unsafe_hash=True)
class WrongKind(HttpRefusal):
    """A secret key on the widget API, or a publishable one on the merchant API."""

    needed: str


@dataclass(unsafe_hash=True)
class UntrustedOrigin(HttpRefusal):
    """The account does not trust the origin of the page that asks."""


class Problem(NamedTuple):
    """The content of a problem, from which its answer is written."""

    status: int
    detail: str
    error: str | None = None
    errors: Sequence[dict[str, str]] = ()
    headers: Sequence[Header] = ()


def _fields(details: Sequence[Detail]) -> list[dict[str, str]]:
    return [{"field": each.field, "reason": each.reason} for each in details]


def _invalid_body(refusal: InvalidBody) -> Problem:
    first, *more = refusal.details
    others = f" (and {len(more)} more)" if more else ""
    detail = f"{first.field} {first.reason}{others}"
    return Problem(422, detail, refusal.code, _fields(refusal.details))


def _invalid_query(refusal: InvalidQuery) -> Problem:
    errors = [{"param": each.field, "reason": each.reason} for each in refusal.details]
    return Problem(422, "One or more query params are invalid", errors=errors)


def _cancel_refused(refusal: core.CancelRefused) -> Problem:
    known = ", ".join(CANCELLABLE)
    detail = (
        f"The delivery is {shown(refusal.status)}; it can be cancelled while it is one of {known}"
    )
    return Problem(409, detail)


def _transition_refused(refusal: core.TransitionRefused) -> Problem:
    detail = f"The delivery cannot go from {shown(refusal.status)} to {shown(refusal.to)}"
    return Problem(409, detail)


def _history_full(refusal: core.HistoryFull) -> Problem:
    detail = f"The delivery has had {refusal.limit} events and can only go on to its end"
    return Problem(409, detail)


def _order_conflict(refusal: core.OrderConflict) -> Problem:
    holder = delivery_id(refusal.delivery_id)
    return Problem(409, f"{refusal.external_ref} already has the delivery {holder}")


def _quote_expired(refusal: core.QuoteExpired) -> Problem:
    detail = f"The quote has expired at {timestamp(refusal.expired_at)}; ask for a new one"
    return Problem(422, detail, "quote_expired")


def _quote_used(refusal: core.QuoteUsed) -> Problem:
    used = delivery_id(refusal.delivery_id)
    return Problem(422, f"The quote was used for the delivery {used}", "quote_already_used")


def _quote_mismatch(refusal: core.QuoteMismatch) -> Problem:
    details = [Detail(field, "is not what was quoted") for field in refusal.fields]
    detail = f"{', '.join(refusal.fields)} must be sent exactly as quoted"
    return Problem(422, detail, "quote_payload_mismatch", _fields(details))


def _company_mismatch(refusal: core.QuoteCompanyMismatch) -> Problem:
    detail = f"The quote is of the company {refusal.company_id}, not of {refusal.named}"
    errors = _fields([Detail("company_id", "is not the quote's company")])
    return Problem(422, detail, "quote_company_mismatch", errors)


def _method_not_supported(refusal: core.PaymentMethodNotSupported) -> Problem:
    company = refusal.company_name or "The courier company"
    what = (
        "bank transfers"
        if refusal.method is PaymentMethod.BANK_TRANSFER
        else payment_method(refusal.method)
    )
    errors = _fields([Detail("payment_method", "is not supported by this courier company")])
    return Problem(422, f"{company} does not take {what}", "payment_method_not_supported", errors)


def _schedule_invalid(refusal: core.ScheduleInvalid) -> Problem:
    field = f"scheduled_{refusal.field}_at"
    errors = _fields([Detail(field, refusal.reason)])
    return Problem(422, f"{field} {refusal.reason}", "scheduled_window_invalid", errors)


def _leaving_excluded(refusal: core.LeavingExcluded) -> Problem:
    reason = f"cannot be leave_at_door with {refusal.because}"
    errors = _fields([Detail("options.failing.then", reason)])
    return Problem(422, f"options.failing.then {reason}", errors=errors)


def _out_of_coverage(refusal: core.OutOfCoverage) -> Problem:
    return Problem(422, f"Nobody carries {refusal.weight_grams} g on this route")


def _pin_wrong(refusal: core.PinWrong) -> Problem:
    return Problem(422, f"The PIN is wrong; {refusal.tries_left} tries are left")


def _act_refused(refusal: core.ActRefused) -> Problem:
    known = ", ".join(refusal.acts) or "do nothing"
    detail = f"This API key may not do that: it may {known}. Use a key with the scope {refusal.act}"
    return Problem(403, detail)


def _address_refused(refusal: core.AddressRefused) -> Problem:
    where = refusal.address or "an unknown address"
    detail = f"This API key is not accepted from {where}. Ask from an address that it allows"
    return Problem(403, f"{detail}, or have this one added to it")


def _pickup_refused(_: core.PickupRefused) -> Problem:
    errors = _fields([Detail("origin", "is not a pickup place of this key")])
    detail = "Pages with this key have parcels picked up at its pickup places alone"
    return Problem(422, detail, "pickup_not_allowed", errors)


def _page_method_refused(refusal: core.PageMethodRefused) -> Problem:
    known = ", ".join(map(payment_method, refusal.methods))
    errors = _fields([Detail("payment_method", f"must be one of {known} with this key")])
    detail = f"Pages with this key are paid by {known} alone"
    return Problem(422, detail, "payment_method_not_allowed", errors)


def _page_cash_refused(refusal: core.PageCashRefused) -> Problem:
    reason = f"must be at most {refusal.highest} with this key"
    errors = _fields([Detail("cash_collect_aoa", reason)])
    return Problem(422, f"cash_collect_aoa {reason}", "cash_collect_aoa_too_high", errors)


def _hour_is_full(refusal: core.HourIsFull) -> Problem:
    whose = "from this address with this key" if refusal.of_address else "with this key"
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return Problem(
        429, f"No more deliveries can be created {whose} now; retry later", headers=[wait]
    )


def _rate_limited(refusal: http.RateLimited) -> Problem:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return Problem(429, "Too many requests; retry with backoff", headers=[wait])


def _busy(refusal: core.Busy) -> Problem:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    return Problem(503, "Too much is under way; retry", headers=[wait])


def _unavailable(refusal: core.Unavailable) -> Problem:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    detail = "The service cannot answer now; retry, with the same Idempotency-Key"
    return Problem(503, detail, headers=[wait])


def _method_refused(refusal: http.MethodRefused) -> Problem:
    allowed = ", ".join(refusal.allowed)
    return Problem(405, f"This path knows {allowed}", headers=[(b"allow", allowed.encode())])


def _bad_field(name: str, refusal: http.BadBody | http.BadIdempotencyKey) -> Problem:
    return Problem(400, f"{name} {refusal.reason}")


_UNAUTHORIZED = Problem(
    401, "Missing or invalid API key", headers=[(b"www-authenticate", b"Bearer")]
)
_RETRY = [(b"retry-after", b"5")]

_WRITERS: dict[type[Exception], Callable[[Any], Problem]] = {
    core.Busy: _busy,
    core.Unavailable: _unavailable,
    core.DeliveryNotFound: lambda _: Problem(404, "No such delivery"),
    core.TransitionRefused: _transition_refused,
    core.HistoryFull: _history_full,
    core.CancelRefused: _cancel_refused,
    core.OrderConflict: _order_conflict,
    core.IdempotencyMismatch: lambda _: Problem(
        409, "This Idempotency-Key was used before with another payload"
    ),
    core.QuoteNotFound: lambda _: Problem(422, "There is no such quote", "quote_not_found"),
    core.QuoteExpired: _quote_expired,
    core.QuoteUsed: _quote_used,
    core.QuoteMismatch: _quote_mismatch,
    core.QuoteCompanyMismatch: _company_mismatch,
    core.PaymentMethodNotSupported: _method_not_supported,
    core.ScheduleInvalid: _schedule_invalid,
    core.LeavingExcluded: _leaving_excluded,
    core.NoCourierConfigured: lambda _: Problem(
        503, "No courier company is configured for this account", headers=_RETRY
    ),
    core.AllCouriersFailed: lambda _: Problem(
        502, "Every courier company failed to answer; retry", headers=_RETRY
    ),
    core.CourierUnavailable: lambda _: Problem(
        503, "The courier company cannot be reached now; retry", headers=_RETRY
    ),
    core.PaymentNotAwaited: lambda refusal: Problem(
        409, f"The delivery is {shown(refusal.status)}: no payment is awaited"
    ),
    core.PinRequired: lambda _: Problem(422, "The recipient's PIN is required"),
    core.PinWrong: _pin_wrong,
    core.PinLocked: lambda _: Problem(422, "Too many wrong PINs; the operator can unlock it"),
    core.ProofsMissing: lambda refusal: Problem(422, f"Missing proof: {', '.join(refusal.kinds)}"),
    core.OutOfCoverage: _out_of_coverage,
    core.EndpointMissing: lambda _: Problem(422, "The account has no webhook address yet"),
    core.ActRefused: _act_refused,
    core.AddressRefused: _address_refused,
    core.PickupRefused: _pickup_refused,
    core.PageMethodRefused: _page_method_refused,
    core.PageCashRefused: _page_cash_refused,
    core.HourIsFull: _hour_is_full,
    core.NotHeld: lambda refusal: Problem(
        409, f"The delivery is {shown(refusal.status)}: it waits for no confirmation"
    ),
    http.BodyTooLarge: lambda refusal: Problem(
        413, f"The body must be at most {refusal.limit} bytes long"
    ),
    http.EncodedBody: lambda _: Problem(
        415, "The body must be sent as it is, without a Content-Encoding such as gzip"
    ),
    http.BadBody: lambda refusal: _bad_field("The body", refusal),
    http.BadIdempotencyKey: lambda refusal: _bad_field("Idempotency-Key", refusal),
    http.InvalidRequest: lambda refusal: _invalid_body(InvalidBody(refusal.details)),
    http.RateLimited: _rate_limited,
    http.PathUnknown: lambda _: Problem(404, "Nothing is served under this path"),
    http.MethodRefused: _method_refused,
    InvalidBody: _invalid_body,
    InvalidQuery: _invalid_query,
    Unauthorized: lambda _: _UNAUTHORIZED,
    WrongKind: lambda refusal: Problem(403, f"This endpoint needs a {refusal.needed} key"),
    UntrustedOrigin: lambda _: Problem(403, "The account does not trust this origin"),
}
"""How each refusal becomes a problem. A test checks that no refusal is missing."""

_FALLBACKS = {
    400: Problem(400, "The request is not valid HTTP"),
    408: Problem(408, "The request did not arrive in time"),
    429: Problem(429, "Too many connections from this address"),
    500: Problem(500, "Something went wrong on our side; the request may be repeated"),
    503: Problem(503, "Too many connections; retry with backoff"),
}


def errors(server_url: str) -> Errors:
    """Returns how Entrega refuses: each problem's `type` leads to a page of the server.

    `server_url` is the public address of the server, without a slash at the end.
    """
    base = server_url + PROBLEMS

    def writer(tell: Callable[[Any], Problem]) -> Callable[[Any], HttpReply]:
        return lambda refusal: _written(base, tell(refusal))

    return Errors(
        {kind: writer(tell) for kind, tell in _WRITERS.items()},
        {status: _written(base, problem) for status, problem in _FALLBACKS.items()},
    )


def code_of(body: bytes) -> str | None:
    """Returns the code of a problem: its `error`, else the end of its `type`."""
    text = text_in(body, "error", "type")
    return None if text is None else text.rpartition("/")[2]


def _written(base: str, problem: Problem) -> HttpReply:
    kind = KINDS[problem.status]
    body: dict[str, Any] = {
        "type": f"{base}/{kind.slug}",
        "title": kind.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.error:
        body["error"] = problem.error
    if problem.errors:
        body["errors"] = problem.errors
    return HttpReply(problem.status, orjson.dumps(body), (PROBLEM, *problem.headers))
