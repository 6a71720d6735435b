"""Entrega's webhooks: body, signature, schedule."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.dialects.entrega.webhooks import RENDERER, SCHEDULE
from estafette.webhooks.message import Message

_MESSAGE = Message(
    id=UUID(int=9),
    scope=Scope(UUID(int=1), Mode.SANDBOX),
    endpoint_id=UUID(int=2),
    dialect="entrega",
    url="https://loja.example/hook",
    secret="whsec_abc",
    type="delivery.in_transit",
    attempt=2,
    event_id=UUID("0195602a-1d00-7abc-8def-0123456789ab"),
    ordinal=0,
    is_test=False,
    occurred_at=datetime(2026, 3, 4, 11, 5, 22, 345_000, tzinfo=UTC),
    delivery_id=UUID("0195602a-1d00-7abc-8def-0123456789ac"),
    reference="DLV-2026-00042",
    seq=5,
    status=Status.IN_TRANSIT,
    milestone=Status.IN_TRANSIT,
)


def test_body_is_the_one_of_the_contract() -> None:
    assert orjson.loads(RENDERER.render(_MESSAGE, 1).body) == {
        "id": "evt_0195602a-1d00-7abc-8def-0123456789ab",
        "event": "delivery.in_transit",
        "occurred_at": "2026-03-04T11:05:22Z",
        "delivery_id": "0195602a-1d00-7abc-8def-0123456789ac",
        "delivery_reference": "DLV-2026-00042",
        "data": {"status": "in_transit"},
    }


def test_metadata_is_told_when_there_is_some() -> None:
    told = replace(_MESSAGE, metadata={"checkout_id": "WEB-4821", "n": 1.5})
    data = orjson.loads(RENDERER.render(told, 1).body)["data"]
    assert data == {
        "status": "in_transit",
        "metadata": {"checkout_id": "WEB-4821", "n": 1.5},
    }


def test_headers_are_those_of_the_contract() -> None:
    rendered = RENDERER.render(_MESSAGE, 1)
    assert rendered.id == "evt_0195602a-1d00-7abc-8def-0123456789ab"
    wanted = hmac.new(b"whsec_abc", rendered.body, hashlib.sha256).hexdigest()
    assert {**rendered.headers, **rendered.signature} == {
        "content-type": "application/json",
        "user-agent": "Entrega-Webhooks/1.0",
        "x-entrega-signature": f"sha256={wanted}",
    }


def test_every_attempt_is_the_same() -> None:
    assert RENDERER.render(_MESSAGE, 1) == RENDERER.render(replace(_MESSAGE, attempt=9), 99)


@pytest.mark.parametrize("status", [Status.PENDING, Status.AWAITING_PAYMENT])
def test_creation_tells_the_status_that_it_began_with(status: Status) -> None:
    created = replace(_MESSAGE, type="delivery.created", seq=1, status=status, milestone=status)
    assert orjson.loads(RENDERER.render(created, 1).body)["data"] == {"status": status}


@pytest.mark.parametrize(
    ("type", "status"),
    [("delivery.created", "pending"), ("delivery.out_for_delivery", "out_for_delivery")],
)
def test_test_looks_like_any_other(type: str, status: str) -> None:
    test = replace(
        _MESSAGE,
        type=type,
        is_test=True,
        delivery_id=None,
        reference=None,
        seq=None,
        status=None,
        milestone=None,
    )
    told = orjson.loads(RENDERER.render(test, 1).body)
    assert told["data"] == {"status": status}
    assert told["delivery_id"] == "0195602a-1d00-7abc-8def-0123456789ab"
    assert told["delivery_reference"] == "DLV-0000-00000"


def test_ten_attempts_are_made_at_doubling_distances() -> None:
    assert SCHEDULE.max_attempts == 10
    assert SCHEDULE.delays_seconds == (60, 120, 240, 480, 960, 1920, 3840, 7680, 15360)
    assert SCHEDULE.timeout_seconds == 5
    assert SCHEDULE.next_attempt_delay(9, 0, None, lambda: 0.5) == 15360
    assert SCHEDULE.next_attempt_delay(10, 0, None, lambda: 0.5) is None
