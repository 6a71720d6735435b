"""How orders that people type are read: by the same rules as the bodies of Kaspi's API."""

from typing import Any

from estafette.core.accounts.account import Account, Mode
from estafette.core.deliveries.order_form import OrderField, OrderForm, StopForm
from estafette.core.sandbox.scenario import mentioned
from estafette.dialects.kaspi import mapping, schemas
from estafette.http.fields import Context
from estafette.http.refusals import InvalidRequest
from estafette.http.typed_orders import filled, order_refused
from estafette.usecases.deliveries.ordering import AcceptedOrder

_FIELDS = {
    "externalOrderId": OrderField.ORDER,
    "pickup.address": OrderField.PICKUP_ADDRESS,
    "pickup.contact.name": OrderField.PICKUP_NAME,
    "pickup.contact.phone": OrderField.PICKUP_PHONE,
    "pickup.notes": OrderField.PICKUP_NOTES,
    "dropoff.address": OrderField.ADDRESS,
    "dropoff.contact.name": OrderField.NAME,
    "dropoff.contact.phone": OrderField.PHONE,
    "dropoff.notes": OrderField.NOTES,
    "parcel.description": OrderField.DESCRIPTION,
    "parcel.weightGrams": OrderField.WEIGHT,
    "parcel.valueKzt": OrderField.VALUE,
}
"""The fields by their paths in the API."""


class KaspiOrders:
    """See `usecases.deliveries.ordering.OrderRules`."""

    dialect = mapping.DIALECT
    fields = frozenset({*_FIELDS.values(), OrderField.SCENARIO})
    required = frozenset(_FIELDS.values()) - {OrderField.PICKUP_NOTES, OrderField.NOTES}
    by_companies = False
    numbered = False

    def read(self, form: OrderForm, account: Account, mode: Mode) -> AcceptedOrder:
        """Returns the order as Kaspi takes it. Raises OrderRefusedError with all bad fields."""
        region = account.market.phone_region
        context = Context(region, sandbox=mode is Mode.SANDBOX)
        try:
            wanted = schemas.read(schemas.DeliveryRequest, _body(form), context)
        except InvalidRequest as refused:
            raise order_refused(refused.details, _FIELDS) from None
        return AcceptedOrder(
            pickup=mapping.stop(wanted.pickup, region),
            dropoff=mapping.stop(wanted.dropoff, region),
            parcel=mapping.parcel(wanted.parcel),
            payload=mapping.order_payload(wanted),
            external_ref=wanted.external_order_id,
            scenario=mentioned(wanted.dropoff.notes) if mode is Mode.SANDBOX else None,
        )


def _body(form: OrderForm) -> dict[str, Any]:
    notes = form.dropoff.notes
    if form.scenario:
        notes = f"{notes or ''} sandbox:{form.scenario}".strip()
    parcel = {
        "description": form.description,
        "weightGrams": form.weight_grams,
        "valueKzt": form.value,
    }
    body = {
        "externalOrderId": form.order,
        "pickup": _location(form.pickup, form.pickup.notes),
        "dropoff": _location(form.dropoff, notes),
        "parcel": filled(parcel),
    }
    return filled(body)


def _location(stop: StopForm, notes: str | None) -> dict[str, Any]:
    contact = filled({"name": stop.name, "phone": stop.phone})
    return filled({"address": stop.address, "contact": contact, "notes": notes})


def rules() -> KaspiOrders:
    """Returns Kaspi's rules for orders."""
    return KaspiOrders()
