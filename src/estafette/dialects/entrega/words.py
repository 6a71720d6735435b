"""Entrega's own words: statuses, types of events, actors, payment methods, ids.

Every value of the core is mapped. A new value in the core fails the type check here until it is
decided how Entrega shows it. It never changes by itself what is published.
"""

import re
from collections.abc import Iterable
from typing import Literal, assert_never, get_args
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.money.payment import PaymentMethod

EntregaStatus = Literal[
    "awaiting_payment",
    "pending",
    "assigned",
    "pickup_ready",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "cancelled",
    "failed",
    "stalled",
]
STATUSES: tuple[EntregaStatus, ...] = get_args(EntregaStatus)
"""Entrega's statuses, in the order of the contract."""

PROBLEMS = "/errors"
"""The path of the pages to which the `type` of a problem leads, on every server."""

CREATED = "delivery.created"
"""The first event of every delivery, whichever status it begins with."""

CANCELLABLE: tuple[EntregaStatus, ...] = ("awaiting_payment", "pending", "assigned")
"""The statuses in which a merchant may cancel."""

Source = Literal["system", "merchant", "courier", "driver", "operator"]

EntregaPayment = Literal["prepaid", "bank_transfer", "cod"]


def _word(status: Status) -> EntregaStatus:
    match status:
        case Status.AWAITING_PAYMENT:
            return "awaiting_payment"
        case Status.PENDING:
            return "pending"
        case Status.ASSIGNED:
            return "assigned"
        case Status.PICKUP_READY:
            return "pickup_ready"
        case Status.IN_TRANSIT:
            return "in_transit"
        case Status.OUT_FOR_DELIVERY:
            return "out_for_delivery"
        case Status.DELIVERED:
            return "delivered"
        case Status.CANCELLED:
            return "cancelled"
        case Status.FAILED:
            return "failed"
        case Status.STALLED:
            return "stalled"
        case _:
            assert_never(status)


_SHOWN: dict[Status, EntregaStatus] = {
    status: _word(status) for status in Status
}  # a lookup costs a fifth of a `match`


def shown(status: Status) -> EntregaStatus:
    """Returns the status as Entrega calls it."""
    return _SHOWN[status]


def statuses_of(words: Iterable[str]) -> tuple[Status, ...]:
    """Returns the statuses of the core that are shown as one of these words."""
    return tuple(status for word in dict.fromkeys(words) for status in _STATUSES_OF.get(word, ()))


_STATUSES_OF = {
    word: tuple(status for status in Status if shown(status) == word) for word in STATUSES
}


def source(actor: Actor) -> Source:
    """Returns who made an event happen, as Entrega calls them."""
    match actor:
        case Actor.SYSTEM:
            return "system"
        case Actor.MERCHANT:
            return "merchant"
        case Actor.COURIER:
            return "courier"
        case Actor.DRIVER:
            return "driver"
        case Actor.OPERATOR:
            return "operator"
        case _:
            assert_never(actor)


def payment_method(method: PaymentMethod) -> EntregaPayment:
    """Returns how a delivery is paid, as Entrega calls it."""
    match method:
        case PaymentMethod.PREPAID:
            return "prepaid"
        case PaymentMethod.BANK_TRANSFER:
            return "bank_transfer"
        case PaymentMethod.COD:
            return "cod"
        case _:
            assert_never(method)


PAYMENT_METHODS = {payment_method(method): method for method in PaymentMethod}
"""The core's payment methods by Entrega's words."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def parse_id(text: str) -> UUID | None:
    """Returns the id that a text holds, else None; an id has 36 characters, in either case."""
    return UUID(text) if _UUID.fullmatch(text) else None


def delivery_id(id: UUID) -> str:
    """Returns a delivery's id as Entrega shows it."""
    return str(id)


def event_id(id: UUID) -> str:
    """Returns an event's id, in the timeline and in webhooks alike."""
    return f"evt_{id}"


def id_on_webhook(id: UUID, ordinal: int, *, is_test: bool) -> str:
    """Returns the same id for a webhook, since each event is announced once."""
    return event_id(id)


def event_type(seq: int, status: Status) -> str:
    """Returns the type of the event with this number in its delivery."""
    return CREATED if seq == 1 else type_of(status)


def type_of(status: Status) -> str:
    """Returns the type of an event that leads to a status and is not its delivery's first."""
    return f"delivery.{shown(status)}"
