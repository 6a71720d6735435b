"""Translates between the core's words and Kaspi's. Pure: no I/O and no clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from estafette.core.deliveries import failing, personal_data
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.event import Event
from estafette.core.proofs.demand import NOTHING, Demand, as_words
from estafette.core.proofs.proof import Proof
from estafette.core.quotes.quote import Quote
from estafette.dialects.kaspi.words import (
    KaspiStatus,
    delivery_id,
    passed,
    quote_id,
    shown,
)
from estafette.http.moments import timestamp
from estafette.http.phones import e164

if TYPE_CHECKING:  # a command writes answers and reads no requests
    from estafette.dialects.kaspi.schemas import (
        DeliveryRequest,
        Location,
        ParcelRequest,
        QuoteParcel,
        QuoteRequest,
        QuoteStop,
    )


class KaspiDialect:
    """The rules of Kaspi that the core asks for."""

    name = "kaspi"
    names_company = False

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        """Returns the webhook types of a move: one for each status that Kaspi shows on the way."""
        seen = None if before is None else shown(before.milestone)
        return tuple(f"delivery.{status}" for status in passed(seen, shown(after.milestone)))

    def may_cancel(self, progress: Progress) -> bool:
        """Returns whether a merchant may cancel: until the pickup is completed."""
        return not progress.picked_up and not progress.is_final

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        """Returns the answer with the erased delivery, as `DeliveryCreated` or `Delivery`."""
        if answer.get("deliveryId") != delivery_id(erased.id):
            return None
        kept = {*created(erased, ""), "externalOrderId"}
        return personal_data.erased_answer(answer, full(erased, ""), kept)


DIALECT = KaspiDialect()


# Requests


def stop(location: "Location", region: str) -> Stop:
    """Returns a location that was accepted, in the core's words; `region` reads its phone."""
    contact = location.contact
    return Stop(
        address=location.address,
        name=contact.name,
        phone=contact.phone,
        phone_e164=e164(contact.phone, region),
        notes=location.notes,
    )


def quote_stop(wanted: "QuoteStop") -> Stop:
    """Returns a location with the fields that a price needs."""
    return Stop(address=wanted.address)


def parcel(wanted: "ParcelRequest | QuoteParcel") -> Parcel:
    """Returns a parcel that was accepted, in the core's words."""
    return Parcel(
        weight_grams=wanted.weight_grams,
        description=wanted.description,
        declared_value=wanted.value_kzt,
    )


def order_payload(wanted: "DeliveryRequest") -> dict[str, Any]:
    """Returns the fields of an order that a quote may bind."""
    return _payload(wanted.pickup, wanted.dropoff, wanted.parcel)


def quote_payload(wanted: "QuoteRequest") -> dict[str, Any]:
    """Returns what a quote binds: both addresses, and those facts of the parcel that it named."""
    payload = _payload(wanted.pickup, wanted.dropoff, wanted.parcel)
    return {name: value for name, value in payload.items() if value is not None}


def _payload(
    pickup: "Location | QuoteStop",
    dropoff: "Location | QuoteStop",
    parcel: "ParcelRequest | QuoteParcel",
) -> dict[str, Any]:
    return {
        "pickup.address": pickup.address,
        "dropoff.address": dropoff.address,
        "parcel.weightGrams": parcel.weight_grams,
        "parcel.description": parcel.description,
        "parcel.valueKzt": parcel.value_kzt,
    }


def demand(wanted: "DeliveryRequest") -> Demand:
    """Returns what is demanded as proof."""
    return wanted.proof or NOTHING


# Answers

Shown = Sequence[tuple[Proof, str | None]]
"""The proofs of a delivery, each with the link to its picture if it has one."""


def created(delivery: Delivery, public_url: str) -> dict[str, Any]:
    """Returns a delivery as the schema `DeliveryCreated`."""
    id = delivery_id(delivery.id)
    return {
        "deliveryId": id,
        "status": shown(delivery.milestone),
        "trackingUrl": _tracking_url(public_url, id),
        "eta": _eta(delivery.pickup_by, delivery.deliver_by),
        **_pin(delivery),
    }


def _pin(delivery: Delivery) -> dict[str, str]:
    """Returns the PIN, which is in clear text here, where the merchant demanded one."""
    return {"deliveryPin": delivery.pin} if delivery.proof and delivery.pin else {}


def full(
    delivery: Delivery,
    public_url: str,
    events: Sequence[Event] | None = None,
    proofs: Shown = (),
) -> dict[str, Any]:
    """Returns a delivery as the schema `Delivery`.

    It holds the history where its events are given, oldest first, and what was demanded of the
    driver, and taken as proof, where its merchant demanded any.
    """
    id = delivery_id(delivery.id)
    document: dict[str, Any] = {
        "deliveryId": id,
        "externalOrderId": delivery.external_ref,
        "status": shown(delivery.milestone),
        "pickup": _location(delivery.pickup),
        "dropoff": _location(delivery.dropoff),
        "parcel": {
            "description": delivery.parcel.description,
            "weightGrams": delivery.parcel.weight_grams,
            "valueKzt": delivery.parcel.declared_value,
        },
        "trackingUrl": _tracking_url(public_url, id),
        "eta": _eta(delivery.pickup_by, delivery.deliver_by),
    }
    document |= _related(delivery) | _tried(delivery)
    if delivery.failing is not None:
        document["failing"] = failing.as_words(delivery.failing)
    if delivery.skills:
        document["skills"] = [*delivery.skills]
    if delivery.proof:
        document |= {"proof": as_words(delivery.proof), **_pin(delivery)}
        document["proofs"] = [_proof(each, link) for each, link in proofs]
    if events is not None:
        document["history"] = history(events)
    return document


def _related(delivery: Delivery) -> dict[str, str]:
    """Returns what the delivery brings back, or what brings it back; nothing for most."""
    named = {"returnOf": delivery.return_of, "returnId": delivery.return_id}
    return {name: delivery_id(id) for name, id in named.items() if id is not None}


def _tried(delivery: Delivery) -> dict[str, Any]:
    """Returns the attempts that failed and the window that follows; nothing for most."""
    told: dict[str, Any] = {}
    if delivery.attempts:
        told["attempts"] = [
            {"reason": one.reason.value, "at": timestamp(one.at)} for one in delivery.attempts
        ]
    if window := delivery.window:
        told["window"] = {"from": timestamp(window.start), "until": timestamp(window.end)}
    return told


def _proof(proof: Proof, link: str | None) -> dict[str, Any]:
    """Returns a proof as the schema `DeliveryProof`."""
    shown = {
        "stage": proof.stage.value,
        "kind": proof.kind.value,
        "takenAt": timestamp(proof.taken_at),
        "text": proof.said,
        "url": link,
        "sha256": proof.picture and proof.picture.sha256.hex(),
        "distanceMeters": proof.metres,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _tracking_url(public_url: str, id: str) -> str:
    """Returns the URL at which a recipient follows the delivery."""
    return f"{public_url}/track/{id}"


def quoted(quote: Quote) -> dict[str, Any]:
    """Returns a quote as the schema `Quote`. Its times are those of a delivery created now."""
    pickup_by = quote.created_at + quote.pickup_within
    return {
        "quoteId": quote_id(quote.id),
        "feeKzt": quote.fee,
        "eta": _eta(pickup_by, pickup_by + quote.delivery_within),
        "expiresAt": timestamp(quote.expires_at),
    }


def _eta(pickup_by: datetime, deliver_by: datetime) -> dict[str, str]:
    return {"pickupBy": timestamp(pickup_by), "deliveryBy": timestamp(deliver_by)}


def _location(stop: Stop) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "address": stop.address,
        "contact": {"name": stop.name, "phone": stop.phone},
    }
    if stop.notes is not None:
        shown["notes"] = stop.notes
    return shown


def history(events: Sequence[Event]) -> list[dict[str, str]]:
    """Returns the statuses that were shown, oldest first, with notes on what went wrong between.

    The history never goes back and leaves no status out. A status that the core jumped over has the
    time of the jump. An event that changes nothing that Kaspi shows (a stall, a failure, another
    courier) has the status shown before and a note. Where the first events are missing, the history
    begins at the oldest that is there.
    """
    seen: KaspiStatus | None = None
    before: Event | None = None
    entries: list[dict[str, str]] = []
    if events and events[0].seq > 1:
        before, events = events[0], events[1:]
        seen = shown(before.milestone)
    for event in events:
        statuses = passed(seen, shown(event.milestone))
        at = timestamp(event.occurred_at)
        if statuses:
            entries.extend({"status": status, "timestamp": at} for status in statuses)
            seen = statuses[-1]
            if event.note:
                entries[-1]["notes"] = event.note
        elif before and seen and _is_aside(before, event):
            entries.append({"status": seen, "timestamp": at, "notes": _aside(before, event)})
        before = event
    return entries


def _is_aside(before: Event, event: Event) -> bool:
    """Returns whether an event that changes no shown status gets a line: it is no step forward."""
    return event.milestone is before.milestone and event.status is not Status.PICKUP_READY


def _aside(before: Event, event: Event) -> str:
    """Returns the note for an event that changes no shown status."""
    if event.status is Status.FAILED:
        return f"Delivery failed: {event.note}" if event.note else "Delivery failed"
    if event.note:
        return event.note
    if event.status is Status.STALLED:
        return "Delivery is delayed"
    if before.status is Status.STALLED:
        return "Delivery goes on"
    return (
        "The courier gave the delivery back"
        if event.status is Status.PENDING
        else "Courier assigned"
    )


def listed(deliveries: Sequence[Delivery], public_url: str, cursor: str | None) -> dict[str, Any]:
    """Returns a page of a list, with the cursor of the next one, None at the end."""
    return {"data": [full(delivery, public_url) for delivery in deliveries], "nextCursor": cursor}
