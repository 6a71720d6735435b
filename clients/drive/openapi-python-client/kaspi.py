"""Kaspi's API by a client of openapi-python-client: a server's base address and an API key."""

import sys
from uuid import uuid4

from kaspi_delivery_api_client import AuthenticatedClient
from kaspi_delivery_api_client.api.deliveries import (
    cancel_delivery,
    create_delivery,
    get_delivery,
    list_deliveries,
)
from kaspi_delivery_api_client.api.webhooks import send_test_webhook
from kaspi_delivery_api_client.models import (
    CancelRequest,
    Contact,
    Delivery,
    DeliveryCreated,
    DeliveryList,
    DeliveryRequest,
    DeliveryStatus,
    ErrorCode,
    ErrorResponse,
    InvalidRequestResponse,
    Location,
    Parcel,
    TestWebhookRequest,
)

_, base, key = sys.argv
client = AuthenticatedClient(base, key, prefix="", auth_header_name="x-api-key")

order = DeliveryRequest(
    external_order_id=f"order-{uuid4()}",
    pickup=Location("55 Tole Bi, Almaty", Contact("Warehouse 2", "+7 727 222 0000")),
    dropoff=Location("9 Dostyk Ave, Almaty", Contact("Aigerim S.", "+7 705 222 2222")),
    parcel=Parcel("Books", 900, 24_000),
)
created = create_delivery.sync(client=client, body=order, idempotency_key=str(uuid4()))
assert isinstance(created, DeliveryCreated), created
assert created.status is DeliveryStatus.CREATED
assert created.eta.pickup_by < created.eta.delivery_by

got = get_delivery.sync(created.delivery_id, client=client, include_history=True)
assert isinstance(got, Delivery), got
assert got.external_order_id == order.external_order_id
assert got.parcel == order.parcel
assert isinstance(got.history, list)
assert got.history[0].status is DeliveryStatus.CREATED

wanted = [DeliveryStatus.CREATED, DeliveryStatus.ACCEPTED]
listed = list_deliveries.sync(client=client, status=wanted, limit=100)
assert isinstance(listed, DeliveryList), listed
assert created.delivery_id in {each.delivery_id for each in listed.data}

cancelled = cancel_delivery.sync(
    created.delivery_id, client=client, body=CancelRequest("The customer changed the address")
)
assert isinstance(cancelled, Delivery), cancelled
assert cancelled.status is DeliveryStatus.CANCELLED

again = cancel_delivery.sync(created.delivery_id, client=client)
assert isinstance(again, ErrorResponse), again
assert again.code is ErrorCode.CONFLICT

elsewhere = send_test_webhook.sync(client=client, body=TestWebhookRequest(url="nowhere"))
assert isinstance(elsewhere, InvalidRequestResponse), elsewhere
assert elsewhere.details[0].field == "url"
