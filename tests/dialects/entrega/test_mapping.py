"""Between the core's words and Entrega's, from golden file to golden file."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Capabilities, Company, Connector, Hours
from estafette.core.deliveries import personal_data
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.schedule import Schedule
from estafette.core.money.payment import BankAccount, Payment, PaymentMethod
from estafette.core.quotes.quote import Quote
from estafette.dialects.entrega import mapping, words
from estafette.dialects.entrega.mapping import DIALECT
from estafette.dialects.entrega.schemas import read_delivery
from estafette.http.fields import Context
from estafette.usecases.deliveries.tracking import TrackedDelivery, TrackedStep

_GOLDEN = Path(__file__).parent / "golden"
_SCOPE = Scope(UUID(int=1), Mode.SANDBOX)
_URL = "https://delivery.example"
_BEGIN = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
_ID = UUID("0195602a-1d00-7abc-8def-0123456789ab")
_ORIGIN = Stop(
    address="Rua Rainha Ginga 31",
    city="Luanda",
    province="Luanda",
    name="Loja Kianda",
    phone="222 333 444",
    phone_e164="+244222333444",
)
_DESTINATION = Stop(
    address="Avenida Brasil 110, Maiánga",
    city="Luanda",
    province="Luanda",
    name="Teresa M.",
    latitude=-8.8259,
    longitude=13.2343,
)
_PARCEL = Parcel(900, "Livros", 15_000)
_DELIVERY = Delivery(
    id=_ID,
    scope=_SCOPE,
    progress=Progress(Status.IN_TRANSIT, Status.IN_TRANSIT, seq=3),
    pickup=_ORIGIN,
    dropoff=_DESTINATION,
    parcel=_PARCEL,
    fee=2500,
    pickup_by=_BEGIN + timedelta(minutes=15),
    deliver_by=_BEGIN + timedelta(minutes=45, seconds=1),
    created_at=_BEGIN,
    updated_at=_BEGIN + timedelta(hours=1),
    quote_id=UUID(int=8),
    reference="DLV-2026-00042",
    company_id=UUID(int=7),
    company_name="Kianda Expresso",
    company_fee=2000,
    payment=Payment(PaymentMethod.COD, 15_000),
    scheduled_pickup_at=datetime(2026, 3, 4, 8, tzinfo=UTC),
    metadata={"checkout_id": "WEB-4821"},
    require_pin=True,
    pin="4711",
)


def _golden(name: str) -> Any:
    return json.loads((_GOLDEN / f"{name}.json").read_text("utf-8"))


def test_delivery_is_shown_to_its_merchant_whole() -> None:
    assert mapping.delivery(_DELIVERY, _URL) == _golden("delivery")


def test_delivery_is_shown_to_a_page_without_what_is_private() -> None:
    assert mapping.widget_delivery(_DELIVERY, _URL) == _golden("widget_delivery")


def test_order_is_read_into_the_core_s_words() -> None:
    value = _golden("order")
    wanted = read_delivery(value, Context("AO", sandbox=True))
    assert mapping.stop(wanted.origin, "AO") == _ORIGIN
    assert mapping.stop(wanted.destination, "AO") == _DESTINATION
    assert mapping.parcel(wanted.parcel) == _PARCEL
    assert mapping.payment(wanted) == Payment(PaymentMethod.COD, 15_000)
    assert mapping.schedule(wanted) == Schedule(datetime(2026, 3, 4, 8, tzinfo=UTC))
    assert wanted.metadata == {"checkout_id": "WEB-4821"}
    payload = mapping.bound_payload(wanted)
    assert set(payload) == {"origin", "destination", "parcel"}
    assert payload["parcel"] == {
        "weight_grams": 900,
        "description": "Livros",
        "declared_value_aoa": 15_000,
    }
    assert payload["destination"]["contact"] == {"name": "Teresa M."}


def test_bank_details_are_those_of_the_delivery() -> None:
    bank = BankAccount("Banco Exemplo", "AO06", "Zango")
    due = _BEGIN + timedelta(hours=24)
    waiting = replace(
        _DELIVERY, payment=Payment(PaymentMethod.BANK_TRANSFER, bank=bank, due_at=due)
    )
    assert mapping.delivery(waiting, _URL)["bank_transfer"] == {
        "bank_name": "Banco Exemplo",
        "bank_iban": "AO06",
        "bank_account_holder": "Zango",
        "amount_aoa": 2500,
        "reference": "DLV-2026-00042",
        "due_at": "2026-03-05T05:06:07Z",
    }


def test_quote_has_the_fields_of_the_contract() -> None:
    quote = Quote(
        id=_ID,
        scope=_SCOPE,
        bound={},
        fee=2500,
        pickup_within=timedelta(minutes=15),
        delivery_within=timedelta(minutes=30),
        created_at=_BEGIN,
        expires_at=_BEGIN + timedelta(minutes=15),
        company_id=UUID(int=7),
        company_name="Kianda Expresso",
        company_slug="kianda-expresso",
        company_fee=2000,
        require_pin=True,
    )
    assert mapping.quote(quote) == {
        "quote_id": str(_ID),
        "valid_until": "2026-03-04T05:21:07Z",
        "company_id": "00000000-0000-0000-0000-000000000007",
        "company_name": "Kianda Expresso",
        "company_slug": "kianda-expresso",
        "fee_aoa": 2500,
        "eta_minutes": 45,
        "require_delivery_pin": True,
    }


def test_company_that_says_little_has_nulls() -> None:
    company = Company(
        UUID(int=7), "AO", None, "Kianda", "kianda", Connector.INHOUSE, "Africa/Luanda"
    )
    shown = mapping.company(company)
    assert shown["base_fee_aoa"] is shown["logo_url"] is shown["operating_hours"] is None
    assert shown["capabilities"]["parcel_types"] is None
    busy = replace(
        company,
        hours=Hours({"fri": (), "mon": ((time(8), time(12)), (time(13), time(18)))}),
        capabilities=Capabilities(parcel_types=("small",), max_weight_grams=5_000),
    )
    hours = mapping.company(busy)["operating_hours"]
    assert hours == {
        "time_zone": "Africa/Luanda",
        "mon": [["08:00", "12:00"], ["13:00", "18:00"]],
        "fri": [],
    }
    assert list(hours) == ["time_zone", "mon", "fri"]


# How the dialect tells of moves, and who may cancel


@pytest.mark.parametrize("status", Status, ids=str)
def test_every_change_of_status_is_told_once_by_its_name(status: Status) -> None:
    before, after = Progress(Status.PENDING, Status.ASSIGNED), Progress(status, Status.ASSIGNED)
    assert DIALECT.announcements(before, after) == (f"delivery.{status}",)
    assert DIALECT.announcements(None, after) == ("delivery.created",)


@pytest.mark.parametrize("status", Status, ids=str)
def test_cancellation_is_for_three_statuses(status: Status) -> None:
    allowed = DIALECT.may_cancel(Progress(status, Status.PENDING))
    assert allowed is (status.value in ("awaiting_payment", "pending", "assigned"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        str(_ID)[:-1],
        f"{_ID}0",
        _ID.hex,
        f"{{{_ID}}}",
        f"urn:uuid:{_ID}",
        f" {_ID}",
        f"{_ID}\n",
        str(_ID).replace("0", "\u0660"),
        str(_ID).replace("-", "_"),
    ],
)
def test_no_other_text_is_an_id(text: str) -> None:
    assert words.parse_id(text) is None


def test_ids_are_read_as_they_are_written() -> None:
    assert words.parse_id(words.delivery_id(_ID)) == _ID
    assert words.event_id(_ID) == f"evt_{_ID}"


def test_a_delivery_that_says_little_is_shown_with_little() -> None:
    bare = replace(
        _DELIVERY,
        dropoff=Stop("Rua 1", phone="222 333 444"),
        parcel=Parcel(900),
        quote_id=None,
        company_id=None,
        metadata=None,
        scheduled_delivery_at=datetime(2026, 3, 4, 9, tzinfo=UTC),
    )
    shown = mapping.delivery(bare, _URL)
    assert shown["destination"] == {
        "address_line": "Rua 1",
        "city": None,
        "province": None,
        "contact": {"phone": "222 333 444"},
    }
    assert (
        "contact" not in mapping.delivery(replace(bare, dropoff=Stop("Rua 1")), _URL)["destination"]
    )
    assert shown["parcel"] == {"weight_grams": 900}
    assert shown["options"] == {"metadata": {}}
    assert shown["quote_id"] is shown["company_id"] is shown["bank_transfer"] is None
    assert shown["scheduled_delivery_at"] == "2026-03-04T09:00:00Z"
    assert "held" not in shown
    assert "created_with" not in shown


@pytest.mark.parametrize(("by_page", "kind"), [(True, "publishable"), (False, "secret")])
def test_a_merchant_sees_the_key_that_ordered_a_delivery_and_that_it_is_held(
    by_page: bool, kind: str
) -> None:
    held = replace(
        _DELIVERY,
        progress=Progress(Status.AWAITING_PAYMENT, Status.AWAITING_PAYMENT),
        key_id=UUID(int=5),
        by_page=by_page,
    )
    shown = mapping.delivery(held, _URL)
    assert shown["created_with"] == {"key_id": str(UUID(int=5)), "kind": kind}
    assert shown["held"] is True
    assert mapping.page([held], _URL, 20, 40, True) == {
        "data": [shown],
        "pagination": {"limit": 20, "offset": 40, "has_more": True},
    }


def test_without_a_transfer_or_an_account_for_it_no_bank_details_are_shown() -> None:
    bank = BankAccount("Banco Exemplo", "AO06", "Zango")
    for payment in (Payment(PaymentMethod.BANK_TRANSFER), Payment(PaymentMethod.COD, 1, bank)):
        assert mapping.delivery(replace(_DELIVERY, payment=payment), _URL)["bank_transfer"] is None


def test_a_timeline_tells_each_event_by_its_number_status_and_source() -> None:
    events = [
        Event(
            id=UUID(int=seq),
            delivery_id=_ID,
            seq=seq,
            status=status,
            milestone=status,
            actor=Actor.COURIER,
            note=note,
            announced=(),
            occurred_at=_BEGIN,
        )
        for seq, status, note in ((1, Status.PENDING, None), (2, Status.ASSIGNED, "Ana"))
    ]
    at = "2026-03-04T05:06:07Z"
    assert mapping.timeline(events) == [
        {
            "id": f"evt_{UUID(int=1)}",
            "event_type": "delivery.created",
            "occurred_at": at,
            "source": "system",
            "payload": {"status": "pending"},
        },
        {
            "id": f"evt_{UUID(int=2)}",
            "event_type": "delivery.assigned",
            "occurred_at": at,
            "source": "courier",
            "payload": {"status": "assigned", "note": "Ana"},
        },
    ]


def test_who_tracks_a_delivery_sees_its_reference_status_and_steps() -> None:
    tracked = TrackedDelivery(
        id=_ID,
        version=2,
        status=Status.ASSIGNED,
        milestone=Status.ASSIGNED,
        pickup_city="Luanda",
        dropoff_city="Luanda",
        pickup_by=_BEGIN,
        deliver_by=_BEGIN,
        created_at=_BEGIN,
        time_zone="Africa/Luanda",
        market="AO",
        dialect="entrega",
        steps=(
            TrackedStep(1, Status.PENDING, _BEGIN, None),
            TrackedStep(2, Status.ASSIGNED, _BEGIN, "a courier's own words"),
        ),
        reference="DLV-2026-00042",
    )
    at = "2026-03-04T05:06:07Z"
    assert mapping.tracked(tracked) == {
        "reference": "DLV-2026-00042",
        "status": "assigned",
        "events": [
            {"event_type": "delivery.created", "occurred_at": at},
            {"event_type": "delivery.assigned", "occurred_at": at},
        ],
    }
    assert mapping.is_ours(tracked)
    assert not mapping.is_ours(replace(tracked, dialect="kaspi"))


def test_a_company_is_shown_with_all_that_it_says() -> None:
    bank = BankAccount("Banco Exemplo", "AO06", "Zango")
    company = Company(
        id=UUID(int=7),
        market="AO",
        account_id=None,
        name="Kianda",
        slug="kianda",
        connector=Connector.INHOUSE,
        time_zone="Africa/Luanda",
        logo_url="https://kianda.example/logo.png",
        service_zones=("Luanda",),
        base_fee=700,
        base_eta_minutes=45,
        capabilities=Capabilities(True, bank, True, ("small", "large"), 30_000),
    )
    assert mapping.company(company) == {
        "id": str(UUID(int=7)),
        "name": "Kianda",
        "slug": "kianda",
        "logo_url": "https://kianda.example/logo.png",
        "service_zones": ("Luanda",),
        "base_fee_aoa": 700,
        "base_eta_minutes": 45,
        "active_drivers": None,
        "operating_hours": None,
        "capabilities": {
            "bank_transfer_enabled": True,
            "bank_name": "Banco Exemplo",
            "bank_iban": "AO06",
            "bank_account_holder": "Zango",
            "require_delivery_pin": True,
            "parcel_types": ("small", "large"),
            "max_weight_grams": 30_000,
        },
    }


def test_an_answer_about_an_erased_delivery_keeps_its_shape_and_no_person() -> None:
    of_a_key = replace(_DELIVERY, key_id=UUID(int=5))
    gone = personal_data.erased(of_a_key)
    told = mapping.delivery(of_a_key, _URL)
    kept = mapping.delivery(gone, "") | {"tracking_url": told["tracking_url"]}
    coordinates = {"coordinates"}  # an erased stop has none to show
    assert set(kept["destination"]) == set(told["destination"]) - coordinates
    assert DIALECT.erased_answer({"data": told | {"held": True}}, gone) == {
        "data": kept | {"held": True}
    }
    page = mapping.widget_delivery(of_a_key, _URL)
    assert DIALECT.erased_answer({"data": page}, gone) == {"data": page}
    others: list[dict[str, Any]] = [{}, {"data": []}, {"data": told | {"id": str(UUID(int=1))}}]
    for other in others:
        assert DIALECT.erased_answer(other, gone) is None
