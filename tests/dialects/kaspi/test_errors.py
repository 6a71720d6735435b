"""Every refusal there is has its answer in Kaspi's shape."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from estafette.core.accounts.acts import Act
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import (
    CancelRefused,
    IdempotencyMismatch,
    OrderConflict,
    OutOfCoverage,
    QuoteExpired,
    QuoteMismatch,
    Refusal,
)
from estafette.core.money.payment import PaymentMethod
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.dialects.kaspi.errors import ERRORS
from estafette.http.refusals import Detail, HttpRefusal, InvalidRequest, MethodRefused, RateLimited
from tests.edges import KASPI

_GOLDEN = Path(__file__).parent / "golden" / "refusals.json"
_ID = UUID("0195602a-1d00-7abc-8def-0123456789ab")
_SAMPLES: dict[Any, Any] = {
    UUID: _ID,
    UUID | None: _ID,
    Status: Status.IN_TRANSIT,
    PaymentMethod: PaymentMethod.COD,
    ProofStage: ProofStage.DROPOFF,
    tuple[ProofKind, ...]: (ProofKind.PHOTO, ProofKind.AGE),
    tuple[PaymentMethod, ...]: (PaymentMethod.PREPAID,),
    Act: Act.CANCEL,
    tuple[Act, ...]: (Act.READ, Act.QUOTE),
    str: "text",
    str | None: "Almaty",
    bool: True,
    int: 7,
    datetime: datetime(2026, 3, 4, tzinfo=UTC),
    tuple[str, ...]: ("parcel.weightGrams",),
    tuple[Detail, ...]: (Detail("a", "is wrong"), Detail("b.c", "is wrong")),
}
_OURS = ("estafette.core.", "estafette.http.", "estafette.dialects.kaspi.")


def _tree(root: type[Exception]) -> Iterator[type[Exception]]:
    """All refusals that this dialect can meet: other edges have their own."""
    for kind in root.__subclasses__():
        if kind.__module__.startswith(_OURS):
            yield kind
            yield from _tree(kind)


def _sample(kind: Any) -> Refusal | HttpRefusal:
    """A refusal of this kind with something in each field."""
    return kind(**{field.name: _SAMPLES[field.type] for field in fields(kind)})


def _answer(refusal: Refusal | HttpRefusal) -> tuple[int, dict[str, Any], dict[str, str]]:
    reply = ERRORS.reply(refusal)
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    KASPI.check_error(reply.status, {**headers, "x-request-id": "x"}, reply.body)
    return reply.status, orjson.loads(reply.body), headers


def _golden(name: str) -> Any:
    return json.loads(_GOLDEN.read_text("utf-8"))[name]


@pytest.mark.parametrize(
    "kind", [*_tree(Refusal), *_tree(HttpRefusal)], ids=lambda kind: kind.__name__
)
def test_refusal_is_answered_in_the_shape_of_the_contract(kind: type[Exception]) -> None:
    refusal = _sample(kind)
    status, told, headers = _answer(refusal)
    assert _golden(kind.__name__) == {"status": status, "headers": headers, "body": told}
    if isinstance(refusal, Refusal):
        assert (status == 409) is (refusal.is_conflict or kind is IdempotencyMismatch)


@pytest.mark.parametrize(
    ("status", "milestone", "message"),
    [
        (Status.IN_TRANSIT, Status.IN_TRANSIT, "Delivery is already in transit"),
        (Status.STALLED, Status.IN_TRANSIT, "Delivery is already in transit"),
        (Status.OUT_FOR_DELIVERY, Status.OUT_FOR_DELIVERY, "Delivery is already out for delivery"),
        (Status.DELIVERED, Status.DELIVERED, "Delivery is already delivered"),
        (Status.CANCELLED, Status.CANCELLED, "Delivery is already cancelled"),
        (Status.FAILED, Status.OUT_FOR_DELIVERY, "Delivery has already failed"),
    ],
)
def test_refused_cancellation_says_where_the_delivery_is(
    status: Status, milestone: Status, message: str
) -> None:
    assert _answer(CancelRefused(status, milestone))[:2] == (
        409,
        {"code": "conflict", "message": message},
    )


def test_order_conflict_names_the_delivery_that_exists() -> None:
    _, told, _ = _answer(OrderConflict("order-1", _ID))
    assert (
        told["message"] == "Order order-1 already has the delivery dlv_agkwakq5ab5lzdppaerukz4jvm"
    )


def test_rate_limit_tells_when_to_come_back() -> None:
    status, told, headers = _answer(RateLimited(3))
    assert (status, headers["retry-after"]) == (429, "3")
    assert told == {"code": "rate_limited", "message": "Too many requests"}


def test_wrong_method_names_the_right_ones() -> None:
    status, _, headers = _answer(MethodRefused(("GET", "HEAD", "POST")))
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST")


def test_bad_fields_are_all_named() -> None:
    _, told, _ = _answer(InvalidRequest((Detail("a.b", "is required"), Detail("c", "is bad"))))
    assert told == {
        "code": "invalid_request",
        "message": "a.b is required (and 1 more)",
        "details": [
            {"field": "a.b", "reason": "is required"},
            {"field": "c", "reason": "is bad"},
        ],
    }


def test_quote_that_does_not_fit_names_the_fields() -> None:
    _, told, _ = _answer(QuoteMismatch(_ID, ("pickup.address", "parcel.weightGrams")))
    assert [detail["field"] for detail in told["details"]] == [
        "pickup.address",
        "parcel.weightGrams",
    ]


def test_expired_quote_says_since_when() -> None:
    _, told, _ = _answer(QuoteExpired(_ID, datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)))
    assert told["details"][0]["reason"] == "has expired at 2026-03-04T05:06:07Z"


@pytest.mark.parametrize(
    ("origin", "destination", "says"),
    [
        (None, "Astana", "pickup address"),
        ("Almaty", None, "drop-off address"),
        ("Almaty", "Astana", "7 g from Almaty to Astana"),
    ],
)
def test_out_of_coverage_says_what_is_not_covered(
    origin: str | None, destination: str | None, says: str
) -> None:
    status, told, _ = _answer(OutOfCoverage(origin, destination, 7))
    assert (status, told["code"]) == (422, "out_of_coverage")
    assert says in told["message"]


def test_words_without_the_dialects_code_have_its_shape() -> None:
    for status in (400, 408, 429, 500, 503):
        content_type, body = ERRORS.words(status)
        headers = {"content-type": content_type}
        told = {"status": status, "headers": headers, "body": orjson.loads(body)}
        assert told == _golden(str(status))
        if status in (400, 500):  # the others get more headers from who asks for the words
            KASPI.check_error(status, {**headers, "x-request-id": "x"}, body)
    assert ERRORS.words(502) == ERRORS.words(500)
