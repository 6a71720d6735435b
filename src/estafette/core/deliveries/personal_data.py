"""Personal data: what of a delivery it is, and what stands there when it is erased.

Names, phones, addresses, notes, the place on the map, what is in the parcel, the merchant's
metadata, the PIN. What stays is what figures are made of: cities, weights, values, money, times,
statuses, the numbers and ids by which the parties call the delivery.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from estafette.core.deliveries.delivery import Delivery, Parcel, Stop

ERASED = "erased"
"""Stands where there was a text."""

ERASED_PHONE = "+00000000000"
"""Stands where there was a phone number: written like one, and nobody's, as no country is 0."""


def erased(delivery: Delivery) -> Delivery:
    """Returns the delivery without personal data, in a shape that every dialect can show."""
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
    """Returns the phone numbers that a delivery names, in E.164."""
    found = {delivery.pickup.phone_e164, delivery.dropoff.phone_e164}
    return {phone for phone in found if phone and phone != ERASED_PHONE}


def erased_answer(
    stored: Mapping[str, Any], shown: Mapping[str, Any], kept: Collection[str]
) -> dict[str, Any]:
    """Returns what was told of a delivery, without its personal data.

    `shown` is what would be told of it now that it is erased. The members named in `kept` hold none
    and stay as they were told; for each other one stands what is shown, and nothing where that is
    nothing: whatever the merchant has put into it, keys and numbers included, is gone.
    """
    return {
        name: value if name in kept else _shown_still(value, shown[name])
        for name, value in stored.items()
        if name in kept or name in shown
    }


def _shown_still(stored: Any, shown: Any) -> Any:
    """Returns what is shown, as far as that much was told."""
    if not isinstance(stored, Mapping) or not isinstance(shown, Mapping):
        return shown
    of_stored, of_shown = cast("Mapping[str, Any]", stored), cast("Mapping[str, Any]", shown)
    return {
        name: _shown_still(value, of_shown[name])
        for name, value in of_stored.items()
        if name in of_shown
    }
