import csv
import io

import pytest

from estafette.core.csv_line import csv_line

FORMULA = "=HYPERLINK(CHAR(104))"


def read(line: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter))


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_begins_like_a_formula_is_text_in_a_spreadsheet(first: str) -> None:
    text = f"{first}1+1"
    assert read(csv_line([text])) == [["'" + text]]


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u3000", "\u200b", "\ufeff", " \t "])
def test_spaces_before_a_formula_do_not_hide_it(space: str) -> None:
    assert read(csv_line([space + FORMULA]))[0][0].startswith("'")


def test_a_formula_is_not_smuggled_past_a_semicolon_or_the_end_of_a_line() -> None:
    line = csv_line(["Rápida", f"a;{FORMULA}", f"b\n{FORMULA}", f"c; {FORMULA}", f"d\r\n{FORMULA}"])
    seen = [cell for row in read(line, ";") for cell in row]
    assert any("HYPERLINK" in cell for cell in seen)
    assert not [cell for cell in seen if cell.lstrip().startswith("=")]


def test_numbers_and_empty_cells_stay_what_they_are() -> None:
    assert csv_line([-1800, 2.5, None, "", 0]) == "-1800,2.5,,,0\r\n"


@pytest.mark.parametrize(
    "text", ["Rápida, Lda", 'the "best"', "a-b", "DLV-2026-000001", "1+1", "*"]
)
def test_ordinary_texts_are_read_back_as_they_were(text: str) -> None:
    assert read(csv_line([text, "next"], "\n")) == [[text, "next"]]


def test_a_line_ends_as_its_reader_wants() -> None:
    assert csv_line([1]) == "1\r\n"
    assert csv_line([1], "\n") == "1\n"
