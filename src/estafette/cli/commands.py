"""All commands under one name, and the one place where errors become a line and an exit code."""

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

# Printed without loading anything; a test holds it against the commands that there are.
HELP = """\
Estafette: a self-hosted last-mile delivery platform that speaks published delivery APIs.

Usage: estafette COMMAND [OPTIONS]      estafette COMMAND --help

Run
  up           everything on this machine: PostgreSQL, server, worker, sandbox couriers
  serve        one HTTP server, over DATABASE_URL
  worker       one worker (webhooks, sandbox couriers), over DATABASE_URL
  migrate      bring the database to this version
  secret-key   print a new key for ESTAFETTE_SECRET_KEY; `rotate`, `accept` change to one

Manage
  accounts     create, list, set-rate, disable, enable, remove, origins, keep, carriers,
               failing
  people       invite, list, withdraw, disable, enable, reset
  operator-keys  create, update, rotate, disable, enable, revoke, list
  keys         create, update, limits, rotate, disable, enable, revoke, list
  webhooks     set, show, headers, enable, disable, remove, rotate, finish-rotation,
               attempts, resend, test
  tariffs      export, import
  couriers     create, update, tariffs, activate, deactivate, list, connect, disconnect,
               dispatching
  drivers      add, update, list, pause, resume, remove, start-shift, end-shift, assign, take-back
  payments     list, confirm, settle, payout, statement
  cash         list, handovers, declare, count, withdraw, reverse, reverse-collection, statement
  privacy      export, erase

Look
  deliveries   list, show, confirm, advance, carry, unlock-pin
  listen       print events as they happen, or forward them to a local port
  audit        list, show
  doctor       check settings, database, clock and reachability

Every command takes --json. Settings come from the environment (ESTAFETTE_…, DATABASE_URL) and from
estafette.toml. Commands find a running `estafette up` through its data folder (ESTAFETTE_DATA_DIR).
"""

GROUPS = (
    "accounts",
    "people",
    "operator-keys",
    "keys",
    "webhooks",
    "tariffs",
    "couriers",
    "drivers",
    "payments",
    "cash",
    "privacy",
    "deliveries",
    "audit",
)
COMMANDS = {
    "up": "processes:up",
    "serve": "processes:serve",
    "worker": "processes:worker",
    "migrate": "processes:migrate",
    "secret-key": "secret_key:app",
    "listen": "listen:listen",
    "doctor": "doctor:doctor",
}


_HELP_FLAGS = ("--help", "-h")


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code: 0, 1 (failed), 2 (misused, wrong settings)."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        sys.stdout.write(HELP)
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        sys.stdout.write(f"estafette {version('estafette')}\n")
        return 0
    as_json = "--json" in arguments
    try:
        _must_be_text(arguments)
        _must_be_known(arguments[0])
        return _run(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from estafette.cli.errors import explain

        return explain(error, as_json=as_json)


def _must_be_text(arguments: Sequence[str]) -> None:
    """Refuses bytes that are no UTF-8, which nothing here could print or keep."""
    from estafette.cli.output import misused

    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise misused(f"{argument!r} is no text in UTF-8") from None


def _must_be_known(command: str) -> None:
    """Refuses the name of no command, without loading those that there are."""
    known = [*GROUPS, *COMMANDS]
    if command in known or command.startswith("-"):
        return
    from difflib import get_close_matches

    from estafette.cli.output import misused

    close = get_close_matches(command, known, 1)
    meant = f' Did you mean "{close[0]}"?' if close else ""
    raise misused(f'Unknown command "{command}".{meant} `estafette --help` lists the commands')


def _run(arguments: Sequence[str]) -> int:
    from cyclopts import App

    # Markdown would load its parser and a library of colours for languages: help has neither.
    app = App(name="estafette", result_action="return_value", help_format="plaintext")
    for group in GROUPS:
        app.command(f"estafette.cli.{group.replace('-', '_')}:app", name=group)
    for name, place in COMMANDS.items():
        app.command(f"estafette.cli.{place}", name=name)
    named = [each for each in arguments if each not in _HELP_FLAGS]
    if len(named) < len(arguments):
        _unwrap_help(app, named)
    code = app(arguments, exit_on_error=False, print_error=False)
    return code if isinstance(code, int) else 0


def _unwrap_help(app: "App", arguments: Sequence[str]) -> None:
    """Joins the lines of each paragraph that a command's help has: a terminal has its own width."""
    command = app.parse_commands(arguments)[1][-1]
    said = re.split(r"\n\s*Parameters\n\s*---", command.help)[0]  # the table tells the rest
    command.help = "\n\n".join(" ".join(each.split()) for each in re.split(r"\n\s*\n", said))
