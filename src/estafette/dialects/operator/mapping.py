"""Writes answers in the words of the operator's API. Pure: no I/O and no clock."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.audit import AuditEntry
from estafette.core.couriers.company import WEEKDAYS, Company
from estafette.core.deliveries import failing
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.dispatching import Decision
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.position import Position
from estafette.core.fleet.shift import Shift
from estafette.core.fleet.tour import TourStop
from estafette.core.money.cash import Handover
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.people.person import Person
from estafette.core.proofs.demand import as_words
from estafette.core.proofs.proof import Proof
from estafette.core.quotes.pricing import Tariff
from estafette.usecases.accounts.keys import IssuedKey
from estafette.usecases.accounts.settings import OpenedAccount
from estafette.usecases.deliveries.troubles import Troubled
from estafette.usecases.fleet.board import DriverOnBoard, OnBoard
from estafette.usecases.money.cash import OfCompany, OfDriver
from estafette.usecases.money.settle import BookedPayment
from estafette.usecases.people.invite import Invitation


def time_text(moment: datetime | None) -> str | None:
    """Returns a time in UTC, RFC 3339 with milliseconds."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(id: UUID | None) -> str | None:
    return None if id is None else str(id)


def account(of: Account) -> dict[str, Any]:
    """Returns an account as lists show it."""
    return {
        "id": str(of.id),
        "name": of.name,
        "market": of.market.code,
        "dialect": of.dialect,
        "currency": of.market.currency,
        "rate_per_second": of.rate_per_second,
        "burst": of.burst,
        "origins": list(of.origins),
        "state": "closed" if of.is_disabled else "open",
    }


def opened_account(of: OpenedAccount) -> dict[str, Any]:
    """Returns an account with all its settings."""
    return {
        **account(of.account),
        "personal_data_days": of.personal_data_days,
        "failing": of.failing and failing.as_words(of.failing),
    }


def issued_key(of: IssuedKey) -> dict[str, Any]:
    """Returns a key of a new account. Its secret is shown this once."""
    known = of.known
    return {
        "id": str(known.id),
        "mode": known.mode.value,
        "kind": known.kind.value,
        "key": of.key,
    }


def person(of: Person) -> dict[str, Any]:
    """Returns a person who signs in."""
    return {
        "id": str(of.id),
        "email": of.email,
        "name": of.name,
        "language": of.language,
        "state": "active" if of.disabled_at is None else "disabled",
        "has_second_factor": of.has_second_factor,
        "created_at": time_text(of.created_at),
        "signed_in_at": time_text(of.seen_at),
    }


def member(of: Person, role: Role, since: datetime) -> dict[str, Any]:
    """Returns a member of an organisation."""
    return {"person": person(of), "role": role.value, "since": time_text(since)}


def organisation(of: Organisation) -> str:
    """Returns an organisation as it is written in paths."""
    if of.kind is OrganisationKind.PLATFORM:
        return of.kind.value
    return f"{of.kind.value}:{of.id}"


def invitation(of: Invitation) -> dict[str, Any]:
    """Returns an invitation, without its link."""
    return {
        "id": str(of.id),
        "organisation": None if of.organisation is None else organisation(of.organisation),
        "role": None if of.role is None else of.role.value,
        "email": of.email,
        "created_at": time_text(of.created_at),
        "expires_at": time_text(of.expires_at),
    }


def company(of: Company) -> dict[str, Any]:
    """Returns a courier company."""
    able, hours = of.capabilities, of.hours
    return {
        "id": str(of.id),
        "market": of.market,
        "account_id": _id(of.account_id),
        "name": of.name,
        "slug": of.slug,
        "connector": of.connector.value,
        "time_zone": of.time_zone,
        "phone": of.phone_e164,
        "logo_url": of.logo_url,
        "service_zones": list(of.service_zones),
        "base_fee": of.base_fee,
        "base_eta_minutes": of.base_eta_minutes,
        "hours": None
        if hours is None
        else {
            day: [[f"{begin:%H:%M}", f"{end:%H:%M}"] for begin, end in hours.days.get(day, ())]
            for day in WEEKDAYS
        },
        "bank_transfer_enabled": able.bank_transfer_enabled,
        "bank": {"bank": able.bank.bank, "iban": able.bank.iban, "holder": able.bank.holder},
        "require_delivery_pin": able.require_delivery_pin,
        "parcel_types": None if able.parcel_types is None else list(able.parcel_types),
        "max_weight_grams": able.max_weight_grams,
        "proof": as_words(able.proof),
        "failing": able.failing and failing.as_words(able.failing),
        "windows": asdict(able.windows),
        "margin_percent": float(of.margin.percent),
        "margin_fixed": of.margin.fixed,
        "active": of.active,
    }


def delivery(of: Delivery) -> dict[str, Any]:
    """Returns a delivery as the operator may see it, without personal data."""
    return {
        "id": str(of.id),
        "account_id": str(of.scope.account_id),
        "mode": of.scope.mode.value,
        "reference": of.reference,
        "external_reference": of.external_ref,
        "status": of.status.value,
        "pickup_city": of.pickup.city,
        "dropoff_city": of.dropoff.city,
        "deliver_by": time_text(of.deliver_by),
        "skills": [*of.skills],
        "attempts": [{"reason": one.reason.value, "at": time_text(one.at)} for one in of.attempts],
        "return_of": _id(of.return_of),
        "return_id": _id(of.return_id),
        "created_at": time_text(of.created_at),
        "updated_at": time_text(of.updated_at),
    }


def proof(of: Proof) -> dict[str, Any]:
    """Returns a proof, without what it says and shows of a person."""
    return {
        "id": str(of.id),
        "stage": of.stage.value,
        "kind": of.kind.value,
        "taken_at": time_text(of.taken_at),
        "received_at": time_text(of.received_at),
        "driver_id": _id(of.driver_id),
        "distance_meters": of.metres,
        "sha256": of.picture and of.picture.sha256.hex(),
    }


def troubled(of: Troubled) -> dict[str, Any]:
    """Returns a delivery that needs somebody's attention."""
    return {
        "delivery": delivery(of.delivery),
        "since": time_text(of.since),
        "upstream_id": of.upstream_id,
        "error": of.error,
    }


def payment(of: BookedPayment, *, was_there: bool) -> dict[str, Any]:
    """Returns a booked payment."""
    return {
        "id": str(of.id),
        "cause": of.cause.value,
        "book": of.book.value,
        "company_id": _id(of.company_id),
        "amount": of.amount,
        "reference": of.reference,
        "was_booked_before": was_there,
    }


def driver(of: Driver) -> dict[str, Any]:
    """Returns a driver."""
    return {
        "id": str(of.id),
        "company_id": str(of.company_id),
        "mode": of.mode.value,
        "name": of.name,
        "phone": of.phone_e164,
        "vehicle": of.vehicle.value,
        "capacity_grams": of.capacity.grams,
        "capacity_parcels": of.capacity.parcels,
        "skills": list(of.skills),
        "zones": list(of.zones),
        "cash_limit": of.cash_limit,
        "state": of.state.value,
        "created_at": time_text(of.created_at),
    }


def shift(of: Shift) -> dict[str, Any]:
    """Returns the shift of a driver that goes on."""
    return {
        "id": str(of.id),
        "driver_id": str(of.driver_id),
        "began_at": time_text(of.began_at),
        "device": of.device,
    }


def assignment(of: Assignment) -> dict[str, Any]:
    """Returns what a driver was offered or given."""
    return {
        "id": str(of.id),
        "delivery_id": str(of.delivery_id),
        "account_id": str(of.scope.account_id),
        "number": of.number,
        "driver_id": str(of.driver_id),
        "state": of.state.value,
        "reason": of.reason,
        "created_at": time_text(of.created_at),
        "answer_by": time_text(of.answer_by),
        "accepted_at": time_text(of.accepted_at),
        "arrived_at": time_text(of.arrived_at),
        "picked_up_at": time_text(of.picked_up_at),
        "ended_at": time_text(of.ended_at),
    }


def position(of: Position) -> dict[str, Any]:
    """Returns where a driver was."""
    return {
        "at": time_text(of.at),
        "latitude": of.latitude,
        "longitude": of.longitude,
        "accuracy_metres": of.accuracy_metres,
        "source": of.source.value,
    }


def tour_stop(of: TourStop) -> dict[str, Any]:
    """Returns a stop that a driver still has to make."""
    return {
        "delivery_id": str(of.delivery_id),
        "account_id": str(of.account_id),
        "kind": of.kind.value,
        "planned_at": time_text(of.planned_at),
    }


def driver_on_board(of: DriverOnBoard) -> dict[str, Any]:
    """Returns a driver with what they have now."""
    return {
        "driver": driver(of.driver),
        "shift": None if of.shift is None else shift(of.shift),
        "position": None if of.position is None else position(of.position),
        "parcels": of.load.parcels,
        "grams": of.load.grams,
        "on_board": of.load.on_board,
        "offered": of.offered,
        "tour": [tour_stop(one) for one in of.tour],
    }


def delivery_on_board(of: OnBoard) -> dict[str, Any]:
    """Returns a delivery that is under way, and who has it."""
    return {
        "delivery": delivery(of.delivery),
        "needs_driver": of.needs_driver,
        "accepted": None if of.accepted is None else assignment(of.accepted),
        "offered": [assignment(one) for one in of.offered],
    }


def decision(of: Decision) -> dict[str, Any]:
    """Returns what was decided about a delivery, and why."""
    return {
        "outcome": of.outcome.value,
        "at": time_text(of.at),
        "driver_id": _id(of.driver_id),
        "facts": dict(of.facts),
    }


def message(of: DriverMessage) -> dict[str, Any]:
    """Returns a message to a driver."""
    return {
        "id": str(of.id),
        "text": of.text,
        "by": of.by.name,
        "created_at": time_text(of.created_at),
        "read_at": time_text(of.read_at),
    }


def cash_of_company(of: OfCompany) -> dict[str, Any]:
    """Returns what the drivers of a company have in hand."""
    return {
        "company_id": str(of.company_id),
        "company": of.name,
        "market": of.market,
        "drivers": of.drivers,
        "in_hand": of.in_hand,
        "to_count": of.to_count,
    }


def cash_of_driver(of: OfDriver) -> dict[str, Any]:
    """Returns what a driver has in hand."""
    return {
        "driver_id": str(of.driver_id),
        "driver": of.name,
        "in_hand": of.in_hand,
        "limit": of.limit,
        "since": time_text(of.since),
        "handover_id": _id(of.handover_id),
        "declared": of.declared,
    }


def handover(of: Handover, driver: str | None = None) -> dict[str, Any]:
    """Returns a handover of cash."""
    return {
        "id": str(of.id),
        "number": of.name,
        "company_id": str(of.company_id),
        "driver_id": str(of.driver_id),
        "driver": driver,
        "mode": of.mode.value,
        "state": of.state.value,
        "declared": of.declared,
        "declared_by": of.declared_by.name,
        "declared_at": time_text(of.declared_at),
        "counted": of.counted,
        "difference": of.difference,
        "reason": of.reason,
        "ended_by": of.ended_by and of.ended_by.name,
        "ended_at": time_text(of.ended_at),
        "reversed_by": of.reversed_by and of.reversed_by.name,
        "reversed_at": time_text(of.reversed_at),
        "reversal": of.reversal,
    }


def tariff(of: Tariff | None) -> dict[str, Any] | None:
    """Returns a row of a price list."""
    if of is None:
        return None
    return {
        "origin": of.origin,
        "destination": of.destination,
        "up_to_km": of.up_to_km,
        "up_to_grams": of.up_to_grams,
        "fee": of.fee,
    }


def audit_entry(of: AuditEntry) -> dict[str, Any]:
    """Returns an entry of the audit."""
    return {
        "id": str(of.id),
        "at": time_text(of.at),
        "by": {"kind": of.by.kind.value, "name": of.by.name, "address": of.by.address},
        "act": of.act,
        "account_id": _id(of.account_id),
        "mode": None if of.mode is None else of.mode.value,
        "object": of.object,
        "changes": dict(of.changes),
    }
