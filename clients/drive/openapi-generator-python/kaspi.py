"""Kaspi's API by a Python client of openapi-generator: a server's base address and an API key."""

import sys
from uuid import uuid4

from openapi_client import (
    ApiClient,
    CancelRequest,
    Configuration,
    Contact,
    DeliveriesApi,
    DeliveryRequest,
    DeliveryStatus,
    Location,
    Parcel,
    TestWebhookRequest,
    WebhooksApi,
)
from openapi_client.exceptions import BadRequestException, ConflictException

_, base, key = sys.argv
client = ApiClient(Configuration(host=base, api_key={"ApiKeyAuth": key}))
deliveries = DeliveriesApi(client)

order = DeliveryRequest(
    externalOrderId=f"order-{uuid4()}",
    pickup=Location(
        address="55 Tole Bi, Almaty", contact=Contact(name="Warehouse 2", phone="+7 727 222 0000")
    ),
    dropoff=Location(
        address="9 Dostyk Ave, Almaty", contact=Contact(name="Aigerim S.", phone="+7 705 222 2222")
    ),
    parcel=Parcel(description="Books", weightGrams=900, valueKzt=24_000),
)
created = deliveries.create_delivery(order, idempotency_key=str(uuid4()))
assert created.status is DeliveryStatus.CREATED

got = deliveries.get_delivery(created.delivery_id, include_history=True)
assert got.external_order_id == order.external_order_id
assert got.parcel == order.parcel
assert got.history
assert got.history[0].status is DeliveryStatus.CREATED

wanted = [DeliveryStatus.CREATED, DeliveryStatus.ACCEPTED]
listed = deliveries.list_deliveries(status=wanted, limit=100)
assert created.delivery_id in {each.delivery_id for each in listed.data}

cancelled = deliveries.cancel_delivery(
    created.delivery_id, cancel_request=CancelRequest(reason="The customer changed the address")
)
assert cancelled.status is DeliveryStatus.CANCELLED

try:
    deliveries.cancel_delivery(created.delivery_id)
except ConflictException as error:
    assert error.data
    assert error.data.code == "conflict", error.data
else:
    raise AssertionError("It was cancelled twice")

try:
    WebhooksApi(client).send_test_webhook(TestWebhookRequest(url="nowhere"))
except BadRequestException as error:
    assert error.data
    assert error.data.details[0].var_field == "url", error.data
else:
    raise AssertionError("A webhook was sent to nowhere")
