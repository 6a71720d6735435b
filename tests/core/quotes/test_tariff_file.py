"""A price list as a file: what is read, and every mistake a person can make in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.quotes.pricing import ANY, SAME, Tariff, in_reading_order
from estafette.core.quotes.tariff_file import (
    LONGEST,
    TariffFileError,
    TariffFileProblem,
    price_list_text,
    tariffs_from_csv,
    tariffs_to_csv,
)

HEADER = "origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within\n"
HOUR = 3_600


def reasons(text: str, cities: frozenset[str] | None = None) -> list[str]:
    with pytest.raises(TariffFileError) as refused:
        tariffs_from_csv(text, cities)
    told = [str(problem) for problem in refused.value.problems]
    assert str(refused.value) == "\n".join(told)
    return told


def test_a_price_list_is_read() -> None:
    text = HEADER + "*,same,,5000,1800,2h,10h\nalmaty,astana,1000,20000,7490,90m,3d\n"
    assert tariffs_from_csv(text) == [
        Tariff(ANY, SAME, None, 5_000, 1_800, 2 * HOUR, 10 * HOUR),
        Tariff("almaty", "astana", 1_000, 20_000, 7_490, 5_400, 72 * HOUR),
    ]


def test_what_spreadsheets_make_of_a_file_is_read() -> None:
    text = "\ufeff" + HEADER.upper().replace(",", ";") + "*;SAME; ;5000; 1800;2H;10 h\n;;;;;;\n"
    assert tariffs_from_csv(text.replace("\n", "\r\n")) == [
        Tariff(ANY, SAME, None, 5_000, 1_800, 2 * HOUR, 10 * HOUR)
    ]


@pytest.mark.parametrize(
    "text",
    [
        HEADER.replace("\n", ",,\n") + "*,same,,5000,1800,2h,10h,,\n,,,,,,,,\n",
        "sep=;\r\n" + HEADER.replace(",", ";") + "*;same;;5000;1800;2h;10h\r\n",
        '\ufeff"sep=,",,,,,,\n' + HEADER + "*,same,,5000,1800,2h,10h,\n",
        HEADER.replace(",", "\t") + "*\tsame\t\t5 000\t1\u00a0800\t2h\t10h\t\n",
        HEADER + "*,same,,5\u202f000,1\u2009800,2h,10h\n",
        "SEP=\t\n" + HEADER.replace(",", "\t") + "*\tsame\t\t5000\t1800\t2h\t10h\t \n",
    ],
)
def test_what_spreadsheets_add_is_no_mistake(text: str) -> None:
    assert tariffs_from_csv(text) == [Tariff(ANY, SAME, None, 5_000, 1_800, 2 * HOUR, 10 * HOUR)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_file_is_read_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    text = HEADER + "*,same,,5000,1800,2h,10h\n"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert tariffs_from_csv(price_list_text(mark + text.encode(encoding)))
    with pytest.raises(UnicodeDecodeError):
        price_list_text("астана".encode("cp1251"))


def test_a_file_is_read_whatever_ends_its_lines() -> None:
    assert price_list_text(b"a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize("fee", ["1 80", "1 8000", " 1  800", "1,800.5", "1800,50"])
def test_what_may_be_another_number_is_refused(fee: str) -> None:
    assert "fee must be a whole number" in reasons(HEADER + f'*,same,,5000,"{fee}",2h,10h\n')[0]


def test_lines_are_counted_with_the_one_that_names_the_separator() -> None:
    text = "sep=;\n" + HEADER.replace(",", ";") + "*;*;;5;9;1h;2h\n*;*;;5;9;1h;2h;more\n"
    assert reasons(text) == ["line 4: 8 columns instead of 7"]


def test_columns_may_stand_in_any_order() -> None:
    text = (
        "fee,origin,destination,up_to_km,up_to_grams,pickup_within,delivery_within\n9,*,*,,5,1h,2h"
    )
    assert tariffs_from_csv(text) == [Tariff(ANY, ANY, None, 5, 9, HOUR, 2 * HOUR)]


def test_every_mistake_is_named_with_its_line_at_once() -> None:
    text = (
        HEADER
        + "same,Алматы,0,0,-5,2 hours,\n"
        + "*,*,,1000,100,1h,1d\n"
        + "*,*\n"
        + "*,*,,1000,200,1h,1d\n"
        + f"*,*,,{2**31},{2**63},0s,99999999999d\n"
    )
    found = reasons(text)
    assert [reason.split(":")[0] for reason in found] == [
        *["line 2"] * 7,
        "line 4",
        "line 5",
        *["line 6"] * 4,
    ]
    assert "line 4: 2 columns instead of 7" in found
    assert "line 5: the same as line 3: remove one" in found
    assert "line 2: pickup_within must be a duration such as 90m, 2h or 3d, not '2 hours'" in found


def test_a_city_that_does_not_exist_is_named() -> None:
    cities = frozenset({"almaty"})
    text = HEADER + "almaty,same,,5,9,1h,2h\nalmtay,*,,5,9,1h,2h\n"
    assert reasons(text, cities) == ["line 3: origin: no city has the code 'almtay'"]


@pytest.mark.parametrize("text", ["", "origin,fee\n*,5\n", HEADER.replace("fee", "price")])
def test_wrong_columns_are_refused_with_the_right_ones(text: str) -> None:
    assert reasons(text) == [f"line 1: the columns must be {HEADER.strip().replace(',', ', ')}"]


def test_a_file_without_rows_is_refused() -> None:
    assert reasons(HEADER) == ["line 1: no tariffs below the header"]


def test_a_broken_quotation_is_refused_as_not_csv() -> None:
    (reason,) = reasons(HEADER + '"*,*,,5,9,1h,2h\n')
    assert reason.startswith("line 2: not CSV")


@given(st.text())
def test_any_text_is_read_or_refused_with_reasons(text: str) -> None:
    problems: tuple[TariffFileProblem, ...] = ()
    tariffs: list[Tariff] = []
    try:
        tariffs = tariffs_from_csv(HEADER + text)
    except TariffFileError as refused:
        problems = refused.problems
    assert bool(tariffs) != bool(problems)


def test_a_price_list_is_written_for_reading() -> None:
    rows = [
        Tariff(ANY, ANY, 500, 1_000, 2_490, 4 * HOUR, 48 * HOUR),
        Tariff(ANY, SAME, None, 5_000, 1_800, 90, 24 * HOUR),
    ]
    assert tariffs_to_csv(rows) == HEADER + "*,same,,5000,1800,90s,24h\n*,*,500,1000,2490,4h,2d\n"


codes = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True).filter(
    lambda code: code != SAME
)


@given(
    st.lists(
        st.builds(
            Tariff,
            origin=st.just(ANY) | codes,
            destination=st.sampled_from([ANY, SAME]) | codes,
            up_to_km=st.none() | st.integers(1, 2**31 - 1),
            up_to_grams=st.integers(1, 2**31 - 1),
            fee=st.integers(0, 2**63 - 1),
            pickup_within_seconds=st.integers(1, 2**31 - 1),
            delivery_within_seconds=st.integers(1, 2**31 - 1),
        ),
        min_size=1,
        unique_by=lambda t: (t.origin, t.destination, t.up_to_km, t.up_to_grams),
    )
)
def test_what_is_written_is_read_back(tariffs: list[Tariff]) -> None:
    assert tariffs_from_csv(tariffs_to_csv(tariffs)) == in_reading_order(tariffs)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("same,*,,5,9,1h,2h", "origin must be a city code or `*`, not 'same'"),
        ("*,Ой,,5,9,1h,2h", "destination must be a city code or `*`, `same`, not 'Ой'"),
        ("*,*,0,5,9,1h,2h", f"up_to_km must be a whole number from 1 to {2**31 - 1}, not '0'"),
        ("*,*,,0,9,1h,2h", f"up_to_grams must be a whole number from 1 to {2**31 - 1}, not '0'"),
        ("*,*,,5,-1,1h,2h", f"fee must be a whole number from 0 to {2**63 - 1}, not '-1'"),
        ("*,*,,5,9,0s,2h", "pickup_within must be a duration such as 90m, 2h or 3d, not '0s'"),
        (
            f"*,*,,5,9,1h,{2**31}s",
            f"delivery_within must be a duration such as 90m, 2h or 3d, not '{2**31}s'",
        ),
        (
            f"*,{'!' * 50},,5,9,1h,2h",
            f"destination must be a city code or `*`, `same`, not '{'!' * 50}'",
        ),
        (
            f"*,{'!' * 51},,5,9,1h,2h",
            f"destination must be a city code or `*`, `same`, not '{'!' * 50}…'",
        ),
    ],
)
def test_a_mistake_in_a_cell_is_told_with_what_may_stand_there(row: str, told: str) -> None:
    assert reasons(f"{HEADER}{row}\n") == [f"line 2: {told}"]


def test_a_price_list_has_a_longest_length_and_no_more_than_a_hundred_mistakes_told() -> None:
    written = HEADER + "*,same,,5000,1800,2h,10h\n"
    blank = (" " * 99_999 + "\n") * (LONGEST // 100_000)
    filled = written + blank + " " * (LONGEST - len(written + blank))
    assert len(tariffs_from_csv(filled)) == 1
    assert reasons(filled + " ") == [
        f"line 1: a price list is at most {4 * 1024 * 1024} characters long"
    ]
    assert len(reasons(HEADER + "*,*\n" * 101)) == 100
