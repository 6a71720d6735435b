"""A delivery in words: as one JSON object, and as the lines that a courier or an operator needs."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from estafette.cli.output import OK, fields, say, say_json, styled, time_text
from estafette.core.accounts.account import Account, KeyKind
from estafette.core.couriers.dispatch import Elsewhere
from estafette.core.deliveries.delivery import Delivery, Parcel, Stop
from estafette.core.deliveries.event import Event
from estafette.terminal import plain
from estafette.usecases.accounts.keys import ApiKey

Keys = Mapping[UUID, ApiKey]
"""API keys by id."""


def delivery_json(delivery: Delivery, account: Account, keys: Keys) -> dict[str, Any]:
    """A delivery as JSON; `keys` are those of its account, at least."""
    from estafette.app import shown_id

    return {
        "id": shown_id(account.dialect, delivery.id),
        "uuid": delivery.id,
        "account": account.name,
        "mode": delivery.scope.mode,
        "reference": delivery.reference,
        "external_ref": delivery.external_ref,
        "status": delivery.status,
        "milestone": delivery.milestone,
        "from": delivery.pickup.city,
        "to": delivery.dropoff.city,
        "courier": delivery.company_name,
        "fee": delivery.fee,
        "currency": account.market.currency,
        "payment": delivery.payment.method,
        "cash_collect": delivery.payment.cash_collect,
        "skills": delivery.skills,
        "held": delivery.is_held,
        "key": _key_json(delivery, keys),
        "pin": _pin(delivery),
        "scenario": delivery.scenario,
        "created_at": delivery.created_at,
        "updated_at": delivery.updated_at,
        "pickup_by": delivery.pickup_by,
        "deliver_by": delivery.deliver_by,
    }


def _key_json(delivery: Delivery, keys: Keys) -> dict[str, Any] | None:
    """The key that it was created with; None where that is not known."""
    if delivery.key_id is None:
        return None
    key = keys.get(delivery.key_id)
    kind = KeyKind.PUBLISHABLE if delivery.by_page else KeyKind.SECRET
    known = {"hint": key.hint, "name": key.name} if key else {}
    return {"id": delivery.key_id, "kind": kind, **known}


def key_text(key: dict[str, Any] | None) -> str | None:
    """How a table shows the key that created a delivery: its kind, the key's end and its name."""
    if key is None:
        return None
    named = f" {key['name']}" if key.get("name") else ""
    return f"{key['kind']} …{key.get('hint', '?')}{named}"


def _pin(delivery: Delivery) -> str | None:
    """How the recipient's PIN stands; the PIN itself is the merchant's."""
    if not delivery.require_pin:
        return None
    return "locked" if delivery.pin_is_locked else "required"


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "event_id": event.id,
        "status": event.status,
        "actor": event.actor,
        "note": event.note,
        "announced": event.announced,
        "occurred_at": event.occurred_at,
    }


def _stop_json(stop: Stop) -> dict[str, Any]:
    return {
        "address": stop.address,
        "city": stop.city,
        "province": stop.province,
        "latitude": stop.latitude,
        "longitude": stop.longitude,
        "name": stop.name,
        "phone": stop.phone,
        "notes": stop.notes,
    }


def _parcel_json(parcel: Parcel) -> dict[str, Any]:
    return {
        "weight_grams": parcel.weight_grams,
        "description": parcel.description,
        "declared_value": parcel.declared_value,
    }


class Known(NamedTuple):
    """All that is known of a delivery; `pin` is the recipient's, where it is to be shown."""

    account: Account
    delivery: Delivery
    events: list[Event]
    elsewhere: Elsewhere | None
    keys: Keys
    pin: str | None = None


def say_known(known: Known, *, as_json: bool) -> int:
    """Prints a delivery, its stops and its history."""
    account, delivery, events, there, keys, pin = known
    shown = delivery_json(delivery, account, keys)
    if there is not None:
        shown |= {
            "dispatch": there.state,
            "upstream_id": there.upstream_id,
            "dispatch_error": there.error,
        }
    shown |= {
        "scheduled_pickup_at": delivery.scheduled_pickup_at,
        "scheduled_delivery_at": delivery.scheduled_delivery_at,
    }
    if pin is not None:
        shown["pin_revealed"] = pin
    stops = {"pickup": _stop_json(delivery.pickup), "dropoff": _stop_json(delivery.dropoff)}
    parcel = _parcel_json(delivery.parcel)
    if as_json:
        document = {**shown, **stops, "parcel": parcel, "metadata": delivery.metadata}
        say_json({**document, "history": [_event_json(event) for event in events]})
        return OK
    currency = shown.pop("currency")
    cash = shown["cash_collect"]
    texts = {
        "fee": f"{shown['fee']} {currency}",
        "cash_collect": None if cash is None else f"{cash} {currency}, from the recipient",
        "skills": ", ".join(delivery.skills) or None,
        "held": "yes, until it is confirmed" if shown["held"] else None,
        "key": key_text(shown["key"]),
    }
    fields({**shown, **texts, "parcel": _parcel_text(delivery.parcel, currency)})
    for name, stop in stops.items():
        _say_stop(name, stop)
    say()
    for event in events:
        _say_event(event)
    return OK


def _parcel_text(parcel: Parcel, currency: str) -> str:
    value = parcel.declared_value
    parts = [
        f"{parcel.weight_grams} g",
        parcel.description,
        None if value is None else f"worth {value} {currency}",
    ]
    return ", ".join(part for part in parts if part)


def _say_stop(name: str, stop: Mapping[str, Any]) -> None:
    here, there = stop["latitude"], stop["longitude"]
    place = None if here is None or there is None else f"{here}, {there}"
    city = ", ".join(part for part in (stop["city"], stop["province"]) if part)
    say()
    say(styled(name, "bold"))
    fields(
        {
            "  address": stop["address"],
            "  city": city or None,
            "  at": place,
            "  contact": stop["name"],
            "  phone": stop["phone"],
            "  notes": stop["notes"],
        }
    )


def _say_event(event: Event) -> None:
    webhooks = f"  {styled(', '.join(event.announced), 'cyan')}" if event.announced else ""
    note = f"  {plain(event.note)}" if event.note else ""
    actor = styled(f"{event.actor.value:8}", "dim")
    say(f"{time_text(event.occurred_at)}  {event.status.value:16}  {actor}{webhooks}{note}")
