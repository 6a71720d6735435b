from datetime import UTC, datetime, timedelta

import pytest

from estafette.core.deliveries.order_form import OrderField, OrderRefusedError, read_form
from estafette.core.deliveries.order_import import NAMES, field_of
from estafette.core.money.payment import PaymentMethod


def faults(**fields: str) -> list[tuple[str, str]]:
    with pytest.raises(OrderRefusedError) as refused:
        read_form(fields, "Asia/Almaty")
    return [(fault.field, fault.reason) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("written", "grams"),
    [("1", 1000), ("1,2", 1200), ("0.001", 1), ("1 200,5", 1_200_500), ("2.500", 2500)],
)
def test_a_weight_is_read_as_people_write_it(written: str, grams: int) -> None:
    assert read_form({"weight_kg": written}, "Asia/Almaty").weight_grams == grams


@pytest.mark.parametrize("written", ["1,0001", "1.234.5", "-1", "1e3", "١", "kg", "9" * 16, "="])
def test_what_is_no_weight_is_refused(written: str) -> None:
    assert [field for field, _ in faults(weight_kg=written)] == ["weight_kg"]


def test_an_amount_is_whole_and_says_that_it_is_collected() -> None:
    form = read_form({"cod": "1 500,00"}, "Asia/Almaty")
    assert (form.cash, form.payment) == (1500, PaymentMethod.COD)
    assert read_form({"cod": "0"}, "Asia/Almaty").payment is None
    assert faults(cod="1500,50", payment="barter") == [
        ("cod", "must be a whole number"),
        ("payment", "must be one of prepaid, bank_transfer, cod"),
    ]
    assert read_form({"payment": "Bank transfer"}, "UTC").payment is PaymentMethod.BANK_TRANSFER


@pytest.mark.parametrize(
    "written",
    [
        *("2026-02-01T09:30", "2026-02-01 9:30", "01.02.2026 09:30:00", "1/2/2026 09:30"),
        *("2026-02-01T04:30Z", "2026-02-01 10:30+06:00", "2026-02-01 04:30:00.5+0000"),
    ],
)
def test_a_time_is_that_of_clocks_there_unless_it_names_an_offset(written: str) -> None:
    at = read_form({"pickup_at": written}, "Asia/Almaty").pickup_at
    assert at is not None
    assert at - datetime(2026, 2, 1, 4, 30, tzinfo=UTC) == timedelta()


@pytest.mark.parametrize("written", ["tomorrow", "2026-02-30 09:30", "2026-02-01", "9:30"])
def test_what_is_no_time_is_refused(written: str) -> None:
    assert [field for field, _ in faults(delivery_at=written)] == ["delivery_at"]


def test_what_is_too_long_is_refused() -> None:
    assert [field for field, _ in faults(address="x" * 2001)] == ["address"]


def test_every_field_is_known_by_its_names_in_four_languages_and_no_name_by_two() -> None:
    names = [(field, name) for field, names in NAMES.items() for name in (field, *names)]
    assert set(NAMES) == set(OrderField)
    for field, name in names:
        for written in (name, name.upper(), f" {name}* ", name.replace(" ", "_")):
            assert field_of(written) is field, written
    assert field_of("colour") is None
