"""What the console's pages of deliveries call things, in every language."""

import re
from dataclasses import replace

import pytest

from estafette.app import RECORDS
from estafette.core.accounts.account import MARKETS, Account, Mode
from estafette.core.deliveries.order_form import (
    FieldFault,
    OrderField,
    OrderForm,
    OrderRefusedError,
    read_form,
)
from estafette.core.ids import new_id
from estafette.http.texts import LANGUAGES, Reader, read_by
from estafette.web.console.deliveries_words import FIELDS, fault, reason

_LONG = "x" * 1_999
_WRONG: tuple[dict[str, str], ...] = (
    {},
    {str(field): _LONG for field in OrderField},
    {"weight_kg": "0", "value": "1,5", "cod": "12", "payment": "cash", "pickup_at": "soon"},
    {"weight_kg": "9999999", "value": "99999999999999999", "phone": "12", "scenario": "nothing"},
    {"weight_kg": "1,23456", "cod": "5", "payment": "prepaid", "pickup_phone": "+1"},
    {"payment": "cod", "address": "x"},
)


def faults() -> list[FieldFault]:
    """Everything that can be wrong with an order, as each dialect says it."""
    found: list[FieldFault] = []
    for record in RECORDS:
        market = next(one for one in MARKETS.values() if one.dialect == record.name)
        account = Account(new_id(), "shop", market, record.name, 1, 1)
        assert record.orders is not None
        rules = record.orders()
        for fields in _WRONG:
            try:
                form = read_form({str(name): text for name, text in fields.items()}, "UTC")
            except OrderRefusedError as refused:
                found += refused.faults
                form = _Blank
            with pytest.raises(OrderRefusedError) as wrong:
                rules.read(form, account, Mode.SANDBOX)
            found += wrong.value.faults
    return found


_Blank: OrderForm = replace(read_form({}, "UTC"), scenario="nothing", description="d")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_fault_of_an_order_is_said_in_every_language(language: str) -> None:
    with read_by(Reader(language)):
        for one in faults():
            said = reason(one.reason)
            assert not re.search(r"\b(must|required|accepted|known)\b", said), one


def test_every_fault_is_of_a_field_that_has_a_name() -> None:
    assert set(FIELDS) == set(OrderField)
    for one in faults():
        assert one.field in set(OrderField), one
        assert fault(*one).startswith(FIELDS[OrderField(one.field)])


def test_a_reason_that_is_not_known_stays_as_it_is() -> None:
    assert reason("is odd") == "is odd"
