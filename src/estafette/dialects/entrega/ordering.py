"""How orders that people type are read: by the same rules as the bodies of Entrega's API."""

from typing import Any

from estafette.core.accounts.account import Account, Mode
from estafette.core.deliveries.order_form import OrderField, OrderForm, StopForm
from estafette.core.ids import new_id
from estafette.dialects.entrega import mapping, schemas
from estafette.dialects.entrega.errors import InvalidBody
from estafette.dialects.entrega.words import payment_method
from estafette.http.fields import Context
from estafette.http.typed_orders import filled, order_refused
from estafette.usecases.deliveries.ordering import AcceptedOrder

_FIELDS = {
    "origin.address_line": OrderField.PICKUP_ADDRESS,
    "origin.city": OrderField.PICKUP_CITY,
    "origin.province": OrderField.PICKUP_PROVINCE,
    "origin.contact.name": OrderField.PICKUP_NAME,
    "origin.contact.phone": OrderField.PICKUP_PHONE,
    "destination.address_line": OrderField.ADDRESS,
    "destination.city": OrderField.CITY,
    "destination.province": OrderField.PROVINCE,
    "destination.contact.name": OrderField.NAME,
    "destination.contact.phone": OrderField.PHONE,
    "parcel.description": OrderField.DESCRIPTION,
    "parcel.weight_grams": OrderField.WEIGHT,
    "parcel.declared_value_aoa": OrderField.VALUE,
    "payment_method": OrderField.PAYMENT,
    "cash_collect_aoa": OrderField.COD,
    "scheduled_pickup_at": OrderField.PICKUP_AT,
    "scheduled_delivery_at": OrderField.DELIVERY_AT,
    "options.metadata": OrderField.ORDER,
}
"""The fields by their paths in the API.

The API has no field for a shop's own number of an order. It is kept in the metadata, where the
shop's other programs, and people too, find it.
"""


class EntregaOrders:
    """See `usecases.deliveries.ordering.OrderRules`."""

    dialect = mapping.DIALECT
    fields = frozenset({*_FIELDS.values(), OrderField.SCENARIO})
    required = frozenset(
        {
            *(OrderField.PICKUP_ADDRESS, OrderField.PICKUP_CITY, OrderField.PICKUP_PROVINCE),
            *(OrderField.ADDRESS, OrderField.CITY, OrderField.PROVINCE, OrderField.WEIGHT),
        }
    )
    by_companies = True
    numbered = True

    def read(self, form: OrderForm, account: Account, mode: Mode) -> AcceptedOrder:
        """Returns the order as Entrega takes it. Raises OrderRefusedError with all bad fields."""
        region = account.market.phone_region
        context = Context(region, sandbox=mode is Mode.SANDBOX)
        try:
            wanted = schemas.read_delivery(_body(form), context)
        except InvalidBody as refused:
            raise order_refused(refused.details, _FIELDS) from None
        return AcceptedOrder(
            pickup=mapping.stop(wanted.origin, region),
            dropoff=mapping.stop(wanted.destination, region),
            parcel=mapping.parcel(wanted.parcel),
            payload=mapping.bound_payload(wanted),
            payment=mapping.payment(wanted),
            schedule=mapping.schedule(wanted),
            metadata=wanted.metadata,
            scenario=wanted.scenario,
        )


def _body(form: OrderForm) -> dict[str, Any]:
    description = form.description
    if form.scenario:
        description = f"{description or ''} sandbox:{form.scenario}".strip()
    parcel = {
        "weight_grams": form.weight_grams,
        "description": description,
        "declared_value_aoa": form.value,
    }
    body: dict[str, Any] = {
        "origin": _address(form.pickup),
        "destination": _address(form.dropoff),
        "parcel": filled(parcel),
        "quote_id": str(new_id()),  # a quote is chosen afterwards
        "payment_method": form.payment and payment_method(form.payment),
        "cash_collect_aoa": form.cash,
        "scheduled_pickup_at": form.pickup_at and form.pickup_at.isoformat(),
        "scheduled_delivery_at": form.delivery_at and form.delivery_at.isoformat(),
        "options": {"metadata": {"order": form.order}} if form.order else None,
    }
    return filled(body)


def _address(stop: StopForm) -> dict[str, Any]:
    contact = filled({"name": stop.name, "phone": stop.phone})
    place = {"address_line": stop.address, "city": stop.city, "province": stop.province}
    return filled(place | {"contact": contact or None})


def rules() -> EntregaOrders:
    """Returns Entrega's rules for orders."""
    return EntregaOrders()
