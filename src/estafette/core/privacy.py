"""Personal data: what of a delivery it is, and what stands there when it is erased.

Names, phones, addresses, notes, the place on the map, what is in the parcel, the merchant's
metadata, the PIN. What stays is what figures are made of: cities, weights, values, money, times,
statuses, the numbers and ids by which the parties call the delivery.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from estafette.core.delivery import Delivery, Parcel, Stop

ERASED = "erased"
"""Stands where there was a text."""

ERASED_PHONE = "+00000000000"
"""Stands where there was a phone number: written like one, and nobody's, as no country is 0."""


def erased(delivery: Delivery) -> Delivery:
    """The delivery without personal data, in a shape that every dialect can show."""
    parcel = delivery.parcel
    return replace(
        delivery,
        pickup=_erased_stop(delivery.pickup),
        dropoff=_erased_stop(delivery.dropoff),
        parcel=Parcel(parcel.weight_grams, parcel.description and ERASED, parcel.declared_value),
        metadata=None,
        pin=None,
    )


def _erased_stop(stop: Stop) -> Stop:
    return Stop(
        address=ERASED,
        city=stop.city,
        province=stop.province,
        name=stop.name and ERASED,
        phone=stop.phone and ERASED_PHONE,
        phone_e164=stop.phone_e164 and ERASED_PHONE,
        notes=stop.notes and ERASED,
    )


def phones_of(delivery: Delivery) -> set[str]:
    """The phone numbers that a delivery names, in E.164."""
    found = {delivery.pickup.phone_e164, delivery.dropoff.phone_e164}
    return {phone for phone in found if phone and phone != ERASED_PHONE}


def without(body: Any, delivery: Delivery) -> Any:
    """A JSON value with every text that is personal data of the delivery erased."""
    return _without(body, _replacements(delivery))


def _replacements(delivery: Delivery) -> dict[str, str]:
    """What is personal data, and what stands there then."""
    texts: dict[str | None, str] = dict.fromkeys(_texts(delivery.metadata), ERASED)
    texts |= {delivery.parcel.description: ERASED, delivery.pin: ERASED}
    for stop in (delivery.pickup, delivery.dropoff):
        texts |= {stop.name: ERASED, stop.address: ERASED, stop.notes: ERASED}
        texts |= {stop.phone: ERASED_PHONE, stop.phone_e164: ERASED_PHONE}
    return {text: instead for text, instead in texts.items() if text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each)


def _without(value: Any, instead: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return instead.get(value, value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {name: _without(each, instead) for name, each in entries}
    if isinstance(value, list):
        return [_without(each, instead) for each in cast("list[Any]", value)]
    return value
