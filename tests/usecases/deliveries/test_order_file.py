"""Files as spreadsheets of several countries write them, and hostile ones."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from openpyxl import Workbook

from estafette.core.deliveries.order_import import MOST_COLUMNS, MOST_ROWS
from estafette.usecases.deliveries.order_file import FileRefusedError, read_table


def table(file: bytes, encoding: str = "cp1251") -> list[list[str]]:
    found = read_table(file, encoding)
    return [list(found.headings), *(list(line.cells) for line in found.lines)]


def code(file: bytes) -> str:
    with pytest.raises(FileRefusedError) as refused:
        read_table(file, "cp1251")
    return refused.value.code


HEADINGS = ["Заказ", "Адрес", "Вес"]
ROW = ["A-1", 'ул. "Абая", 5; кв. 2', "1,5"]


def quoted(separator: str) -> str:
    cells = (",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in [ROW])
    rest = next(cells).replace('","', f'"{separator}"')
    return separator.join(HEADINGS) + "\r\n" + rest + "\r\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_every_separator_and_encoding_gives_the_same_table(separator: str, encoding: str) -> None:
    assert table(quoted(separator).encode(encoding)) == [HEADINGS, ROW]


def test_the_first_line_may_name_the_separator() -> None:
    assert table(b"sep=;\r\na,b;c\r\n1,2;3\r\n") == [["a,b", "c"], ["1,2", "3"]]
    found = read_table(b'"sep=|"\na|b\n\n1|2\n', "cp1252")
    assert [(line.number, line.cells) for line in found.lines] == [(4, ["1", "2"])]


def test_empty_lines_and_columns_are_passed_over_and_quoted_ends_of_lines_kept() -> None:
    file = b'a;b;;\n;;;\n1;"two\nlines";;\n3;4;;\n'
    found = read_table(file, "cp1251")
    assert list(found.headings) == ["a", "b"]
    assert [(line.number, list(line.cells)) for line in found.lines] == [
        (3, ["1", "two\nlines"]),
        (5, ["3", "4"]),
    ]


def test_a_portuguese_file_is_read_by_its_own_encoding() -> None:
    assert table("endereço;peso\nSão;1\n".encode("cp1252"), "cp1252")[1] == ["São", "1"]


def test_our_own_mark_before_a_formula_is_taken_off() -> None:
    assert table(b"phone;b\n'+77011234567;'x\n")[1] == ["+77011234567", "'x"]


@pytest.mark.parametrize("file", [b"", b"\n\n", b"a;b\n", b"a;b\n;\n", "﻿".encode()])
def test_a_file_without_orders_is_empty(file: bytes) -> None:
    assert code(file) == "empty"


def test_hostile_texts_are_refused_or_cut_within_bounds() -> None:
    assert code(b"a;b\n1;\0\n") == "not_text"
    assert code(b'a;b\n1;"' + b"x" * 200_000 + b"\n") == "not_text"
    assert code(b"a" + b";b" * MOST_COLUMNS + b"\n1" + b";2" * MOST_COLUMNS) == "too_many_columns"
    assert code(b"a\n" + b"1\n" * (MOST_ROWS + 1)) == "too_many_rows"


def book(rows: Sequence[Sequence[object]]) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(list[Any](row))
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def test_a_workbook_gives_what_its_cells_show() -> None:
    at = datetime.fromisoformat("2026-02-01T09:30")
    rows = [["Заказ", "Вес", "Телефон", "Время"], [7.0, 1.5, 77011234567, at], [None, True, "x"]]
    assert table(book(rows)) == [
        ["Заказ", "Вес", "Телефон", "Время"],
        ["7", "1.5", "77011234567", "2026-02-01 09:30"],
        ["", "true", "x"],
    ]


def test_a_formula_is_not_run_and_not_shown() -> None:
    assert table(book([["a", "b"], ["=1+1", "x"]]))[1] == ["", "x"]


def test_bombs_and_broken_workbooks_are_refused() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 60_000_000)
    assert len(bomb.getvalue()) < 100_000
    assert code(bomb.getvalue()) == "too_large"
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}", b"")
    assert code(many.getvalue()) == "too_large"
    good = book([["a"], ["b"]])
    for broken in (b"PK\x03\x04", good[: len(good) // 2], b"PK\x03\x04" + b"\0" * 1000):
        assert code(broken) == "not_a_sheet"
    entities = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as whole, zipfile.ZipFile(entities, "w") as archive:
        for name in whole.namelist():
            body = whole.read(name)
            if name == "xl/worksheets/sheet1.xml":
                laugh = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
                body = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laugh}]>'.encode() + body
                body = body.replace(b"</row>", b"<c>&l11;</c></row>", 1)
            archive.writestr(name, body)
    assert code(entities.getvalue()) == "not_a_sheet"


def test_a_sheet_that_claims_a_row_far_down_costs_little() -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet["A1"] = "a"
    sheet["A1048576"] = "far"
    file = io.BytesIO()
    workbook.save(file)
    assert code(file.getvalue()) in ("empty", "too_many_rows")
