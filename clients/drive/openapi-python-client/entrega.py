"""Entrega's API by a client of openapi-python-client: a server's base address and an API key."""

import sys
from uuid import UUID, uuid4

from entrega_api_client import AuthenticatedClient
from entrega_api_client.api.couriers import list_couriers
from entrega_api_client.api.deliveries import (
    cancel_delivery,
    create_delivery,
    get_delivery,
    list_deliveries,
    list_events,
    track_delivery,
)
from entrega_api_client.api.quotes import create_quotes
from entrega_api_client.models import (
    Address,
    CouriersAnswer,
    DeliveryAnswer,
    DeliveryRequest,
    ErrorCode,
    EventsAnswer,
    EventType,
    Metadata,
    OptionsRequest,
    Page,
    Parcel,
    PaymentMethod,
    Problem,
    QuoteRequest,
    QuotesAnswer,
    Status,
    Tracking,
)

_, base, key = sys.argv
client = AuthenticatedClient(base, key)

couriers = list_couriers.sync(client=client)
assert isinstance(couriers, CouriersAnswer), couriers
assert couriers.data

origin = Address("Rua Rainha Ginga 31", "Luanda", "Luanda")
destination = Address("Avenida Brasil 110, Maianga", "Luanda", "Luanda")
parcel = Parcel(900, "Livros")
quotes = create_quotes.sync(client=client, body=QuoteRequest(origin, destination, parcel))
assert isinstance(quotes, QuotesAnswer), quotes

order = DeliveryRequest(
    quote_id=quotes.data[0].quote_id,
    origin=origin,
    destination=destination,
    parcel=parcel,
    payment_method=PaymentMethod.PREPAID,
    options=OptionsRequest(Metadata.from_dict({"order": "L-2041"})),
)
created = create_delivery.sync(client=client, body=order, idempotency_key=str(uuid4()))
assert isinstance(created, DeliveryAnswer), created
id = created.data.id
assert isinstance(id, UUID)
assert created.data.status is Status.PENDING
assert created.data.options.metadata["order"] == "L-2041"

got = get_delivery.sync(id, client=client)
assert isinstance(got, DeliveryAnswer), got
assert got.data.to_dict() == created.data.to_dict()

listed = list_deliveries.sync(client=client, status=[Status.PENDING, Status.ASSIGNED], limit=100)
assert isinstance(listed, Page), listed
assert id in {each.id for each in listed.data}

events = list_events.sync(id, client=client)
assert isinstance(events, EventsAnswer), events
assert events.data[0].event_type is EventType.DELIVERY_CREATED

tracked = track_delivery.sync(id, client=client)
assert isinstance(tracked, Tracking), tracked
assert tracked.reference == created.data.reference

cancelled = cancel_delivery.sync(id, client=client)
assert isinstance(cancelled, DeliveryAnswer), cancelled
assert cancelled.data.status is Status.CANCELLED

again = cancel_delivery.sync(id, client=client)
assert isinstance(again, Problem), again
assert again.status == 409

used = create_delivery.sync(client=client, body=order)
assert isinstance(used, Problem), used
assert used.error is ErrorCode.QUOTE_ALREADY_USED
