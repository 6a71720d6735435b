"""A price list as a CSV file that a person edits: writing it, reading it, naming every mistake.

One row a tariff, under this header:

    origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within
    *,same,,5000,1800,2h,10h
    *,*,500,1000,2490,4h,1d

`up_to_km` is empty for any distance. Durations are a number with s, m, h or d. What spreadsheets
add is no mistake: a mark of UTF-8 at the beginning, a first line `sep=;`, empty columns at the end,
tabs between the cells, spaces between thousands.
"""

import codecs
import csv
import io
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, NewType

from estafette.core.csv_line import csv_line
from estafette.core.quotes.pricing import ANY, SAME, Tariff, in_reading_order

COLUMNS = (
    "origin",
    "destination",
    "up_to_km",
    "up_to_grams",
    "fee",
    "pickup_within",
    "delivery_within",
)

LONGEST = 4 * 1024 * 1024
"""How long a price list may be, in characters: some 100,000 rows."""

_MOST_TOLD = 100  # mistakes
_LONGEST_ECHO = 50

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"([0-9]{1,10}) ?([dhms])")
_NUMBER = re.compile(r"[0-9]{1,19}|[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3}){1,5}")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DECLARED = re.compile(r'"?sep=([,;\t|])"?[,;]*\r?\n', re.IGNORECASE)

# The columns of the database are 32-bit numbers, the fee a 64-bit one.
_LARGEST = 2**31 - 1
_LARGEST_FEE = 2**63 - 1


Mistake = NewType("Mistake", str)
"""What can be wrong with a file, as an English text that takes `%(name)s` for a fact.

Pages translate it; shells and programs read it as it is.
"""

_TOO_LONG = Mistake("a price list is at most %(most)s characters long")
_NO_ROWS = Mistake("no tariffs below the header")
_NOT_CSV = Mistake("not CSV: look at the quotes around its cells")
_COLUMNS = Mistake("the columns must be %(columns)s")
_COLUMN_COUNT = Mistake("%(count)s columns instead of %(wanted)s")
_SAME_AS = Mistake("the same as line %(other)s: remove one")
_NO_CITY = Mistake("%(column)s must be a city code or %(words)s, not %(value)s")
_UNKNOWN_CITY = Mistake("%(column)s: no city has the code %(value)s")
_NO_NUMBER = Mistake("%(column)s must be a whole number from %(least)s to %(most)s, not %(value)s")
_NO_DURATION = Mistake("%(column)s must be a duration such as 90m, 2h or 3d, not %(value)s")


class Reason(NamedTuple):
    """Why a line is refused: the mistake in it, and the facts of that."""

    mistake: Mistake
    facts: Mapping[str, object]

    def __str__(self) -> str:
        return self.mistake % self.facts


def _reason(mistake: Mistake, **facts: object) -> Reason:
    return Reason(mistake, facts)


@dataclass(frozen=True, slots=True)
class TariffFileProblem:
    """One mistake in a file: the line it is on, counted from 1, and what to do about it."""

    line: int
    reason: Reason

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class TariffFileError(ValueError):
    """The file is not a price list; `problems` names the mistakes in it, in order of lines.

    They are all up to the hundredth.
    """

    def __init__(self, problems: Iterable[TariffFileProblem]) -> None:
        self.problems = tuple(islice(problems, _MOST_TOLD))
        super().__init__("\n".join(map(str, self.problems)))


def price_list_text(written: bytes) -> str:
    """Returns the text of a file in UTF-8, or in UTF-16 with its mark, as spreadsheets write it.

    Raises UnicodeDecodeError.
    """
    is_wide = written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = written.decode("utf-16" if is_wide else "utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tariffs_from_csv(text: str, cities: Container[str] | None = None) -> list[Tariff]:
    """Read a price list.

    `cities`, if given, are the known city codes; any other is a mistake. Columns may stand in any
    order, separated by commas, semicolons or tabs, or by what a first line `sep=…` names. Raises
    `TariffFileError` with all mistakes at once; a file without rows is one.
    """
    if len(text) > LONGEST:
        raise TariffFileError([TariffFileProblem(1, _reason(_TOO_LONG, most=LONGEST))])
    text = text.removeprefix("\ufeff")  # spreadsheets begin a file so
    reading = _Reading(cities)
    reading.read(text)
    if not reading.tariffs and not reading.problems:
        reading.problems.append(TariffFileProblem(1, _reason(_NO_ROWS)))
    if reading.problems:
        raise TariffFileError(reading.problems)
    return reading.tariffs


def tariffs_to_csv(tariffs: Iterable[Tariff]) -> str:
    """Write a price list that `tariffs_from_csv` reads back, the most specific rows first."""
    lines = [csv_line(COLUMNS, "\n")]
    for row in in_reading_order(tariffs):
        cells = (
            row.origin,
            row.destination,
            row.up_to_km,
            row.up_to_grams,
            row.fee,
            _duration(row.pickup_within_seconds),
            _duration(row.delivery_within_seconds),
        )
        lines.append(csv_line(cells, "\n"))
    return "".join(lines)


class _Reading:
    """A file being read: the tariffs and the problems found so far."""

    def __init__(self, cities: Container[str] | None) -> None:
        self.tariffs: list[Tariff] = []
        self.problems: list[TariffFileProblem] = []
        self._cities = cities
        self._lines: dict[tuple[str, str, int | None, int], int] = {}

    def read(self, text: str) -> None:
        declared = _DECLARED.match(text)
        passed = 1 if declared else 0  # lines that are no rows
        table = text[declared.end() :] if declared else text
        heading = table.split("\n", 1)[0]
        delimiter = next((each for each in ",;\t" if each in heading), ",")
        lines = csv.reader(
            io.StringIO(table, newline=""),
            delimiter=declared[1] if declared else delimiter,
            strict=True,
        )
        header: list[str] = []
        try:
            for cells in lines:
                if header:
                    self._read_row(passed + lines.line_num, header, cells)
                    continue
                header = _without_blanks([name.strip().lower() for name in cells])
                if sorted(header) != sorted(COLUMNS):
                    break
        except csv.Error:
            self.problems.append(
                TariffFileProblem(passed + max(lines.line_num, 1), _reason(_NOT_CSV))
            )
            return
        if sorted(header) != sorted(COLUMNS):
            self.problems.append(
                TariffFileProblem(passed + 1, _reason(_COLUMNS, columns=", ".join(COLUMNS)))
            )

    def _read_row(self, line: int, header: list[str], cells: list[str]) -> None:
        if not any(cell.strip() for cell in cells):
            return
        cells = cells[: len(header)] + _without_blanks(cells[len(header) :])
        if len(cells) != len(header):
            reason = _reason(_COLUMN_COUNT, count=len(cells), wanted=len(header))
            self.problems.append(TariffFileProblem(line, reason))
            return
        row = _Row(dict(zip(header, map(str.strip, cells), strict=True)), self._cities)
        self.problems.extend(TariffFileProblem(line, reason) for reason in row.reasons)
        if row.reasons:
            return
        tariff = row.tariff
        key = (tariff.origin, tariff.destination, tariff.up_to_km, tariff.up_to_grams)
        if key in self._lines:
            self.problems.append(TariffFileProblem(line, _reason(_SAME_AS, other=self._lines[key])))
        self._lines.setdefault(key, line)
        self.tariffs.append(tariff)


def _without_blanks(cells: list[str]) -> list[str]:
    """Returns the cells up to the last one that is not blank."""
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return cells[:count]


class _Row:
    """One line being read: its `tariff`, sound only if there are no `reasons` against it."""

    def __init__(self, cells: dict[str, str], cities: Container[str] | None) -> None:
        self.reasons: list[Reason] = []
        self._cells = cells
        self._cities = cities
        self.tariff = Tariff(
            origin=self._city("origin", (ANY,)),
            destination=self._city("destination", (ANY, SAME)),
            up_to_km=self._number("up_to_km", 1, _LARGEST) if cells["up_to_km"] else None,
            up_to_grams=self._number("up_to_grams", 1, _LARGEST),
            fee=self._number("fee", 0, _LARGEST_FEE),
            pickup_within_seconds=self._seconds("pickup_within"),
            delivery_within_seconds=self._seconds("delivery_within"),
        )

    def _city(self, column: str, words: tuple[str, ...]) -> str:
        value = self._cells[column].lower()
        if value in words:
            return value
        known = self._cities is None or value in self._cities
        if value in (ANY, SAME) or not _CODE.fullmatch(value):
            wanted = ", ".join(f"`{word}`" for word in words)
            self._refuse(_NO_CITY, column, words=wanted)
        elif not known:
            self._refuse(_UNKNOWN_CITY, column)
        return value

    def _number(self, column: str, least: int, most: int) -> int:
        value = self._cells[column]
        if _NUMBER.fullmatch(value):
            number = int("".join(value.split()))  # 1 800
            if least <= number <= most:
                return number
        self._refuse(_NO_NUMBER, column, least=least, most=most)
        return least

    def _seconds(self, column: str) -> int:
        value = self._cells[column]
        if match := _DURATION.fullmatch(value.lower()):
            seconds = int(match[1]) * _SECONDS[match[2]]
            if 0 < seconds <= _LARGEST:
                return seconds
        self._refuse(_NO_DURATION, column)
        return 1

    def _refuse(self, mistake: Mistake, column: str, **facts: object) -> None:
        value = self._cells[column]
        self.reasons.append(_reason(mistake, column=column, value=_shortened(value), **facts))


def _shortened(value: str) -> str:
    """Returns a value as a mistake names it: long ones by their beginning."""
    return repr(value if len(value) <= _LONGEST_ECHO else f"{value[:_LONGEST_ECHO]}…")


def _duration(seconds: int) -> str:
    """Write seconds in the largest unit that holds them exactly, days only from two on."""
    for unit, size in _SECONDS.items():
        if seconds % size == 0 and (unit != "d" or seconds >= 2 * size):
            return f"{seconds // size}{unit}"
    raise AssertionError(seconds)  # one second divides everything
