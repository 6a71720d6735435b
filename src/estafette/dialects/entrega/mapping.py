"""Translates between the core's words and Entrega's. Pure: no I/O and no clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from estafette.core.couriers.company import WEEKDAYS, Company, Hours
from estafette.core.deliveries import failing, personal_data
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.schedule import Schedule
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.core.proofs.demand import as_words
from estafette.core.proofs.proof import Proof, ProofStage
from estafette.core.quotes.quote import Quote
from estafette.dialects.entrega.words import (
    CANCELLABLE,
    CREATED,
    delivery_id,
    event_id,
    event_type,
    payment_method,
    shown,
    source,
    type_of,
)
from estafette.http.moments import timestamp
from estafette.http.phones import e164
from estafette.usecases.deliveries.tracking import TrackedDelivery

if TYPE_CHECKING:  # a command writes answers and reads no requests
    from estafette.dialects.entrega.schemas import (
        Address,
        DeliveryRequest,
        ParcelRequest,
        QuoteRequest,
    )


_BOUND = ("origin", "destination", "parcel")


class EntregaDialect:
    """The rules of Entrega that the core asks for."""

    name = "entrega"
    names_company = True
    """By its quote."""

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        """Returns the webhook type of a move. Each event has one, the same as in the timeline."""
        return (CREATED if before is None else type_of(after.status),)

    def may_cancel(self, progress: Progress) -> bool:
        """Returns whether a merchant may cancel: until a courier is ready for the pickup."""
        return shown(progress.status) in CANCELLABLE

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        """Returns the answer with the erased delivery, in the form in which its reader saw it."""
        if not isinstance(answer.get("data"), dict):
            return None
        stored = cast("dict[str, Any]", answer["data"])
        if stored.get("id") != delivery_id(erased.id):
            return None
        kept = {*_open(erased, ""), *_created_with(erased), "held"}
        now = delivery(erased, "")
        return {"data": personal_data.erased_answer(stored, now, kept)}


DIALECT = EntregaDialect()


# Requests


def stop(address: "Address", region: str) -> Stop:
    """Returns an address that was accepted, in the core's words; `region` reads its phone."""
    contact, coordinates = address.contact, address.coordinates
    phone = contact and contact.phone
    return Stop(
        address=address.address_line,
        city=address.city,
        province=address.province,
        name=contact and contact.name,
        phone=phone,
        phone_e164=phone and e164(phone, region),
        latitude=coordinates and coordinates.lat,
        longitude=coordinates and coordinates.lng,
    )


def parcel(wanted: "ParcelRequest") -> Parcel:
    """Returns a parcel that was accepted, in the core's words."""
    return Parcel(
        weight_grams=wanted.weight_grams,
        description=wanted.description,
        declared_value=wanted.declared_value_aoa,
    )


def bound_payload(wanted: "QuoteRequest") -> dict[str, Any]:
    """Returns what a quote binds of an accepted request: three fields, as the schema read them.

    The schema bounds them to 16 KiB. Unknown fields are neither compared nor stored.
    """
    return {name: getattr(wanted, name).model_dump(exclude_none=True) for name in _BOUND}


def payment(wanted: "DeliveryRequest") -> Payment:
    """Returns how a delivery is to be paid."""
    return Payment(wanted.method, wanted.cash_collect_aoa)


def schedule(wanted: "DeliveryRequest") -> Schedule:
    """Returns when a delivery is wanted."""
    return Schedule(wanted.scheduled_pickup_at, wanted.scheduled_delivery_at)


# Answers


def company(of: Company) -> dict[str, Any]:
    """Returns a courier company as the schema `Courier`."""
    able = of.capabilities
    return {
        "id": str(of.id),
        "name": of.name,
        "slug": of.slug,
        "logo_url": of.logo_url,
        "service_zones": of.service_zones,
        "base_fee_aoa": of.base_fee,
        "base_eta_minutes": of.base_eta_minutes,
        "active_drivers": None,
        "operating_hours": None if of.hours is None else _hours(of.hours, of.time_zone),
        "capabilities": {
            "bank_transfer_enabled": able.bank_transfer_enabled,
            "bank_name": able.bank.bank,
            "bank_iban": able.bank.iban,
            "bank_account_holder": able.bank.holder,
            "require_delivery_pin": able.require_delivery_pin,
            "parcel_types": able.parcel_types,
            "max_weight_grams": able.max_weight_grams,
        },
    }


def _hours(hours: Hours, time_zone: str) -> dict[str, Any]:
    days = {
        day: [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in hours.days[day]]
        for day in WEEKDAYS
        if day in hours.days
    }
    return {"time_zone": time_zone, **days}


def quote(of: Quote) -> dict[str, Any]:
    """Returns a quote as the schema `Quote`."""
    return {
        "quote_id": str(of.id),
        "valid_until": timestamp(of.expires_at),
        "company_id": str(of.company_id),
        "company_name": of.company_name,
        "company_slug": of.company_slug,
        "fee_aoa": of.fee,
        "eta_minutes": of.eta_minutes,
        "require_delivery_pin": of.require_pin,
    }


Shown = Sequence[tuple[Proof, str | None]]
"""The proofs of a delivery, each with the link to its picture if it has one."""


def delivery(of: Delivery, public_url: str, proofs: Shown | None = None) -> dict[str, Any]:
    """Returns a delivery as the schema `Delivery`, as its merchant sees it.

    What was taken as proof is told where the merchant demanded any and `proofs` are given.
    """
    return {
        **_open(of, public_url),
        "origin": _address(of.pickup),
        "destination": _address(of.dropoff),
        "parcel": _parcel(of.parcel),
        "delivery_pin": of.pin,
        "options": {"metadata": of.metadata or {}} | _demand(of),
        **_created_with(of),
        **_related(of),
        **_tried(of),
        **({"proofs": _proofs(proofs)} if of.proof and proofs is not None else {}),
    }


def _related(of: Delivery) -> dict[str, str]:
    """Returns what the delivery brings back, or what brings it back; nothing for most."""
    named = {"return_of": of.return_of, "return_id": of.return_id}
    return {name: delivery_id(id) for name, id in named.items() if id is not None}


def _tried(of: Delivery) -> dict[str, Any]:
    """Returns the attempts that failed and the window that follows; nothing for most."""
    told: dict[str, Any] = {}
    if of.attempts:
        told["attempts"] = [
            {"reason": one.reason.value, "at": timestamp(one.at)} for one in of.attempts
        ]
    if of.window is not None:
        told["window"] = {"from": timestamp(of.window.start), "until": timestamp(of.window.end)}
    return told


def _demand(of: Delivery) -> dict[str, Any]:
    """Returns what its merchant has demanded, and said of failed attempts; nothing for most."""
    demanded: dict[str, Any] = {"proof": as_words(of.proof)} if of.proof else {}
    if of.skills:
        demanded["skills"] = [*of.skills]
    if of.failing:
        demanded["failing"] = failing.as_words(of.failing)
    return demanded


def _proofs(proofs: Shown) -> list[dict[str, Any]]:
    return [_proof(proof, link) for proof, link in proofs]


def _proof(proof: Proof, link: str | None) -> dict[str, Any]:
    """Returns a proof as the schema `Proof`."""
    shown = {
        "stage": proof.stage.value,
        "kind": proof.kind.value,
        "taken_at": timestamp(proof.taken_at),
        "text": proof.said,
        "url": link,
        "sha256": proof.picture and proof.picture.sha256.hex(),
        "distance_meters": proof.metres,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _created_with(of: Delivery) -> dict[str, Any]:
    """Returns the key that created it, if known: the merchant tells pages' orders by it."""
    if of.key_id is None:
        return {}
    kind = "publishable" if of.by_page else "secret"
    return {"created_with": {"key_id": str(of.key_id), "kind": kind}}


def widget_delivery(of: Delivery, public_url: str) -> dict[str, Any]:
    """Returns a delivery as the schema `Delivery`, as a page in a browser may see it.

    It holds nobody's contact, street, metadata or PIN.
    """
    return {
        **_open(of, public_url),
        "origin": _area(of.pickup),
        "destination": _area(of.dropoff),
        "parcel": {"weight_grams": of.parcel.weight_grams},
    }


def _open(of: Delivery, public_url: str) -> dict[str, Any]:
    """Returns the fields that every reader of a delivery sees."""
    id = delivery_id(of.id)
    return {
        "id": id,
        "reference": of.reference,
        "status": shown(of.status),
        "company_id": of.company_id and str(of.company_id),
        "company_name": of.company_name,
        "quote_id": of.quote_id and str(of.quote_id),
        "payment_method": payment_method(of.payment.method),
        "courier_fee_aoa": of.fee,
        "cash_collect_aoa": of.payment.cash_collect,
        "bank_transfer": _bank_transfer(of),
        "scheduled_pickup_at": _moment(of.scheduled_pickup_at),
        "scheduled_delivery_at": _moment(of.scheduled_delivery_at),
        "eta_minutes": of.eta_minutes,
        "require_delivery_pin": of.require_pin,
        "tracking_url": f"{public_url}/track/{id}",
        "inserted_at": timestamp(of.created_at),
        "updated_at": timestamp(of.updated_at),
        **({"held": True} if of.is_held else {}),
    }


def _bank_transfer(of: Delivery) -> dict[str, Any] | None:
    """Returns the bank account to pay to, the amount, the text for the transfer, the deadline."""
    payment = of.payment
    if payment.method is not PaymentMethod.BANK_TRANSFER or payment.bank is None:
        return None
    return {
        "bank_name": payment.bank.bank,
        "bank_iban": payment.bank.iban,
        "bank_account_holder": payment.bank.holder,
        "amount_aoa": of.fee,
        "reference": of.reference,
        "due_at": _moment(payment.due_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def _area(stop: Stop) -> dict[str, Any]:
    return {"city": stop.city, "province": stop.province}


def _address(stop: Stop) -> dict[str, Any]:
    """Returns an address as it was sent, as the schema `Address`."""
    shown: dict[str, Any] = {"address_line": stop.address, **_area(stop)}
    contact = {"name": stop.name, "phone": stop.phone}
    if said := {name: value for name, value in contact.items() if value is not None}:
        shown["contact"] = said
    if stop.latitude is not None:
        shown["coordinates"] = {"lat": stop.latitude, "lng": stop.longitude}
    return shown


def _parcel(parcel: Parcel) -> dict[str, Any]:
    shown: dict[str, Any] = {"weight_grams": parcel.weight_grams}
    if parcel.description is not None:
        shown["description"] = parcel.description
    if parcel.declared_value is not None:
        shown["declared_value_aoa"] = parcel.declared_value
    return shown


def page(of: Sequence[Delivery], public_url: str, limit: int, offset: int, more: bool) -> Any:
    """Returns a page of a list."""
    return {
        "data": [delivery(each, public_url) for each in of],
        "pagination": {"limit": limit, "offset": offset, "has_more": more},
    }


_PROVEN = {
    Status.IN_TRANSIT: (ProofStage.PICKUP,),
    Status.DELIVERED: (ProofStage.DROPOFF, ProofStage.RETURN),
}
"""The events that proofs belong to."""


def _of_event(event: Event, proofs: Shown) -> dict[str, Any]:
    """Returns the proofs of an event; nothing where it has none."""
    stages = _PROVEN.get(event.status, ())
    found = [(proof, link) for proof, link in proofs if proof.stage in stages]
    return {"proofs": _proofs(found)} if found else {}


def timeline(events: Sequence[Event], proofs: Shown = ()) -> list[dict[str, Any]]:
    """Returns the events of a delivery, oldest first, as its merchant sees them."""
    return [
        {
            "id": event_id(event.id),
            "event_type": event_type(event.seq, event.status),
            "occurred_at": timestamp(event.occurred_at),
            # As published: the first event's source is the system, whoever created the delivery.
            "source": source(Actor.SYSTEM if event.seq == 1 else event.actor),
            "payload": {"status": shown(event.status)}
            | ({"note": event.note} if event.note else {})
            | _of_event(event, proofs),
        }
        for event in events
    ]


def is_ours(tracked: TrackedDelivery) -> bool:
    """Returns whether a tracked delivery belongs to an account that speaks Entrega."""
    return tracked.dialect == DIALECT.name


def tracked(of: TrackedDelivery) -> dict[str, Any]:
    """Returns what anybody who knows a delivery's id may see of it."""
    return {
        "reference": of.reference,
        "status": shown(of.status),
        "events": [
            {
                "event_type": event_type(step.number, step.status),
                "occurred_at": timestamp(step.occurred_at),
            }
            for step in of.steps
        ],
    }
