"""Every refusal as `{"code", "message"}`, with `details` for bad fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from estafette.core import errors as core
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.places import PlaceRefusal
from estafette.core.edition import EditedMeanwhileError
from estafette.core.fleet.refusals import (
    AssignmentNotFound,
    DriverNotFound,
    FleetRefusal,
    NotOfCompany,
)
from estafette.core.money.cash import CashRefusal, HandoverNotFound
from estafette.core.people import refusals as people
from estafette.core.people.permission import PersonAct
from estafette.core.people.person import FieldError
from estafette.core.quotes.tariff_file import TariffFileError
from estafette.http.coded import COMMON, FALLBACKS, conflict, refused
from estafette.http.errors import Errors
from estafette.http.refusals import Detail, HttpRefusal, InvalidRequest
from estafette.http.reply import HttpReply
from estafette.usecases.accounts.administration import (
    AccountNotFoundError,
    AccountRefusedError,
    AccountUnfitError,
)
from estafette.usecases.couriers.carriers import CarriersRefusedError
from estafette.usecases.couriers.companies import (
    CompanyNotFoundError,
    CompanyRefusedError,
    CompanyTakenError,
)
from estafette.usecases.couriers.links import LinkRefusedError
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.troubles import NotDisputedError
from estafette.usecases.money.settle import PaymentRefusedError
from estafette.usecases.quotes.tariffs import MarketNotFoundError


@dataclass(unsafe_hash=True)
class Unauthorized(HttpRefusal):
    """There is no key, there are several, or the key is not valid."""


@dataclass(unsafe_hash=True)
class Forbidden(HttpRefusal):
    """The key is disabled, not allowed from there, or may not do this; `reason` says which."""

    reason: str


@dataclass(unsafe_hash=True)
class NotThere(HttpRefusal):
    """There is no such thing."""

    what: str


@dataclass(unsafe_hash=True)
class Conflict(HttpRefusal):
    """The present state does not allow it. `code` is for programs, `reason` for people."""

    code: str
    reason: str


@dataclass(unsafe_hash=True)
class Edited(HttpRefusal):
    """Somebody else has changed it since; `now` is its present edition."""

    now: str


@dataclass(unsafe_hash=True)
class EditionRequired(HttpRefusal):
    """The request replaces the whole and does not name the edition that it replaces."""


def understood(error: Exception) -> HttpRefusal | None:
    """Returns the refusal of this API for an error of a use case; None if the error is a fault."""
    for kinds, what in _NOT_THERE:
        if isinstance(error, kinds):
            return NotThere(what)
    if isinstance(error, EditedMeanwhileError):
        return Edited(error.now)
    if isinstance(error, FieldError):
        return InvalidRequest((Detail(error.field, f"is refused: {error.reason}"),))
    if isinstance(error, CompanyTakenError):
        return Conflict("refused", _sentence(str(error)))
    if isinstance(error, AccountUnfitError | CompanyRefusedError):
        return InvalidRequest((Detail(error.field, f"is refused: {error}"),))
    if isinstance(error, TariffFileError):
        told = tuple(Detail(f"line {each.line}", str(each.reason)) for each in error.problems)
        return InvalidRequest(told or (Detail("body", str(error)),))
    if isinstance(error, CursorUnknownError):
        return InvalidRequest((Detail("cursor", "was not given out by this list"),))
    if isinstance(error, NotDisputedError):
        return Conflict("not_disputed", "Nothing about this delivery is in dispute")
    if isinstance(error, _REFUSED):
        return Conflict("refused", _sentence(str(error)))
    if isinstance(error, PlaceRefusal):
        return Conflict(f"place_{error.code}", _sentence(str(error)))
    if isinstance(error, CashRefusal | FleetRefusal):
        return Conflict(error.code, _sentence(str(error)))
    return None


_NOT_THERE: tuple[tuple[type[Exception], str], ...] = (
    (AccountNotFoundError, "account"),
    (CompanyNotFoundError, "courier company"),
    (MarketNotFoundError, "market"),
    (people.PersonNotFound, "person"),
    (people.OrganisationNotFound, "organisation"),
    (people.NotFound, "invitation"),
    (HandoverNotFound, "handover"),
    (DriverNotFound, "driver"),
    (AssignmentNotFound, "assignment"),
    (NotOfCompany, "delivery of this company"),
)
_REFUSED = (
    AccountRefusedError,
    CompanyRefusedError,
    LinkRefusedError,
    PaymentRefusedError,
    CarriersRefusedError,
    people.PeopleRefusal,
)


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _payment_not_awaited(refusal: core.PaymentNotAwaited) -> HttpReply:
    if refusal.status is Status.AWAITING_PAYMENT:
        return conflict("The delivery is held for a confirmation, not for a payment")
    return conflict(f"No payment is awaited for the delivery: it is {refusal.status}")


_NEVER_ASKED = "Nothing of this API can be refused so"
"""The message for refusals of merchants' APIs, which this API should never meet."""

_ALL: dict[type[Exception], Callable[[Any], HttpReply]] = {
    kind: lambda _: conflict(_NEVER_ASKED)
    for kind in vars(core).values()
    if isinstance(kind, type) and issubclass(kind, core.Refusal)
}

_WRITERS: dict[type[Exception], Callable[[Any], HttpReply]] = {
    **_ALL,
    **COMMON,
    core.DeliveryNotFound: lambda _: refused(404, "not_found", "There is no such delivery"),
    core.TransitionRefused: lambda refusal: conflict(
        f"A delivery that is {refusal.status} cannot become {refusal.to}"
    ),
    core.HistoryFull: lambda refusal: conflict(
        f"The delivery has had {refusal.limit} events and can only go on to its end"
    ),
    core.PaymentNotAwaited: _payment_not_awaited,
    core.IdempotencyMismatch: lambda _: refused(
        409, "idempotency_mismatch", "This Idempotency-Key was used for another request"
    ),
    Unauthorized: lambda _: refused(
        401,
        "unauthorized",
        "Send a key of the operator as Authorization: Bearer",
        headers=[(b"www-authenticate", b"Bearer")],
    ),
    Forbidden: lambda refusal: refused(403, "forbidden", refusal.reason),
    NotThere: lambda refusal: refused(404, "not_found", f"There is no such {refusal.what}"),
    Conflict: lambda refusal: refused(409, refusal.code, refusal.reason),
    Edited: lambda refusal: refused(
        412,
        "edited_meanwhile",
        "Somebody else has changed it; look at it and send it again with its new ETag",
        headers=[(b"etag", f'"{refusal.now}"'.encode())],
    ),
    EditionRequired: lambda _: refused(
        428, "edition_required", "Send If-Match with the ETag of what you replace"
    ),
}
"""How each refusal is written. A test checks that no refusal is missing."""

ERRORS = Errors(_WRITERS, FALLBACKS)


def not_among(act: PersonAct) -> Forbidden:
    """Returns the refusal of a key that may not do an act."""
    return Forbidden(f"This key may not do that: it needs the scope {act}")


def errors(_server_url: str) -> Errors:
    """Returns how this API refuses, which is the same on every server."""
    return ERRORS
