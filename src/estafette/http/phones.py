"""Phone numbers: any number that its country could have given out."""

from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

_EXAMPLES = {"KZ": "+7 701 111 1111", "AO": "+244 923 111 111"}


def example(region: str) -> str:
    """A phone number of a region, to show how one is written."""
    return _EXAMPLES.get(region, "+244 923 111 111")


@lru_cache(maxsize=4096)
def e164(text: str, region: str) -> str | None:
    """The number in E.164, read as in `region` when it has no country code; None when it is none.

    A possible number is enough, see docs/decisions/0004-phones.md.
    """
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return format_number(number, PhoneNumberFormat.E164)
