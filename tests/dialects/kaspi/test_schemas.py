"""What a body may hold, field by field."""

import copy
from typing import Any

import pytest

from estafette.core.sandbox.scenario import SCENARIOS
from estafette.dialects.kaspi.schemas import (
    CancelRequest,
    Context,
    DeliveryRequest,
    QuoteRequest,
    TestRequest,
    read,
)
from estafette.http.refusals import InvalidRequest
from tests.edges import KASPI

_SANDBOX = Context("KZ", sandbox=True)
_LIVE = Context("KZ", sandbox=False)


def _body(changes: dict[str, Any]) -> dict[str, Any]:
    """A valid body with some fields, named by their paths, changed; `...` takes one away."""
    body = copy.deepcopy(KASPI.body("order-1"))
    for path, value in changes.items():
        *way, name = path.split(".")
        place = body
        for step in way:
            place = place[step]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return body


def _refused(
    body: Any, context: Context = _SANDBOX, model: Any = DeliveryRequest
) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        read(model, body, context)
    return {detail.field: detail.reason for detail in refused.value.details}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"externalOrderId": ...}, {"externalOrderId": "is required"}),
        ({"externalOrderId": ""}, {"externalOrderId": "must not be empty"}),
        ({"externalOrderId": " \t"}, {"externalOrderId": "must not be empty"}),
        ({"externalOrderId": 7}, {"externalOrderId": "must be a string"}),
        ({"externalOrderId": None}, {"externalOrderId": "must be a string"}),
        (
            {"externalOrderId": "x" * 501},
            {"externalOrderId": "must be at most 500 characters long"},
        ),
        ({"pickup": ...}, {"pickup": "is required"}),
        ({"pickup": "Almaty"}, {"pickup": "must be an object"}),
        ({"pickup.address": ...}, {"pickup.address": "is required"}),
        ({"pickup.contact": ...}, {"pickup.contact": "is required"}),
        ({"pickup.contact": []}, {"pickup.contact": "must be an object"}),
        ({"pickup.contact.name": ["x"]}, {"pickup.contact.name": "must be a string"}),
        ({"dropoff.notes": 5}, {"dropoff.notes": "must be a string"}),
        ({"dropoff.notes": "x" * 501}, {"dropoff.notes": "must be at most 500 characters long"}),
        ({"parcel.description": ""}, {"parcel.description": "must not be empty"}),
        ({"parcel.weightGrams": 0}, {"parcel.weightGrams": "must be at least 1"}),
        ({"parcel.weightGrams": -5}, {"parcel.weightGrams": "must be at least 1"}),
        ({"parcel.weightGrams": 1_000_001}, {"parcel.weightGrams": "must be at most 1000000"}),
        ({"parcel.weightGrams": 10**400}, {"parcel.weightGrams": "must be at most 1000000"}),
        ({"parcel.weightGrams": 1e300}, {"parcel.weightGrams": "must be at most 1000000"}),
        ({"parcel.weightGrams": 1.5}, {"parcel.weightGrams": "must be an integer"}),
        ({"parcel.weightGrams": "1200"}, {"parcel.weightGrams": "must be an integer"}),
        ({"parcel.weightGrams": True}, {"parcel.weightGrams": "must be an integer"}),
        ({"parcel.weightGrams": None}, {"parcel.weightGrams": "must be an integer"}),
        ({"parcel.valueKzt": -1}, {"parcel.valueKzt": "must be at least 0"}),
        ({"parcel.valueKzt": 2**53}, {"parcel.valueKzt": "must be at most 9007199254740991"}),
        ({"parcel.valueKzt": False}, {"parcel.valueKzt": "must be an integer"}),
        ({"quoteId": "quo_1"}, {"quoteId": "is unknown"}),
        ({"quoteId": 1}, {"quoteId": "must be a string"}),
        (
            {"parcel": {}, "pickup.contact.phone": "none", "dropoff.address": 3},
            {
                "parcel.description": "is required",
                "parcel.weightGrams": "is required",
                "parcel.valueKzt": "is required",
                "pickup.contact.phone": "must be a phone number, such as +7 771 000 9998",
                "dropoff.address": "must be a string",
            },
        ),
    ],
)
def test_bad_fields_are_named_all_at_once(changes: dict[str, Any], reasons: dict[str, str]) -> None:
    assert _refused(_body(changes)) == reasons


@pytest.mark.parametrize("body", [None, [], "text", 5, [{}], True])
def test_body_must_be_an_object(body: Any) -> None:
    assert _refused(body) == {"body": "must be an object"}


@pytest.mark.parametrize(
    "changes",
    [
        {"externalOrderId": "x" * 500},
        {"pickup.address": "Ж" * 500},
        {"parcel.weightGrams": 1},
        {"parcel.weightGrams": 1_000_000},
        {"parcel.weightGrams": 1200.0},
        {"parcel.valueKzt": 0},
        {"parcel.valueKzt": 2**53 - 1},
        {"dropoff.notes": ...},
        {"dropoff.notes": None},
        {"dropoff.notes": ""},
        {"pickup.notes": "sandbox:of no meaning here"},
        {"quoteId": None},
        {"new": {"field": [1]}, "pickup.floor": 3, "parcel.fragile": True},
    ],
)
def test_what_the_contract_allows_is_accepted(changes: dict[str, Any]) -> None:
    assert read(DeliveryRequest, _body(changes), _SANDBOX)


@pytest.mark.parametrize(
    "phone",
    ["+7 727 111 0000", "87271110000", "8 (701) 111-11-11", "+244 923 000 000", "+1 650 253 0000"],
)
def test_phone_that_its_country_could_have_given_out_is_accepted(phone: str) -> None:
    assert read(DeliveryRequest, _body({"pickup.contact.phone": phone}), _LIVE)


@pytest.mark.parametrize(
    "phone", ["", "110000", "111 00 00", "+7 727 111 00", "+7 727 111 0000 11", "call me", "+999 1"]
)
def test_phone_that_nobody_can_have_is_refused(phone: str) -> None:
    assert "pickup.contact.phone" in _refused(_body({"pickup.contact.phone": phone}), _LIVE)


def test_unknown_scenario_is_refused_in_the_sandbox_and_names_the_known_ones() -> None:
    body = _body({"dropoff.notes": "Please sandbox:explode now"})
    reason = _refused(body)["dropoff.notes"]
    assert "sandbox:explode" in reason
    assert all(name in reason for name in SCENARIOS)
    assert read(DeliveryRequest, body, _LIVE)


@pytest.mark.parametrize("name", SCENARIOS)
def test_known_scenario_is_accepted(name: str) -> None:
    assert read(DeliveryRequest, _body({"dropoff.notes": f"sandbox:{name}"}), _SANDBOX)


def test_quote_needs_addresses_and_a_weight() -> None:
    reasons = _refused({"pickup": {}, "parcel": {}}, model=QuoteRequest)
    assert reasons == {
        "pickup.address": "is required",
        "dropoff": "is required",
        "parcel.weightGrams": "is required",
    }


def test_reason_of_a_cancellation_is_optional() -> None:
    for body in ({}, {"reason": None}, {"reason": ""}, {"reason": "x" * 500}, {"other": 1}):
        assert read(CancelRequest, body, _LIVE)
    assert _refused({"reason": 5}, model=CancelRequest) == {"reason": "must be a string"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "a.example",
        "http://",
        "http://user:password@a.example/",
        "http://2130706433/",
        "http://a.example:99999/",
        "http://a b/",
        "x" * 501,
        5,
    ],
)
def test_address_of_a_test_must_be_one_that_webhooks_go_to(url: Any) -> None:
    assert set(_refused({"url": url}, model=TestRequest)) == {"url"}


def test_type_of_a_test_must_be_one_of_the_contract() -> None:
    assert "delivery.created" in _refused({"type": "created"}, model=TestRequest)["type"]
    assert read(TestRequest, {"type": "delivery.delivered", "url": "https://a.example/x"}, _LIVE)
