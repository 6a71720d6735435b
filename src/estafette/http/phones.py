"""Phone numbers: any number that its country could have given out."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
    region_code_for_country_code,
)

_EXAMPLES = {"KZ": "+7 701 111 1111", "AO": "+244 923 111 111"}

_INTERNATIONAL = re.compile(r"\+([1-9][0-9]*(?:[ -][0-9]+)*)")


def example(region: str) -> str:
    """A phone number of a region, to show how one is written."""
    return _EXAMPLES.get(region, "+244 923 111 111")


@lru_cache(maxsize=4096)
def e164(text: str, region: str) -> str | None:
    """The number in E.164, read as in `region` when it has no country code; None when it is none.

    A possible number is enough, see docs/decisions/0004-phones.md.
    """
    return _plain(text) or _parsed(text, region)


def _plain(text: str) -> str | None:
    """The same for what nearly everybody sends, at a tenth of the cost; None: nothing is said.

    That is a number with its country code and nothing else, which as it stands has a length that
    the country's numbers have.
    """
    found = _INTERNATIONAL.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace(" ", "").replace("-", "")
    for length in (1, 2, 3):  # no country's code begins another's
        plan = _plan(digits[:length])
        if plan is not None:
            national = digits[length:]
            known = len(national) in plan.lengths and not plan.may_change(national)
            return f"+{digits}" if known else None
    return None


class _Plan(NamedTuple):
    """How long the numbers of a country are, and what is not part of them before them."""

    lengths: Collection[int]
    prefix: re.Pattern[str] | None

    def may_change(self, national: str) -> bool:
        """Whether some of its first digits may be only dialled, or zeros that are kept."""
        prefixed = self.prefix is not None and self.prefix.match(national) is not None
        return national.startswith("0") or prefixed


@lru_cache(maxsize=1024)
def _plan(code: str) -> _Plan | None:
    """What the library knows of the numbers of a country code; None when it is none."""
    number = int(code)
    if number not in COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = region_code_for_country_code(number)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(number, region)
    if metadata is None or metadata.general_desc is None:
        return _Plan((), None)
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(metadata.general_desc.possible_length)
    return _Plan(lengths, re.compile(prefix) if prefix else None)


def _parsed(text: str, region: str) -> str | None:
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return format_number(number, PhoneNumberFormat.E164)
