"""What others wrote cannot steer a terminal, wherever a command prints it."""

import errno
import io
import json
from collections.abc import Callable
from typing import Literal

import pytest

from estafette.cli import output
from estafette.cli.banner import JsonLines
from estafette.cli.banner import Terminal as Banner
from estafette.cli.errors import explain
from estafette.cli.output import CommandError
from estafette.logs import Logger, lines
from estafette.settings import Settings

HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\u202ed\x9b1me\x7ff\rg\u2028h\udc9bi"


class _Stream(io.StringIO):
    def write(self, text: str) -> int:
        text.encode()  # as every stream of a process does
        return super().write(text)


class _Terminal(_Stream):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[_Terminal, _Stream])
def printed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    out, err = request.param(), request.param()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda: out.getvalue() + err.getvalue()


def _is_harmless(text: str) -> bool:
    return not set(text) & set("\x07\x9b\x7f\r\u202e\u2028\udc9b") and "\x1b[2J" not in text


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
        lambda: explain(CommandError(HOSTILE), as_json=False),
        lambda: explain(OSError(errno.ENOENT, "none", HOSTILE), as_json=False),
        lambda: _logged("json"),
        lambda: _logged("console"),
        lambda: JsonLines().said(HOSTILE),
        lambda: Banner(Settings()).said(HOSTILE),
    ],
)
def test_escapes_of_others_are_shown_and_not_obeyed(
    prints: Callable[[], None], printed: Callable[[], str]
) -> None:
    prints()
    assert _is_harmless(printed())


def _logged(format: Literal["json", "console"]) -> None:
    lines.configure("info", format)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        Logger().exception(HOSTILE, path=HOSTILE, members=[HOSTILE], of={HOSTILE: HOSTILE})


def test_no_line_of_an_error_passes_for_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    output.fail("no account 'a\nerror: all is lost\n  b'", "refused", 1, as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        "error: no account 'a",
        "  error: all is lost",
        "  b'",
    ]


def test_a_path_that_is_no_text_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("free at /srv/\udcff")
    output.say_json({"at": "/srv/\udcff"})
    told, as_json = capsys.readouterr().out.splitlines()
    assert told == "free at /srv/\ufffd"
    assert json.loads(as_json) == {"at": "/srv/\udcff"}


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
