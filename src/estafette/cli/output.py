"""What commands print: tables and fields for people, JSON for programs, errors in one line."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

from estafette.terminal import escaped, plain, plain_lines

OK = 0
FAILED = 1
MISUSED = 2

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class CommandError(Exception):
    """A command cannot do what was asked: why, and what to do next."""

    def __init__(self, message: str, *, code: str = "failed", exit_code: int = FAILED) -> None:
        """`code` names the kind of error for programs."""
        self.code = code
        self.exit_code = exit_code
        super().__init__(message)


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style of `_STYLES`, where the stream (stdout) is a terminal that shows it."""
    out: TextIO = sys.stdout if stream is None else stream
    plain = not out.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain or not text else f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


_OURS = re.compile("(\x1b\\[(?:0|" + "|".join(_STYLES.values()) + ")m)")


def _guarded(text: str) -> str:
    """Text in which nothing but our own styles, and the ends of lines, steers a terminal."""
    if text.isascii() and text.isprintable():
        return text
    pieces = _OURS.split(text)  # those between are what the pattern does not match
    pieces[::2] = map(plain_lines, pieces[::2])
    return "".join(pieces)


def _print(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def say(text: str = "") -> None:
    """Prints a line now. Whatever others wrote in it does not steer the terminal."""
    _print(sys.stdout, _guarded(text) + "\n")


def note(text: str) -> None:
    """Prints a remark for people, apart from the result, guarded alike."""
    _print(sys.stderr, _guarded(text) + "\n")


def write(text: str) -> None:
    """Prints a piece of a file: as it is for a program, guarded on a terminal."""
    _print(sys.stdout, _guarded(text) if sys.stdout.isatty() else text)


def say_json(data: object) -> None:
    """Prints one JSON document: indented for a person at a terminal, else on one line."""
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(data, default=_jsonable, ensure_ascii=False, indent=indent)
    _print(sys.stdout, "\n".join(map(escaped, text.split("\n"))) + "\n")


def _jsonable(value: object) -> object:
    return time_text(value) if isinstance(value, datetime) else str(value)


def time_text(value: datetime | None) -> str:
    """A time as commands print it: RFC 3339, UTC, whole seconds."""
    return "" if value is None else f"{value:%Y-%m-%dT%H:%M:%SZ}"


def fields(rows: Mapping[str, object]) -> None:
    """Prints names and values in two columns, leaving out what has no value."""
    shown = [(name, _cell(value)) for name, value in rows.items() if value is not None]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        say(f"{styled(name.ljust(width), 'dim')}  {value}")


def table(header: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Prints rows in columns under a header, or `empty` when there are none."""
    if not rows:
        say(empty)
        return
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    say(styled(_line(header, widths), "dim"))
    for row in cells:
        say(_line(row, widths))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return time_text(value) if isinstance(value, datetime) else plain(str(value))


def fail(message: str, code: str, exit_code: int, *, as_json: bool) -> int:
    """Prints an error: one line on stderr, or `{"error": {…}}` on stdout; returns the exit code.

    Further lines of the message are indented: none of them can pass for a line of its own.
    """
    if as_json:
        say_json({"error": {"code": code, "message": message}})
    else:
        first, *others = message.split("\n")
        more = "".join(f"\n  {line.strip()}" for line in others)
        note(f"{styled('error:', 'red', sys.stderr)} {first}{more}")
    return exit_code


def misused(message: str) -> CommandError:
    """The refusal of how a command was called, to be raised."""
    return CommandError(message, code="usage", exit_code=MISUSED)
