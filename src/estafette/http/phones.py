"""Phone numbers: any number is accepted that is possible in its country.

The library's patterns can take very long for some texts. It is therefore given only the characters
that phone numbers are written with, and no more than `PHONE_LIMIT` of them. It is loaded when the
first number is read, because most commands read none.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

PHONE_LIMIT = 40
"""How long a phone number may be as it is written, in characters."""

_INTERNATIONAL = re.compile(r"\+([1-9][0-9]*(?:[ -][0-9]+)*)")


@lru_cache(maxsize=64)
def example(region: str) -> str:
    """Returns a mobile number of a region, to show how one is written."""
    from phonenumbers import (
        PhoneNumberFormat,
        PhoneNumberType,
        example_number_for_type,
        format_number,
    )

    number = example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        raise ValueError(f"{region!r} is no region with phone numbers")
    return format_number(number, PhoneNumberFormat.INTERNATIONAL)


def readable(number: str) -> str:
    """Returns a number in E.164 as people write it: `+7 727 111 0000`; others stay as they are."""
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

    try:
        return format_number(parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return number


def e164(text: str, region: str) -> str | None:
    """Returns the number in E.164, or None; one without a country code is read as of `region`.

    A possible number is enough, see docs/decisions/0004-phones.md. What may stand in it besides
    digits, see docs/decisions/0018-an-input-budget.md.
    """
    if len(text) > PHONE_LIMIT:
        return None
    if plain := _plain(text):  # most numbers are in this form: no character has to be replaced
        return plain
    number = _number_in(text)
    return None if number is None else _plain(number) or _parsed(number, region)


class _Marks(dict[int, str | None]):
    """A table for `str.translate`: the sign that each character stands for in a phone number.

    A missing entry is computed each time and not kept, so that the table does not grow.
    """

    def __missing__(self, code: int) -> str | None:
        return _mark(chr(code))


_SIGNS = {
    "+": "+＋﹢⁺",
    "-": "~−˗ー⁓∼～",
    "(": "([（［",
    ")": ")]）］",
    ".": ".．․·",
    "/": "/／",
    "#": "#＃",
    ",": ",，",
}
_SIGN_OF = {sign: plain for plain, signs in _SIGNS.items() for sign in signs}


def _mark(character: str) -> str | None:
    """Returns a digit, a space, a plain sign, a small letter, nothing, or "?" for all others."""
    sign = _SIGN_OF.get(character)
    if sign is not None:
        return sign
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    kind = unicodedata.category(character)
    if kind == "Pd":
        return "-"
    if kind == "Cf":  # direction marks, joiners, soft hyphens: pasted, invisible
        return None
    if kind in ("Zs", "Zl", "Zp", "Pi", "Pf") or character in "\"'" or character.isspace():
        return " "  # a number in quotes is meant without them
    return character.lower() if kind in ("Lu", "Ll") or character in ":;=" else "?"


_MARKS = _Marks({code: _mark(chr(code)) for code in range(0x20, 0x7F)})

_BEGINNING = re.compile(r"[+0-9]")
_EXTENSION = re.compile(r"[,;]?(?:ext(?:n|ension)?|доб(?:авочный)?|ramal)[.:=]?")
_REMARK = re.compile(r"\([^()0-9]*\)$")  # (WhatsApp)
_OF_A_SPREADSHEET = re.compile(r"([0-9]{9,15})\.0")
_PLAIN_NUMBER = re.compile(r"[+0-9 ()./#x,-]*")


def _number_in(text: str) -> str | None:
    """Returns the phone number in a text in plain signs, with its extension; None without one.

    All text before its first digit or plus is taken for a label (`tel:`), as by the library; a
    remark in brackets may stand after it. Two zeros at the beginning mean a plus, whatever is
    dialled for one in the region.
    """
    plain = text.translate(_MARKS)
    found = _BEGINNING.search(plain)
    if found is None:
        return None
    number = _REMARK.sub("", plain[found.start() :].rstrip(" ;,")).rstrip(" ;,")
    number = _EXTENSION.sub("x", number)
    if number.startswith("00"):
        number = f"+{number[2:].lstrip(' -')}"
    elif written := _OF_A_SPREADSHEET.fullmatch(number):
        number = written[1]
    return number if _PLAIN_NUMBER.fullmatch(number) else None


def _plain(text: str) -> str | None:
    """Returns the same at a tenth of the cost for the usual form, None for any other form.

    The usual form is a number with its country code and nothing else, whose length is one of those
    of the country's numbers.
    """
    found = _INTERNATIONAL.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace(" ", "").replace("-", "")
    for length in (1, 2, 3):  # no country's code is the beginning of another's
        plan = _plan(digits[:length])
        if plan is not None:
            national = digits[length:]
            known = len(national) in plan.lengths and not plan.may_change(national)
            return f"+{digits}" if known else None
    return None


class _Plan(NamedTuple):
    """The lengths of a country's numbers, and the digits before them that are no part of them."""

    lengths: Collection[int]
    prefix: re.Pattern[str] | None

    def may_change(self, national: str) -> bool:
        """Returns whether its first digits may be a dialling prefix, or zeros that are kept."""
        prefixed = self.prefix is not None and self.prefix.match(national) is not None
        return national.startswith("0") or prefixed


@lru_cache(maxsize=1024)
def _plan(code: str) -> _Plan | None:
    """Returns what the library knows of a country code's numbers; None where it is no such code."""
    from phonenumbers import (
        COUNTRY_CODE_TO_REGION_CODE,
        PhoneMetadata,
        region_code_for_country_code,
    )

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
    import phonenumbers as library

    try:
        number = library.parse(text, region)
    except library.NumberParseException:
        return None
    if library.is_possible_number_with_reason(number) != library.ValidationResult.IS_POSSIBLE:
        return None
    return library.format_number(number, library.PhoneNumberFormat.E164)


def is_dialled(digits: str, region: str) -> bool:
    """Returns whether ASCII digits alone are a whole phone number as it is dialled in a region.

    The number may have the country code or not, and the digits that are dialled before either.
    """
    plan = _dialling(region)
    return any(
        digits.startswith(prefix) and plan.numbers.fullmatch(digits, len(prefix)) is not None
        for prefix in plan.prefixes.get(len(digits), ())
    )


def dialled_lengths(region: str) -> Collection[int]:
    """Returns how many digits the numbers that are dialled in a region have."""
    return _dialling(region).prefixes.keys()


class _Dialling(NamedTuple):
    """How the numbers of a region are dialled.

    `numbers` is what they look like; `prefixes` tells, by how many digits are dialled in all, what
    may stand before a number then.
    """

    numbers: re.Pattern[str]
    prefixes: Mapping[int, Sequence[str]]


@lru_cache(maxsize=64)
def _dialling(region: str) -> _Dialling:
    """Returns what the library knows of a region; no prefixes where it knows none."""
    from phonenumbers import PhoneMetadata

    prefixes: dict[int, list[str]] = {}
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        return _Dialling(re.compile(""), prefixes)
    code = str(metadata.country_code)
    for prefix in sorted({"", metadata.national_prefix or "", code, f"00{code}", f"810{code}"}):
        for length in metadata.general_desc.possible_length:
            prefixes.setdefault(len(prefix) + length, []).append(prefix)
    return _Dialling(re.compile(metadata.general_desc.national_number_pattern or ""), prefixes)
