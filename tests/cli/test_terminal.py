"""What others wrote cannot steer a terminal, wherever a command prints it."""

import io
import json
from collections.abc import Callable

import pytest

from estafette.cli import output

HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\u202ed\x9b1me\x7ff\rg\u2028h"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[_Terminal, io.StringIO])
def printed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    out, err = request.param(), request.param()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda: out.getvalue() + err.getvalue()


def _is_harmless(text: str) -> bool:
    return not set(text) & set("\x07\x9b\x7f\r\u202e\u2028") and "\x1b[2J" not in text


@pytest.mark.parametrize(
    "prints",
    [
        lambda: output.say(HOSTILE),
        lambda: output.note(HOSTILE),
        lambda: output.fields({"name": HOSTILE}),
        lambda: output.table(("NAME",), [[HOSTILE]], "none"),
        lambda: output.fail(HOSTILE, "code", 1, as_json=False),
        lambda: output.fail(HOSTILE, "code", 1, as_json=True),
        lambda: output.say_json({HOSTILE: [HOSTILE]}),
    ],
)
def test_escapes_of_others_are_shown_and_not_obeyed(
    prints: Callable[[], None], printed: Callable[[], str]
) -> None:
    prints()
    assert _is_harmless(printed())


def test_styles_of_our_own_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    out = _Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.say(f"{output.styled('fine', 'green')} {HOSTILE}")
    assert out.getvalue().startswith("\x1b[32mfine\x1b[0m a\ufffd[2J")


def test_json_keeps_every_character(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    output.say_json({"name": HOSTILE + "\U000e0001ção"})
    assert json.loads(out.getvalue()) == {"name": HOSTILE + "\U000e0001ção"}
    assert "ção" in out.getvalue()


def test_a_file_is_written_as_it_is_and_guarded_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, terminal = io.StringIO(), _Terminal()
    for stream in (file, terminal):
        monkeypatch.setattr("sys.stdout", stream)
        output.write(HOSTILE)
    assert file.getvalue() == HOSTILE
    assert _is_harmless(terminal.getvalue())
