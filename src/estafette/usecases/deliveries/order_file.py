"""Read a file of orders, CSV or XLSX, as the spreadsheet programs of any country write it.

The time and the memory that this takes are bounded.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from estafette.core.deliveries.order_form import LONGEST_FIELD
from estafette.core.deliveries.order_import import MOST_COLUMNS, MOST_ROWS

_MOST_UNPACKED = 48 * 1024 * 1024
_MOST_MEMBERS = 200
_MOST_LINES = MOST_ROWS + 2_000  # empty lines are skipped
_SEPARATORS = ";,\t|"
_SHEET = b"PK\x03\x04"


class FileRefusedError(Exception):
    """A file cannot be read; `code` says why."""

    def __init__(self, code: str) -> None:
        """`code` is one of `CODES`; the pages show a sentence for each."""
        super().__init__(code)
        self.code = code


CODES = ("empty", "not_text", "not_a_sheet", "too_large", "too_many_rows", "too_many_columns")
"""All reasons why a file is refused."""


class Line(NamedTuple):
    """A line of a table that is not empty: its number in the file, and its cells as texts."""

    number: int
    cells: Sequence[str]


class Table(NamedTuple):
    """The headings of a table, and its lines."""

    headings: Sequence[str]
    lines: Sequence[Line]


def read_table(file: bytes, encoding: str) -> Table:
    """Returns the table in a file, in bounded time and memory.

    `encoding` is the encoding of a CSV file that is not in Unicode: the one that spreadsheet
    programs of the country write. Raises FileRefusedError.
    """
    rows = _sheet(file) if file.startswith(_SHEET) else _text(file, encoding)
    headings: Sequence[str] | None = None
    lines: list[Line] = []
    for number, cells in rows:
        if not any(cells):
            continue
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise FileRefusedError("too_many_columns")
        if headings is None:
            headings = cells
        elif len(lines) >= MOST_ROWS:
            raise FileRefusedError("too_many_rows")
        else:
            lines.append(Line(number, cells))
    if headings is None or not lines:
        raise FileRefusedError("empty")
    return Table(headings, lines)


def _text(file: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(file, encoding)
    if "\0" in text:
        raise FileRefusedError("not_text")
    first, _, rest = text.partition("\n")
    before = 0
    if first.strip().strip('"').lower().startswith("sep="):
        separator, text, before = first.strip().strip('"')[4:5] or "\t", rest, 1
    else:
        separator = max(_SEPARATORS, key=_outside_quotes(first).count)
    if separator in '"\r\n':
        raise FileRefusedError("not_text")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = before + 1
    try:
        for cells in reader:
            yield number, [_cell(cell) for cell in cells]
            number = before + reader.line_num + 1
    except csv.Error:
        raise FileRefusedError("not_text") from None


def _decoded(file: bytes, encoding: str) -> str:
    if file.startswith((b"\xff\xfe", b"\xfe\xff")):
        return file.decode("utf-16", "replace")
    try:
        return file.decode("utf-8-sig")
    except UnicodeDecodeError:
        return file.decode(encoding, "replace")


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _sheet(file: bytes) -> Iterator[tuple[int, list[str]]]:
    """Reads the first sheet of a workbook, with the results of formulas instead of the formulas."""
    from openpyxl import load_workbook  # importing it is slow, and few processes need it

    _check_size(file)
    try:
        book = load_workbook(
            io.BytesIO(file), read_only=True, data_only=True, keep_links=False, rich_text=False
        )
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(max_row=_MOST_LINES + 1, max_col=MOST_COLUMNS + 1, values_only=True)
        for number, values in enumerate(rows, 1):
            if number > _MOST_LINES:
                raise FileRefusedError("too_many_rows")
            yield number, [_cell(_shown(value)) for value in values]
    except FileRefusedError:
        raise
    except Exception:  # a hostile workbook may make the library raise any error
        raise FileRefusedError("not_a_sheet") from None


def _check_size(file: bytes) -> None:
    """Refuses a workbook that unpacks to more than we read, by the sizes that its members declare.

    A member never unpacks to more than the size that it declares.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise FileRefusedError("not_a_sheet") from None
    if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > _MOST_UNPACKED:
        raise FileRefusedError("too_large")


def _shown(value: object) -> str:
    """Returns a cell's value as the text that a CSV file of the same table would have."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _cell(text: str) -> str:
    """Removes the space around a text, and the mark that our exports put before formulas."""
    text = text[: LONGEST_FIELD + 1].strip().strip("\ufeff")
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text
