"""Plus Codes (Open Location Code): from a text to the middle of the area that a code names.

After https://github.com/google/open-location-code, whose own test data the tests hold it against.
Its two packages for Python have had no release for years; what is needed of it is short.
"""

import re
from typing import Final

from estafette.core.point import Point

_LETTERS: Final = "23456789CFGHJMPQRVWX"
_PAIRS: Final = 10
"""So many letters are pairs of latitude and longitude; those after them refine a grid."""

_MOST: Final = 15
_ROWS, _COLUMNS = 5, 4
_LONGEST_TEXT: Final = 2_000

# What stands in an address: a whole code, or one without the letters that its city tells.
_IN_TEXT = re.compile(
    rf"(?<![0-9A-Za-z+])([{_LETTERS}]{{4}}|[{_LETTERS}]{{6}}|[{_LETTERS}]{{8}})"
    rf"\+([{_LETTERS}]{{2,7}})(?![0-9A-Za-z+])",
    re.IGNORECASE,
)


def point_in(text: str, near: Point | None = None) -> Point | None:
    """Returns the middle of the area of the first Plus Code in a text; None when there is none.

    A short code (`59F2+6X`) is the one nearest to `near`, and nothing without it.
    """
    found = _IN_TEXT.search(text[:_LONGEST_TEXT])
    if found is None:
        return None
    before, after = found[1].upper(), found[2].upper()
    if len(before) == 8:
        return _middle(before + after) if _is_on_earth(before) else None
    return None if near is None else nearest(before, after, near)


def _is_on_earth(letters: str) -> bool:
    return _LETTERS.index(letters[0]) * 20 < 180 and _LETTERS.index(letters[1]) * 20 < 360


def nearest(before: str, after: str, near: Point) -> Point:
    """Returns the middle of a short code: `before` and `after` are its letters around the plus.

    Of all areas of that name it is the one whose middle is nearest to `near`.
    """
    missing = 8 - len(before)
    span = 20.0 ** (2 - missing // 2)
    latitude, longitude = _middle(_first(near, missing) + before + after)
    if near.latitude + span / 2 < latitude and latitude - span >= -90:
        latitude -= span
    elif near.latitude - span / 2 > latitude and latitude + span <= 90:
        latitude += span
    if near.longitude + span / 2 < longitude:
        longitude -= span
    elif near.longitude - span / 2 > longitude:
        longitude += span
    return Point(latitude, longitude)


def _first(of: Point, count: int) -> str:
    """Returns the first letters of a point's code; `count` is even."""
    latitude = min(max(of.latitude + 90, 0), 180 - 1e-9)
    longitude = (of.longitude + 180) % 360
    letters, size = "", 20.0
    for _ in range(count // 2):
        row, column = int(latitude // size), int(longitude // size)
        letters += _LETTERS[row] + _LETTERS[column]
        latitude, longitude, size = latitude - row * size, longitude - column * size, size / 20
    return letters


def _middle(letters: str) -> Point:
    south, west, height, width = -90.0, -180.0, 400.0, 400.0
    for place in range(0, min(len(letters), _PAIRS), 2):
        height, width = height / 20, width / 20
        south += _LETTERS.index(letters[place]) * height
        west += _LETTERS.index(letters[place + 1]) * width
    for letter in letters[_PAIRS:_MOST]:
        row, column = divmod(_LETTERS.index(letter), _COLUMNS)
        height, width = height / _ROWS, width / _COLUMNS
        south, west = south + row * height, west + column * width
    return Point(south + height / 2, west + width / 2)
