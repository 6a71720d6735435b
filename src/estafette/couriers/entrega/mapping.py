"""Between the core's words and Entrega's, as its client uses them. Pure: nothing waits or reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from estafette.core.couriers.company import Offer, QuoteRequest
from estafette.core.couriers.upstream import UpstreamStep
from estafette.core.deliveries.delivery import Delivery, Parcel, Stop
from estafette.core.money.payment import PaymentMethod
from estafette.core.quotes.place import City
from estafette.couriers.entrega.schemas import (
    OUR_ID,
    UpstreamDelivery,
    UpstreamEvent,
    UpstreamQuote,
)
from estafette.http.moments import timestamp
from estafette.usecases.couriers.dispatch import Placement

BOUND = ("origin", "destination", "parcel")
"""What a quote binds, there as here."""


def quote_body(wanted: QuoteRequest) -> dict[str, Any]:
    """The body of `POST /quotes`: what the price depends on and the quote binds, and nobody's name.

    Every company that fits is asked; whom to call is told to the one that carries.
    """
    return {
        "origin": _address(wanted.origin, wanted.origin_city),
        "destination": _address(wanted.destination, wanted.destination_city),
        "parcel": _parcel(wanted.parcel),
    }


def _address(stop: Stop, known: City | None) -> dict[str, Any]:
    city = stop.city or (known.name if known else None) or stop.address
    shown: dict[str, Any] = {
        "address_line": stop.address,
        "city": city,
        "province": stop.province or city,
    }
    if stop.latitude is not None and stop.longitude is not None:
        shown["coordinates"] = {"lat": stop.latitude, "lng": stop.longitude}
    return shown


def _parcel(parcel: Parcel) -> dict[str, Any]:
    shown: dict[str, Any] = {"weight_grams": parcel.weight_grams}
    if parcel.description is not None:
        shown["description"] = parcel.description
    if parcel.declared_value is not None:
        shown["declared_value_aoa"] = parcel.declared_value
    return shown


def cheapest(quotes: Sequence[UpstreamQuote], now: datetime) -> UpstreamQuote | None:
    """Returns the quote to take of those that still bind; None when there is none."""
    binding = [each for each in quotes if each.valid_until > now]
    return min(binding, key=lambda each: (each.fee_aoa, each.eta_minutes), default=None)


def offer(quote: UpstreamQuote, body: Mapping[str, Any]) -> Offer:
    """Returns a quote as the company's offer; `body` is what it was asked with."""
    eta = timedelta(minutes=quote.eta_minutes)
    return Offer(
        fee=quote.fee_aoa,
        pickup_within=eta / 3,  # the contract tells the whole alone
        delivery_within=eta - eta / 3,
        require_pin=quote.require_delivery_pin,
        expires_at=quote.valid_until,
        upstream={"quote_id": quote.quote_id, **body},
    )


def route(delivery: Delivery, upstream: Mapping[str, Any]) -> dict[str, Any]:
    """What the quote of an offer binds, out of what `offer` kept, and whom to call at either end.

    It is what a delivery is placed with, and what it is quoted anew with where a platform binds
    contacts too.
    """
    bound: dict[str, Any] = {name: upstream[name] for name in BOUND}
    for name, stop in (("origin", delivery.pickup), ("destination", delivery.dropoff)):
        if contact := _contact(stop):  # an offer of an older version has it already
            bound[name] = {"contact": contact, **bound[name]}
    return bound


def _contact(stop: Stop) -> dict[str, str]:
    contact = {"name": stop.name, "phone": stop.phone_e164 or stop.phone}
    return {name: value for name, value in contact.items() if value is not None}


def create_body(delivery: Delivery, upstream: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Returns the body of `POST /deliveries` for a delivery of ours, out of what `offer` kept.

    The platform is paid by us, or by the cash that its courier collects. Times that have passed
    while it could not be reached are left out.
    """
    body: dict[str, Any] = {"quote_id": upstream["quote_id"], **route(delivery, upstream)}
    body["payment_method"] = "prepaid"
    if delivery.payment.method is PaymentMethod.COD:
        body["payment_method"] = "cod"
        body["cash_collect_aoa"] = delivery.payment.cash_collect
    times = {
        "scheduled_pickup_at": delivery.scheduled_pickup_at,
        "scheduled_delivery_at": delivery.scheduled_delivery_at,
    }
    body |= {name: timestamp(at) for name, at in times.items() if at is not None and at > now}
    body["options"] = {"metadata": {OUR_ID: str(delivery.id)}}
    return body


def placement(found: UpstreamDelivery) -> Placement:
    """Returns how a platform has taken a delivery."""
    return Placement(found.id, found.delivery_pin, found.courier_fee_aoa)


def step(event: UpstreamEvent) -> UpstreamStep:
    """Returns an event there as a step of the delivery here, with the note if it is a courier's.

    What a platform, its operator or another merchant noted is not for whom reads it here.
    """
    is_courier = event.source is None or event.source in _NOTED_BY
    return UpstreamStep(event.id, event.payload.status, event.payload.note if is_courier else None)


_NOTED_BY = frozenset({"courier", "driver"})
