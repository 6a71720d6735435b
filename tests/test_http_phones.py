"""Phone numbers are read as the library of all countries' numbering plans reads them."""

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

from estafette.http.phones import e164

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
