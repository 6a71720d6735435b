"""A line of a CSV file, as everything that writes CSV writes it."""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile(
    r"(^|[;\r\n])(?=[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])"
)
"""Where a spreadsheet would begin a formula, in narrow or in full-width letters.

A spreadsheet whose country separates cells by semicolons splits a text at each, and at the ends of
its lines, whatever stands in quotes.
"""


def csv_line(cells: Iterable[object], end: str = "\r\n") -> str:
    """One line (RFC 4180) of numbers and texts; None is an empty cell.

    A text that a spreadsheet would take for a formula gets an apostrophe before it. Numbers stay
    numbers, negative ones too.
    """
    line = io.StringIO()
    csv.writer(line, lineterminator=end).writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    return _FORMULA.sub(r"\1'", str(value))
