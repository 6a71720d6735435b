"""What binds a quote to a delivery."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from estafette.core.account import Mode, Scope
from estafette.core.errors import QuoteExpired, QuoteMismatch, QuoteUsed
from estafette.core.ids import new_id
from estafette.core.quote import VALIDITY, Quote

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def quote(**payload: object) -> Quote:
    return Quote(
        id=new_id(),
        scope=Scope(new_id(), Mode.SANDBOX),
        payload=payload,
        fee=990,
        pickup_within=timedelta(hours=2),
        delivery_within=timedelta(hours=10),
        created_at=NOW,
        expires_at=NOW + VALIDITY,
    )


def test_a_quote_binds_until_the_moment_it_expires() -> None:
    given = quote(weight=1)
    assert given.refusal({"weight": 1}, NOW + VALIDITY - MOMENT) is None
    refusal = given.refusal({"weight": 1}, NOW + VALIDITY)
    assert refusal == QuoteExpired(given.id, NOW + VALIDITY)


def test_what_was_not_quoted_is_free() -> None:
    assert quote(weight=1).refusal({"weight": 1, "name": "Dana"}, NOW) is None


def test_all_that_differs_is_named() -> None:
    given = quote(weight=1, origin="Almaty", destination="Astana")
    refusal = given.refusal({"weight": 2, "origin": "Almaty"}, NOW)
    assert refusal == QuoteMismatch(given.id, ("weight", "destination"))


def test_a_used_quote_says_so_although_it_has_expired_too() -> None:
    used_by = new_id()
    used = replace(quote(), used_by=used_by)
    assert used.refusal({}, NOW + VALIDITY) == QuoteUsed(used.id, used_by)
