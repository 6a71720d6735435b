"""What of a delivery is personal data, and what is left when it is erased."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.personal_data import erased, erased_answer, phones_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STOP = Stop(
    address="Rua Rainha Ginga 31",
    city="Luanda",
    province="Luanda",
    name="Dana Silva",
    phone="923 000 001",
    phone_e164="+244923000001",
    notes="Ring twice",
    latitude=-8.8,
    longitude=13.2,
)
DELIVERY = Delivery(
    id=UUID(int=1),
    scope=Scope(UUID(int=2), Mode.LIVE),
    progress=Progress(Status.DELIVERED, Status.DELIVERED),
    pickup=STOP,
    dropoff=replace(STOP, phone_e164="+244923000002"),
    parcel=Parcel(1200, "A ring", 500),
    fee=1800,
    pickup_by=NOW,
    deliver_by=NOW,
    created_at=NOW,
    updated_at=NOW,
    reference="DLV-2026-00042",
    metadata={"customer": "Dana"},
    require_pin=True,
    pin="sealed:x",
)


def test_an_erased_delivery_keeps_what_figures_are_made_of_and_no_person() -> None:
    stop = Stop(
        address="erased",
        city="Luanda",
        province="Luanda",
        name="erased",
        phone="+00000000000",
        phone_e164="+00000000000",
        notes="erased",
    )
    assert erased(DELIVERY) == replace(
        DELIVERY,
        pickup=stop,
        dropoff=stop,
        parcel=Parcel(1200, "erased", 500),
        metadata=None,
        pin=None,
    )


def test_what_was_not_said_is_not_shown_as_erased() -> None:
    bare = replace(DELIVERY, pickup=Stop("a"), dropoff=Stop("b"), parcel=Parcel(1))
    assert erased(bare).pickup == erased(bare).dropoff == Stop("erased")
    assert erased(bare).parcel == Parcel(1)


def test_the_phones_of_a_delivery_are_those_of_both_its_stops() -> None:
    assert phones_of(DELIVERY) == {"+244923000001", "+244923000002"}
    assert phones_of(replace(DELIVERY, pickup=Stop("a"))) == {"+244923000002"}
    assert phones_of(erased(DELIVERY)) == set()


@pytest.mark.parametrize(
    ("told", "shown", "left"),
    [
        (
            {"id": "d1", "name": "Dana"},
            {"id": "d2", "name": "erased"},
            {"id": "d1", "name": "erased"},
        ),
        ({"id": "d1", "metadata": {"customer": "Dana"}}, {"id": "d1"}, {"id": "d1"}),
        ({"id": "d1"}, {"id": "d1", "name": "erased"}, {"id": "d1"}),
        (
            {"stop": {"name": "Dana", "extra": 1}},
            {"stop": {"name": "erased", "city": "Luanda"}},
            {"stop": {"name": "erased"}},
        ),
        ({"stop": "Dana's"}, {"stop": {"name": "erased"}}, {"stop": {"name": "erased"}}),
        ({"stop": {"name": "Dana"}}, {"stop": None}, {"stop": None}),
        (
            {"stop": {"at": {"lat": 1, "lng": 2}}},
            {"stop": {"at": {"lat": None, "map": None}}},
            {"stop": {"at": {"lat": None}}},
        ),
    ],
)
def test_of_an_answer_that_is_kept_no_more_is_left_than_is_shown_of_an_erased_delivery(
    told: dict[str, object], shown: dict[str, object], left: dict[str, object]
) -> None:
    assert erased_answer(told, shown, {"id"}) == left
