"""Kaspi's webhooks: body, signature, schedule."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.dialects.kaspi.webhooks import RENDERER, SCHEDULE
from estafette.webhooks.message import Message

_MESSAGE = Message(
    id=UUID(int=9),
    scope=Scope(UUID(int=1), Mode.SANDBOX),
    endpoint_id=UUID(int=2),
    dialect="kaspi",
    url="https://shop.example/hook",
    secret="whsec_abc",
    type="delivery.out_for_delivery",
    attempt=2,
    event_id=UUID("0195602a-1d00-7abc-8def-0123456789ab"),
    ordinal=0,
    is_test=False,
    occurred_at=datetime(2024, 6, 12, 11, 5, 22, 345_000, tzinfo=UTC),
    delivery_id=UUID("0195602a-1d00-7abc-8def-0123456789ac"),
    external_ref="order-2024-0191",
    seq=5,
    status=Status.OUT_FOR_DELIVERY,
    milestone=Status.OUT_FOR_DELIVERY,
)


def test_body_is_the_one_of_the_contract() -> None:
    rendered = RENDERER.render(_MESSAGE, 1_718_190_322)
    assert orjson.loads(rendered.body) == {
        "eventId": "wh_agkwakq5ab5lzdppaerukz4jvm",
        "type": "delivery.out_for_delivery",
        "attempt": 2,
        "data": {
            "deliveryId": "dlv_agkwakq5ab5lzdppaerukz4jvq",
            "externalOrderId": "order-2024-0191",
            "status": "out_for_delivery",
            "timestamp": "2024-06-12T11:05:22Z",
        },
    }
    assert rendered.id == "wh_agkwakq5ab5lzdppaerukz4jvm"
    assert rendered.headers == {"Content-Type": "application/json", "User-Agent": "Estafette"}


def test_signature_can_be_checked_with_the_secret_and_nothing_else() -> None:
    rendered = RENDERER.render(_MESSAGE, 1_718_190_397)  # later than the event
    assert rendered.signature["X-Kaspi-Timestamp"] == "1718190397"
    signed = rendered.signature["X-Kaspi-Timestamp"].encode() + b"." + rendered.body
    wanted = hmac.new(b"whsec_abc", signed, hashlib.sha256).hexdigest()
    assert rendered.signature["X-Kaspi-Signature"] == wanted


def test_every_attempt_is_signed_afresh_under_the_same_event_id() -> None:
    first = RENDERER.render(_MESSAGE, 1_718_190_322)
    second = RENDERER.render(replace(_MESSAGE, attempt=3), 1_718_190_382)
    assert first.signature["X-Kaspi-Signature"] != second.signature["X-Kaspi-Signature"]
    ids = {orjson.loads(rendered.body)["eventId"] for rendered in (first, second)}
    assert len(ids) == 1


def test_announcements_of_one_event_have_ids_of_their_own() -> None:
    second = RENDERER.render(replace(_MESSAGE, ordinal=1), 1)
    assert orjson.loads(second.body)["eventId"] == "wh_agkwakq5ab5lzdppaerukz4jvm1"


def test_status_is_that_of_the_type_when_the_delivery_jumped_further() -> None:
    jumped = replace(_MESSAGE, type="delivery.accepted", status=Status.IN_TRANSIT)
    assert orjson.loads(RENDERER.render(jumped, 1).body)["data"]["status"] == "accepted"


def test_a_test_is_marked_by_its_event_id() -> None:
    test = replace(
        _MESSAGE,
        type="delivery.created",
        is_test=True,
        delivery_id=None,
        external_ref=None,
        seq=None,
        status=None,
        milestone=None,
    )
    told = orjson.loads(RENDERER.render(test, 1).body)
    assert told["eventId"] == "wh_test_agkwakq5ab5lzdppaerukz4jvm"
    assert told["data"]["status"] == "created"
    assert told["data"]["deliveryId"] == "dlv_agkwakq5ab5lzdppaerukz4jvm"
    assert told["data"]["externalOrderId"] == "test-order"


def test_schedule_doubles_from_a_minute_and_ends_after_a_day() -> None:
    assert SCHEDULE.delays_seconds == tuple(60 * 2**step for step in range(10))
    assert SCHEDULE.jitter == 0.1
    assert SCHEDULE.timeout_seconds == 5
    assert SCHEDULE.last_attempt_seconds == 24 * 60 * 60


def test_a_delivery_without_an_order_is_told_with_an_empty_one() -> None:
    rendered = RENDERER.render(replace(_MESSAGE, external_ref=None), 1)
    assert orjson.loads(rendered.body)["data"]["externalOrderId"] == ""
