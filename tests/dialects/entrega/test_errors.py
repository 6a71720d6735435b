"""Every refusal there is has its answer in Entrega's shape."""

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
    HourIsFull,
    IdempotencyMismatch,
    QuoteExpired,
    QuoteMismatch,
    QuoteUsed,
    Refusal,
    ScheduleInvalid,
)
from estafette.core.money.payment import PaymentMethod
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.dialects.entrega.errors import (
    CODES,
    KINDS,
    InvalidBody,
    InvalidQuery,
    Unauthorized,
    errors,
)
from estafette.http.refusals import Detail, HttpRefusal, MethodRefused, RateLimited
from tests.edges import ENTREGA

_GOLDEN = Path(__file__).parent / "golden" / "refusals.json"
_ID = UUID("0195602a-1d00-7abc-8def-0123456789ab")
_ERRORS = errors("https://delivery.example")
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
    str | None: None,
    bool: True,
    int: 7,
    datetime: datetime(2026, 3, 4, tzinfo=UTC),
    tuple[str, ...]: ("parcel",),
    tuple[Detail, ...]: (Detail("a", "is wrong"), Detail("b.c", "is wrong")),
}
_OURS = ("estafette.core.", "estafette.http.", "estafette.dialects.entrega.")


def _tree(root: type[Exception]) -> Iterator[type[Exception]]:
    """All refusals that this dialect can meet: other edges have their own."""
    for kind in root.__subclasses__():
        if kind.__module__.startswith(_OURS):
            yield kind
            yield from _tree(kind)


def _answer(refusal: Refusal | HttpRefusal) -> tuple[int, dict[str, Any], dict[str, str]]:
    reply = _ERRORS.reply(refusal)
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    ENTREGA.check_error(reply.status, {**headers, "x-request-id": "x"}, reply.body)
    return reply.status, orjson.loads(reply.body), headers


def _golden(name: str) -> Any:
    return json.loads(_GOLDEN.read_text("utf-8"))[name]


@pytest.mark.parametrize(
    "kind", [*_tree(Refusal), *_tree(HttpRefusal)], ids=lambda kind: kind.__name__
)
def test_refusal_is_answered_in_the_shape_of_the_contract(kind: Any) -> None:
    refusal = kind(**{field.name: _SAMPLES[field.type] for field in fields(kind)})
    status, told, headers = _answer(refusal)
    assert _golden(kind.__name__) == {"status": status, "headers": headers, "body": told}
    assert told["type"] == f"https://delivery.example/errors/{KINDS[status].slug}"
    if isinstance(refusal, Refusal):
        is_conflict = refusal.is_conflict or kind is IdempotencyMismatch
        # the contract answers a used quote like every other fault of a quote
        assert (status == 409) is (is_conflict and kind is not QuoteUsed)


def test_missing_key_is_answered_as_published() -> None:
    status, told, headers = _answer(Unauthorized())
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert told == {
        "type": "https://delivery.example/errors/unauthorized",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Missing or invalid API key",
    }


def test_filters_are_answered_as_published() -> None:
    fault = Detail("status", "unknown status value(s): banana")
    assert _answer(InvalidQuery((fault,)))[1] == {
        "type": "https://delivery.example/errors/unprocessable_entity",
        "title": "Validation Error",
        "status": 422,
        "detail": "One or more query params are invalid",
        "errors": [{"param": "status", "reason": "unknown status value(s): banana"}],
    }


def test_bad_fields_are_all_named_with_the_code_of_the_gravest() -> None:
    details = (Detail("quote_id", "is required"), Detail("parcel", "is required"))
    _, told, _ = _answer(InvalidBody(details, "quote_id_required"))
    assert told["error"] == "quote_id_required"
    assert told["detail"] == "quote_id is required (and 1 more)"
    assert told["errors"] == [
        {"field": "quote_id", "reason": "is required"},
        {"field": "parcel", "reason": "is required"},
    ]


def test_conflict_of_a_cancellation_tells_the_status() -> None:
    _, told, _ = _answer(CancelRefused(Status.PICKUP_READY, Status.PICKUP_READY))
    assert "pickup_ready" in told["detail"]


@pytest.mark.parametrize(
    ("refusal", "code", "named"),
    [
        (QuoteExpired(_ID, datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)), "quote_expired", None),
        (QuoteUsed(_ID, _ID), "quote_already_used", None),
        (QuoteMismatch(_ID, ("origin", "parcel")), "quote_payload_mismatch", ["origin", "parcel"]),
        (
            ScheduleInvalid("pickup", "must be in the future"),
            "scheduled_window_invalid",
            ["scheduled_pickup_at"],
        ),
    ],
)
def test_faults_of_a_creation_have_codes(
    refusal: Refusal, code: str, named: list[str] | None
) -> None:
    status, told, _ = _answer(refusal)
    assert (status, told["error"]) == (422, code)
    assert [each["field"] for each in told.get("errors", ())] == (named or [])


def test_rate_limit_tells_when_to_come_back() -> None:
    status, _, headers = _answer(RateLimited(3))
    assert (status, headers["retry-after"]) == (429, "3")


def test_wrong_method_names_the_right_ones() -> None:
    status, _, headers = _answer(MethodRefused(("DELETE", "GET", "HEAD")))
    assert (status, headers["allow"]) == (405, "DELETE, GET, HEAD")


def test_words_without_the_dialects_code_have_its_shape() -> None:
    for status in (400, 408, 429, 500, 503):
        content_type, body = _ERRORS.words(status)
        headers = {"content-type": content_type}
        told = {"status": status, "headers": headers, "body": orjson.loads(body)}
        assert told == _golden(str(status))
        if status in (400, 500):  # the others get more headers from who asks for the words
            ENTREGA.check_error(status, {**headers, "x-request-id": "x"}, body)
    assert _ERRORS.words(502) == _ERRORS.words(500)


def test_codes_are_those_of_the_contract() -> None:
    assert len(set(CODES)) == len(CODES) == 13


def test_one_bad_field_is_told_alone() -> None:
    _, told, _ = _answer(InvalidBody((Detail("parcel", "is required"),)))
    assert told["detail"] == "parcel is required"


def test_a_key_whose_hour_is_full_is_told_so_wherever_its_pages_are() -> None:
    _, told, headers = _answer(HourIsFull(False, 7))
    assert told["detail"] == ("No more deliveries can be created with this key now; retry later")
    assert headers["retry-after"] == "7"
