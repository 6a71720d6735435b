"""What commands print of texts that others wrote."""

import pytest

from estafette.cli import output

HOSTILE = {
    "an escape sequence": "\x1b]0;owned\x07\x1b[2J",
    "a C1 control": "\x9b2J",
    "a line of its own": "ok\n2026  delivered",
    "a carriage return": "bad\rgood",
    "a line separator": "one\u2028two\u2029three",
    "a change of direction": "\u202egnp.exe\u2066",
    "an invisible character": "ad\u200bmin",
}

each_hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


def _is_tame(printed: str, lines: int) -> bool:
    """Whether a terminal shows so many lines, left to right."""
    assert printed.endswith("\n")
    return len(printed.splitlines()) == lines and all(
        each.isprintable() for each in printed.replace("\n", "")
    )


@each_hostile
def test_a_table_shows_what_others_wrote_and_cannot_be_steered_by_it(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.table(("id", "note"), [("1", text), ("2", None)], "none")
    assert _is_tame(capsys.readouterr().out, 3)


@each_hostile
def test_fields_show_what_others_wrote_and_cannot_be_steered_by_it(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.fields({"note": text, "nothing": None})
    assert _is_tame(capsys.readouterr().out, 1)


def test_letters_of_all_scripts_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.table(("note",), [("Алматы, São João 東京 ê",)], "none")
    assert "Алматы, São João 東京 ê" in capsys.readouterr().out
