"""Finds contacts in a note of unknown origin, so that a page can hide them.

The work is linear in the length of the note, whatever stands in it.
"""

import re
import unicodedata
from collections.abc import Sequence

from estafette.http.phones import dialled_lengths, is_dialled

HIDDEN = "•••"
"""What is shown in the place of a contact."""

# It begins only where what it takes begins, so that no stretch of a text is gone through twice.
_EMAIL = re.compile(r"(?<![^\s@<>()])[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+")
# With a scheme, as `www.`, or a name with dots before a slash, as short links are written.
_LINK = re.compile(
    r"(?i)(?<![^\s<>()])(?:[a-z][a-z0-9+.-]*://|www\.|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/)[^\s<>()]*"
)
_RUN = re.compile(r"\+?\d(?:[\s().\-\u2010-\u2015/]{0,3}\d){6,39}")
_DIGITS = re.compile(r"\d+")
_MOST_GROUPS = 8
"""More groups than this are taken for a number that is written so to escape being hidden."""
_MOST_RUNS = 4
"""How many runs of digits of a note are examined; all others are hidden."""


def without_contacts(text: str, region: str) -> str:
    """Returns the text with its phone numbers, e-mail addresses and links hidden.

    Phone numbers are recognised as they are dialled in `region`.
    """
    text = _LINK.sub(HIDDEN, _EMAIL.sub(HIDDEN, text))
    looked_into = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal looked_into
        looked_into += 1
        return HIDDEN if looked_into > _MOST_RUNS else _without_numbers(found[0], region)

    return _RUN.sub(shown, text)


def _without_numbers(run: str, region: str) -> str:
    """Returns a run of digits, at least seven, with the phone numbers in it hidden."""
    groups = list(_DIGITS.finditer(run))
    if run.startswith("+") or len(groups) > _MOST_GROUPS:
        return HIDDEN
    digits = ["".join(str(unicodedata.decimal(digit)) for digit in group[0]) for group in groups]
    shown, after, number = "", 0, 0
    while number < len(groups):
        count = _groups_of_number(digits[number:], region)
        if count:
            shown += run[after : groups[number].start()] + HIDDEN
            after = groups[number + count - 1].end()
        number += count or 1
    return shown + run[after:]


def _groups_of_number(groups: Sequence[str], region: str) -> int:
    """Returns how many of the first groups of digits are one phone number, the most; 0: none is."""
    lengths, length, found = dialled_lengths(region), 0, 0
    for count, group in enumerate(groups, start=1):
        length += len(group)
        if length in lengths and is_dialled("".join(groups[:count]), region):
            found = count
    return found
