"""Secrets that a person gives to a command: never as an argument, which any process list shows."""

import sys
from getpass import getpass

from estafette.cli.output import misused

FROM_STDIN = "-"


def read_private(what: str) -> str:
    """One line of standard input; at a terminal it is asked for and not shown.

    `what` names it in the question. Raises CommandError when there is none.
    """
    asked = sys.stdin.isatty()
    try:
        text = getpass(f"{what}: ") if asked else sys.stdin.readline(_LONGEST)
    except UnicodeDecodeError:
        raise misused(f"standard input holds no {what.lower()}: it is no text in UTF-8") from None
    if not text.strip():
        raise misused(f"standard input holds no {what.lower()}")
    return text.strip()


_LONGEST = 4096


def no_option(_: object, value: str | None) -> None:
    """Refuses an unknown option in the place of a value, of which a lone hyphen is one."""
    if value is not None and value.startswith("-") and value != FROM_STDIN:
        raise misused(f"Unknown option: {value}.")


def must_be_stdin(text: str, what: str) -> None:
    """Refuses a secret that was written on the command line. Raises CommandError."""
    if text != FROM_STDIN:
        raise misused(
            f"{what} is not taken on a command line, which other users can read:"
            " write - there, and it on standard input"
        )
