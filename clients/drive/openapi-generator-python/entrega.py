"""Entrega's API by a Python client of openapi-generator: a server's base address and an API key."""

import sys
from uuid import uuid4

from openapi_client import (
    Address,
    ApiClient,
    Configuration,
    CouriersApi,
    DeliveriesApi,
    DeliveryRequest,
    EventType,
    OptionsRequest,
    Parcel,
    PaymentMethod,
    QuoteRequest,
    QuotesApi,
    Status,
)
from openapi_client.exceptions import ConflictException, UnprocessableEntityException

_, base, key = sys.argv
client = ApiClient(Configuration(host=base, access_token=key))
deliveries = DeliveriesApi(client)

assert CouriersApi(client).list_couriers().data

origin = Address(address_line="Rua Rainha Ginga 31", city="Luanda", province="Luanda")
destination = Address(address_line="Avenida Brasil 110", city="Luanda", province="Luanda")
parcel = Parcel(weight_grams=900, description="Livros")
quotes = QuotesApi(client).create_quotes(
    QuoteRequest(origin=origin, destination=destination, parcel=parcel)
)

order = DeliveryRequest(
    quote_id=quotes.data[0].quote_id,
    origin=origin,
    destination=destination,
    parcel=parcel,
    payment_method=PaymentMethod.PREPAID,
    options=OptionsRequest(metadata={"order": "L-2041"}),
)
created = deliveries.create_delivery(order, idempotency_key=str(uuid4())).data
assert created.status is Status.PENDING
assert created.options.metadata == {"order": "L-2041"}

assert deliveries.get_delivery(created.id).data == created

listed = deliveries.list_deliveries(status=[Status.PENDING, Status.ASSIGNED], limit=100)
assert created.id in {each.id for each in listed.data}

events = deliveries.list_events(created.id)
assert events.data[0].event_type is EventType.DELIVERY_DOT_CREATED
assert deliveries.track_delivery(created.id).reference == created.reference

assert deliveries.cancel_delivery(created.id).data.status is Status.CANCELLED

try:
    deliveries.cancel_delivery(created.id)
except ConflictException as error:
    assert error.data
    assert error.data.status == 409, error.data
else:
    raise AssertionError("It was cancelled twice")

try:
    deliveries.create_delivery(order)
except UnprocessableEntityException as error:
    assert error.data
    assert error.data.error == "quote_already_used", error.data
else:
    raise AssertionError("A quote was used twice")
