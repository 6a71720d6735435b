from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.finding import MOST_WORDS, findable, fits, wanted
from estafette.core.ids import new_id

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCOPE = Scope(uuid4(), Mode.LIVE)
DELIVERY = Delivery(
    id=new_id(),
    scope=SCOPE,
    progress=Progress(Status.PENDING, Status.PENDING),
    pickup=Stop("Жибек Жолы 21", city="Алматы", phone_e164="+77271110000"),
    dropoff=Stop(
        "Rua São João 15, ap. 4", city="Luanda", name="Дана Қ.", phone_e164="+77012345678"
    ),
    parcel=Parcel(1),
    fee=1,
    pickup_by=NOW,
    deliver_by=NOW,
    created_at=NOW,
    updated_at=NOW,
    external_ref="ORD-2026/778_A",
    reference="DLV-2026-00042",
    metadata={"shop": {"branch": "Abay-12"}, "n": [981_273, True]},
)


def finds(typed: str, delivery: Delivery = DELIVERY) -> bool:
    """Both as it is compared and as the index finds it."""
    terms = wanted(SCOPE, typed)
    there = set(findable(delivery).hashes)
    by_index = all(there & set(term.hashes) for term in terms)
    compared = fits(terms, delivery)
    assert by_index or not compared  # the index only narrows down
    return bool(terms) and compared


@pytest.mark.parametrize(
    "typed",
    [
        *("DLV-2026-00042", "dlv-2026", "00042", "ORD-2026/778_A", "778", "ord 778 a"),
        *("5678", "345678", "+7 701 234-56-78", "8 (701) 234 56 78", "87012345678", "0000"),
        *("жибек", "ЖИБЕК жолы 21", "sao joao 15", "São", "rua 15 4", "дана", "алматы"),
        *("abay-12", "branch abay"[7:], "981273"),
    ],
)
def test_a_delivery_is_found_by_what_people_know_of_it(typed: str) -> None:
    assert finds(typed)


@pytest.mark.parametrize(
    "typed",
    ["00043", "жибек абая", "567", "1234", "oao", "1", "true", "branch", "", "  ", "!?", "5679"],
)
def test_what_it_does_not_have_does_not_find_it(typed: str) -> None:
    assert not finds(typed)


def test_a_short_word_is_a_whole_one() -> None:
    assert finds("15")
    assert finds("4")
    assert not finds("2")


def test_another_tenant_has_other_hashes() -> None:
    other = replace(DELIVERY, scope=Scope(uuid4(), Mode.LIVE))
    assert not set(findable(DELIVERY).hashes) & set(findable(other).hashes)


def test_a_delivery_has_a_bounded_number_of_words() -> None:
    long = " ".join(f"word{number}" for number in range(10_000))
    told = findable(replace(DELIVERY, metadata={str(n): long for n in range(1000)}))
    assert len(told.content.split()) <= MOST_WORDS + 2
    assert len(told.hashes) <= 2 * MOST_WORDS + 2
