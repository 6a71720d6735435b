"""Phone numbers are read as the library of all countries' numbering plans reads them."""

import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

from estafette.core.accounts.account import MARKETS, Market
from estafette.http import phones
from estafette.http.phones import PHONE_LIMIT, e164, is_dialled

CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)


def by_the_library(text: str, region: str) -> str | None:
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return format_number(number, PhoneNumberFormat.E164)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number as people write one: some country's code, digits in groups."""
    code = draw(st.sampled_from([7, 244, 1, 39, 54, 52, 55, *CODES]))
    digits = draw(st.text("0123456789", min_size=1, max_size=15))
    groups = draw(st.lists(st.sampled_from(["", " ", "-", "  "]), min_size=15, max_size=15))
    return f"+{code} " + "".join(
        digit + group for digit, group in zip(digits, groups, strict=False)
    )


@given(written(), st.sampled_from(["KZ", "AO"]))
@example("+244 923 111 111", "AO")
@example("+7 727 111 0000", "KZ")
@example("+7 8 701 111 1111", "KZ")
@example("+390612345678", "AO")
@example("+54 9 11 2345 6789", "AO")
@example("+244 923 111 11", "AO")
@example("+0", "AO")
def test_an_international_number_is_read_as_by_the_library(text: str, region: str) -> None:
    assert e164(text, region) == by_the_library(text, region)


@given(st.text("+0123456789 -()x#", max_size=30), st.sampled_from(["KZ", "AO"]))
@example("923 111 111", "AO")
@example("8 701 111 1111", "KZ")
def test_any_text_is_read_as_by_the_library(text: str, region: str) -> None:
    assert e164(text, region) == by_the_library(text, region)


_SPACES = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Zs"]


@pytest.mark.parametrize("space", _SPACES, ids=unicodedata.name)
def test_every_space_is_a_space(space: str) -> None:
    assert e164(space.join(["+7", "701", "111", "11", "11"]), "KZ") == "+77011111111"


@pytest.mark.parametrize(
    "text",
    [
        "\u202a+7 701 111-11-11\u202c",
        "+7\u2013701\u2013111\u201311\u201311",
        "\uff0b\uff17 701 111 11 11",
        "٨٧٠١١١١١١١١",
        "tel:+7 701 111 1111",
        "тел.: 8 (701) 111-11-11",
        "8 701 111 11 11 доб. 12",
        "+77011111111;ext=12",
        "+7 701 111 11 11 (WhatsApp)",
        "+7 701 111 11 11 (Дана, сестра)",
        "+7 701 111 11 11;",
        "+7 701 111 11 11, ",
        "007 701 111 11 11",
        "00 7 701 111 11 11",
        "77011111111.0",
        '="+77011111111"',
        '"+7 701 111 11 11"',
        "«8 701 111 11 11»",
        "'87011111111",
    ],
)
def test_a_number_is_read_in_whatever_signs_it_is_written(text: str) -> None:
    assert e164(text, "KZ") == "+77011111111"


@pytest.mark.parametrize(
    "text",
    [
        "+7 701 111 11 11 Dana",
        "+7 701 111 11 11 @",
        "+77011111111;isub=1",
        "1-800-FLOWERS",
        "+7 701 111 11 11, +7 702 222 22 22",
        "+7 701 111 11 11 (8 702 222 22 22)",
        "7.01111E+10",
        "77011111111.5",
        "00",
        "+7 701 111 11 11" + " " * PHONE_LIMIT,
        "",
        "\u0301",
    ],
)
def test_a_text_with_anything_else_in_it_is_none(text: str) -> None:
    assert e164(text, "KZ") is None


@pytest.mark.parametrize(
    "text",
    [
        "tel:1;phone-context=" + "aa." * 25 + "aa!",
        "tel:1;phone-context=" + "aa." * 6 + "!",
        "+1" * 20_000,
        "1 " * 20_000,
        "(" * 40_000,
        "1" + "-x" * 19,
    ],
)
def test_no_text_keeps_the_library_busy(text: str) -> None:
    began = time.process_time()
    assert e164(text, "KZ") is None
    assert time.process_time() - began < 1  # of the processor; the first one took for ever


@pytest.mark.parametrize(
    ("digits", "region", "dialled"),
    [
        ("7012345678", "KZ", True),
        ("87012345678", "KZ", True),
        ("77012345678", "KZ", True),
        ("81077012345678", "KZ", True),
        ("24112026", "KZ", False),
        ("202611221030", "KZ", False),
        ("923444555", "AO", True),
        ("00244923444555", "AO", True),
        ("7012345678", "AO", False),
        ("7012345678", "ZZ", False),
    ],
)
def test_digits_are_known_as_dialled(digits: str, region: str, dialled: bool) -> None:
    assert is_dialled(digits, region) is dialled


@pytest.mark.parametrize("market", MARKETS.values(), ids=lambda market: market.code)
def test_every_market_has_an_example_that_is_read_there(market: Market) -> None:
    shown = phones.example(market.phone_region)
    assert e164(shown, market.phone_region) == shown.replace(" ", "").replace("-", "")
