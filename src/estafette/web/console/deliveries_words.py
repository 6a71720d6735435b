"""What the pages of deliveries call things: fields of orders, faults, refusals."""

import re
from collections.abc import Mapping
from typing import Final

from estafette.core.deliveries.order_form import OrderField
from estafette.core.errors import (
    AllCouriersFailed,
    Busy,
    CancelRefused,
    CourierUnavailable,
    HistoryFull,
    IdempotencyMismatch,
    NoCourierConfigured,
    NotHeld,
    OrderConflict,
    OutOfCoverage,
    PaymentMethodNotSupported,
    PinLocked,
    PinRequired,
    PinWrong,
    QuoteCompanyMismatch,
    QuoteExpired,
    QuoteMismatch,
    QuoteNotFound,
    QuoteUsed,
    Refusal,
    ScheduleInvalid,
    TransitionRefused,
    Unavailable,
)
from estafette.core.money.payment import PaymentMethod
from estafette.http.texts import N_, gettext

FIELDS: Final[Mapping[OrderField, str]] = {
    OrderField.ORDER: N_("Order number"),
    OrderField.PICKUP_ADDRESS: N_("Pickup address"),
    OrderField.PICKUP_CITY: N_("Pickup city"),
    OrderField.PICKUP_PROVINCE: N_("Pickup province"),
    OrderField.PICKUP_NAME: N_("Sender"),
    OrderField.PICKUP_PHONE: N_("Sender's phone"),
    OrderField.PICKUP_NOTES: N_("Notes for the pickup"),
    OrderField.ADDRESS: N_("Address"),
    OrderField.CITY: N_("City"),
    OrderField.PROVINCE: N_("Province"),
    OrderField.NAME: N_("Recipient"),
    OrderField.PHONE: N_("Recipient's phone"),
    OrderField.NOTES: N_("Notes for the courier"),
    OrderField.DESCRIPTION: N_("What is in the parcel"),
    OrderField.WEIGHT: N_("Weight, kg"),
    OrderField.VALUE: N_("Declared value"),
    OrderField.PAYMENT: N_("Payment"),
    OrderField.COD: N_("Cash to collect"),
    OrderField.PICKUP_AT: N_("Pick up at"),
    OrderField.DELIVERY_AT: N_("Deliver by"),
    OrderField.SCENARIO: N_("What shall happen"),
}
"""What fields are called. The template of a file has the names of `OrderField` besides."""

METHODS: Final[Mapping[PaymentMethod, str]] = {
    PaymentMethod.PREPAID: N_("Prepaid"),
    PaymentMethod.BANK_TRANSFER: N_("Bank transfer"),
    PaymentMethod.COD: N_("Cash on delivery"),
}

_REASONS: Final = (
    (r"is required(?: with payment_method cod)?", N_("is required")),
    (r"must not be empty", N_("must not be empty")),
    (r"must be a string", N_("must be a text")),
    (r"must be an? (?:integer|number)", N_("must be a number")),
    (r"must be a whole number", N_("must be a whole number")),
    (r"must have at most three decimals", N_("must have at most three decimals")),
    (r"must be at most (?P<most>\S+) characters long", N_("must be at most %(most)s characters")),
    (r"must be at most (?P<most>\S+)(?: bytes long)?", N_("must be at most %(most)s")),
    (r"must be at least (?P<least>\S+)", N_("must be at least %(least)s")),
    (
        r"must be a phone number, such as (?P<example>.+)",
        N_("must be a phone number, such as %(example)s"),
    ),
    (r"must be one of (?P<known>.+)", N_("must be one of %(known)s")),
    (
        r"must name a known scenario.*known are (?P<known>.+)",
        N_("must be one of %(known)s"),
    ),
    (
        r"must be a date and time, such as (?P<example>.+)",
        N_("must be a date and time, such as %(example)s"),
    ),
    (r"must be in the future", N_("must be in the future")),
    (r"must be within (?P<days>\d+) days", N_("must be within %(days)s days")),
    (
        r"must be at least (?P<minutes>\d+) minutes after the pickup",
        N_("must be at least %(minutes)s minutes after the pickup"),
    ),
    (
        r"is accepted with payment_method cod alone",
        N_("is for cash on delivery alone: choose that as the payment"),
    ),
    (r"is the same order as line (?P<line>\d+)", N_("The same order stands in line %(line)s.")),
    (
        r"has no courier company that carries it",
        N_("No courier company carries this parcel on this route."),
    ),
    (r"was refused: (?P<code>\w+)", N_("It could not be created (%(code)s).")),
)
"""The reasons that schemas and imports give, and how pages say them."""

_KNOWN = [(re.compile(pattern, re.DOTALL), text) for pattern, text in sorted(
    _REASONS, key=lambda one: -len(one[0])
)]  # fmt: skip


def reason(written: str) -> str:
    """Returns why a field is refused in the reader's language, as it is where that is not known."""
    for pattern, text in _KNOWN:
        if found := pattern.fullmatch(written):
            return gettext(text, **found.groupdict())
    return written


def fault(field: str, written: str) -> str:
    """Returns what is wrong with a field, as a sentence that needs no heading."""
    name = FIELDS.get(OrderField(field)) if field in set(OrderField) else None
    said = reason(written)
    return said if name is None else f"{gettext(name)}: {said}"


_REFUSED: Final[Mapping[type[Refusal], str]] = {
    OutOfCoverage: N_("No price list serves this route and weight."),
    NoCourierConfigured: N_("The account has no courier company."),
    AllCouriersFailed: N_("No courier company could answer. Try again in a moment."),
    CourierUnavailable: N_("The courier company cannot be reached now. Try again in a moment."),
    QuoteNotFound: N_("The quote is not known any more. Choose one anew."),
    QuoteExpired: N_("The quote has expired. Choose one anew."),
    QuoteMismatch: N_("The order was changed after it was quoted. Choose a quote anew."),
    QuoteCompanyMismatch: N_("The quote is another company's. Choose one anew."),
    IdempotencyMismatch: N_("This form was sent before with other content."),
    CancelRefused: N_("It has gone too far to be cancelled."),
    TransitionRefused: N_("It cannot go there from where it is."),
    HistoryFull: N_("It has had too many events and can only go on to its end."),
    NotHeld: N_("No confirmation is awaited for it."),
    PinRequired: N_("The recipient's PIN is needed."),
    PinWrong: N_("The PIN is wrong."),
    PinLocked: N_("The PIN is locked: wrong ones were tried too often."),
    Busy: N_("Too much is under way. Try again in a moment."),
    Unavailable: N_("The data cannot be reached now. Try again in a moment."),
}


def refused(refusal: Refusal) -> str:
    """Returns why something was refused by the state of things."""
    match refusal:
        case OrderConflict():
            return gettext(
                "The order %(order)s already has a delivery.", order=refusal.external_ref
            )
        case QuoteUsed():
            return gettext("A delivery was created from this quote already.")
        case PaymentMethodNotSupported():
            return gettext(
                "%(company)s does not take this payment.", company=refusal.company_name or "–"
            )
        case ScheduleInvalid():
            return reason(refusal.reason)
        case _:
            text = _REFUSED.get(type(refusal))
            return gettext("It was refused.") if text is None else gettext(text)
