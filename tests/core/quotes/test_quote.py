"""What binds a quote to a payload."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.errors import QuoteCompanyMismatch, QuoteExpired, QuoteMismatch, QuoteUsed
from estafette.core.quotes.quote import VALIDITY, Quote, comparable
from estafette.store.quotes.table import digests

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
BOUND = digests({"origin": {"city": "Luanda"}, "parcel": {"weight_grams": 1200}})


def quote(**fields: Any) -> Quote:
    made: dict[str, Any] = {
        "id": UUID(int=1),
        "scope": Scope(UUID(int=2), Mode.LIVE),
        "bound": BOUND,
        "fee": 1,
        "pickup_within": timedelta(seconds=30),
        "delivery_within": timedelta(minutes=10),
        "created_at": NOW,
        "expires_at": NOW + VALIDITY,
        "company_id": UUID(int=3),
    }
    return Quote(**made | fields)


def test_the_first_fault_in_a_fixed_order_is_told() -> None:
    used = {"used_by": UUID(int=9)}
    late, other = NOW + VALIDITY, UUID(int=4)
    assert quote(**used).refusal({}, late, other) == QuoteCompanyMismatch(
        UUID(int=1), UUID(int=3), other
    )
    assert quote(**used).refusal({}, late, UUID(int=3)) == QuoteUsed(UUID(int=1), UUID(int=9))
    assert quote().refusal({}, late) == QuoteExpired(UUID(int=1), late)
    assert quote().refusal({}, NOW) == QuoteMismatch(UUID(int=1), ("origin", "parcel"))
    assert quote().refusal(BOUND, NOW, UUID(int=3)) is None


def test_a_begun_minute_counts() -> None:
    assert quote().eta_minutes == 11
    assert quote(pickup_within=timedelta(0)).eta_minutes == 10


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": None}, {}, True),
        ({"a": {"b": None}}, {"a": {}}, True),
        ({"a": {}}, {}, False),
        ([None], [], False),
        (1200, 1200.0, True),
        (1200, 1201, False),
        ("Maiánga", "Maia\u0301nga", True),
        ({"Maiánga": 1}, {"Maia\u0301nga": 1}, True),
        ("Maianga", "Maiánga", False),
        ("a", "a ", False),
        ("a", "A", False),
        ("1", 1, False),
        (True, 1, False),
        ({"a": [False]}, {"a": [0]}, False),
        ({"a": [True, 2]}, {"a": [True, 2.0]}, True),
    ],
)
def test_payloads_are_compared_as_json_values(one: object, other: object, equal: bool) -> None:
    quoted = quote(bound=digests({"a": one}))
    assert (quoted.refusal(digests({"a": other}), NOW) is None) is equal


def test_a_quote_binds_until_the_moment_it_expires() -> None:
    given = quote(bound=digests({"weight": 1}))
    assert given.refusal(digests({"weight": 1}), NOW + VALIDITY - MOMENT) is None
    refusal = given.refusal(digests({"weight": 1}), NOW + VALIDITY)
    assert refusal == QuoteExpired(given.id, NOW + VALIDITY)


def test_what_was_not_quoted_is_free() -> None:
    given = quote(bound=digests({"weight": 1}))
    assert given.refusal(digests({"weight": 1, "name": "Dana"}), NOW) is None


def test_a_digest_is_as_long_as_any_other_and_tells_nothing() -> None:
    short, long = digests({"a": 1, "b": "Rua da Missão" * 30}).values()
    assert len(short) == len(long) == 64
    assert "Missão" not in long


def test_all_that_differs_is_named() -> None:
    given = quote(bound=digests({"weight": 1, "origin": "Almaty", "destination": "Astana"}))
    refusal = given.refusal(digests({"weight": 2, "origin": "Almaty"}), NOW)
    assert refusal == QuoteMismatch(given.id, ("weight", "destination"))


def test_a_used_quote_says_so_although_it_has_expired_too() -> None:
    used_by = UUID(int=9)
    used = quote(used_by=used_by, bound={})
    assert used.refusal({}, NOW + VALIDITY) == QuoteUsed(used.id, used_by)


@pytest.mark.parametrize(
    ("value", "compared"),
    [
        (-float(2**63), -(2**63)),
        (-float(2**63) * 1.5, -float(2**63) * 1.5),
        (float(2**64) - 2**11, 2**64 - 2**11),
        (float(2**64), float(2**64)),
        (0.5, 0.5),
        ("e\u0301" * 500, "é" * 500),
        ("e\u0301" * 500 + "x", "e\u0301" * 500 + "x"),  # longer than what is ordered
    ],
)
def test_numbers_and_texts_are_compared_in_one_form_as_far_as_that_is_safe(
    value: object, compared: object
) -> None:
    assert repr(comparable(value)) == repr(compared)
