"""What a command costs: it loads what it needs, and little else.

What is loaded is the same on every machine. What it costs is compared with what no command can do
without (its library for the command line, its driver of the database), measured at the same time.
"""

import json
import resource
import subprocess
import sys
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from estafette.cli.commands import COMMANDS, GROUPS
from tests.cli.stage import END_SECONDS, environment, of_database

_OF_SERVERS = (
    "aiohttp",
    "estafette.app.application",
    "jinja2",
    "phonenumbers",
    "prometheus_client",
    "pydantic",
    "starlette.routing",
    "structlog",
    "uvicorn",
    "uvloop",
)
_OF_HELP = "rich"

_OF_ACCOUNT = ("--account", "cost")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_OF_COMPANY = ("--company", "cost", "--market", "AO")
_PHONE = "+244923456789"
_MONEY = (*_OF_ACCOUNT, "--amount", "1", "--reference", "none")
_COMMANDS = (
    ("migrate",),
    ("secret-key",),
    ("secret-key", "rotate"),
    ("secret-key", "accept", "--yes"),
    ("accounts", "create", "cost", "--market", "KZ"),
    ("accounts", "list"),
    ("accounts", "set-rate", "cost", "--rate", "5"),
    ("accounts", "keep", "cost", "--days", "90"),
    ("accounts", "origins", *_OF_ACCOUNT),
    ("accounts", "carriers", *_OF_ACCOUNT),
    ("accounts", "failing", *_OF_ACCOUNT, "--attempts", "2", "--then", "return"),
    ("accounts", "disable", "cost"),
    ("accounts", "enable", "cost"),
    ("keys", "create", *_OF_ACCOUNT, "--name", "spare"),
    ("keys", "list", *_OF_ACCOUNT),
    ("keys", "update", "none", *_OF_ACCOUNT, "--name", "other"),
    ("keys", "limits", "none", *_OF_ACCOUNT),
    ("keys", "rotate", "none", *_OF_ACCOUNT),
    ("keys", "disable", "none", *_OF_ACCOUNT),
    ("keys", "enable", "none", *_OF_ACCOUNT),
    ("keys", "revoke", "none", *_OF_ACCOUNT),
    ("webhooks", "set", *_OF_ACCOUNT, "--url", "https://192.0.2.1/hooks"),
    ("webhooks", "show", *_OF_ACCOUNT),
    ("webhooks", "headers", *_OF_ACCOUNT),
    ("webhooks", "attempts", *_OF_ACCOUNT),
    ("webhooks", "disable", *_OF_ACCOUNT),
    ("webhooks", "enable", *_OF_ACCOUNT),
    ("webhooks", "rotate", *_OF_ACCOUNT),
    ("webhooks", "finish-rotation", *_OF_ACCOUNT),
    ("webhooks", "resend", *_OF_ACCOUNT, "--since", "1h"),
    ("webhooks", "remove", *_OF_ACCOUNT),
    ("webhooks", "test", *_OF_ACCOUNT),
    ("people", "invite", "owner@shop.example", *_OF_ACCOUNT, "--role", "owner"),
    ("people", "list"),
    ("people", "disable", "nobody@shop.example"),
    ("people", "enable", "nobody@shop.example"),
    ("people", "reset", "nobody@shop.example"),
    ("people", "withdraw", "owner@shop.example", *_OF_ACCOUNT),
    ("operator-keys", "create", "--name", "spare"),
    ("operator-keys", "list"),
    ("operator-keys", "update", "none", "--name", "other"),
    ("operator-keys", "rotate", "none"),
    ("operator-keys", "disable", "none"),
    ("operator-keys", "enable", "none"),
    ("operator-keys", "revoke", "none"),
    ("tariffs", "export", "--market", "KZ"),
    ("tariffs", "import", "--market", "KZ", "/none"),
    ("couriers", "list"),
    ("couriers", "create", "cost", "--market", "AO", "--name", "Cost"),
    ("couriers", "update", "cost", "--market", "AO", "--name", "Costs"),
    ("couriers", "activate", "cost", "--market", "AO"),
    ("couriers", "deactivate", "cost", "--market", "AO"),
    ("couriers", "tariffs", "cost", "--market", "AO"),
    ("couriers", "connect", "cost", "--market", "AO", "--url", "http://x", "--secrets", "/none"),
    ("couriers", "disconnect", "cost", "--market", "AO"),
    ("couriers", "dispatching", "cost", "--market", "AO"),
    ("payments", "list"),
    ("payments", "confirm", _NOBODY),
    ("payments", "settle", "--from", "cash", "--company", "none", *_MONEY),
    ("payments", "payout", "--to", "merchant", *_MONEY),
    ("payments", "statement", "--from", "2026-01-01", *_OF_ACCOUNT),
    ("drivers", "add", "Ana", *_OF_COMPANY, "--phone", _PHONE),
    ("drivers", "update", _PHONE, *_OF_COMPANY, "--parcels", "4"),
    ("drivers", "list", *_OF_COMPANY),
    ("drivers", "pause", _PHONE, *_OF_COMPANY),
    ("drivers", "resume", _PHONE, *_OF_COMPANY),
    ("drivers", "start-shift", _PHONE, *_OF_COMPANY),
    ("drivers", "assign", _NOBODY, _PHONE, *_OF_COMPANY),
    ("drivers", "take-back", _NOBODY, *_OF_COMPANY),
    ("drivers", "end-shift", _PHONE, *_OF_COMPANY),
    ("drivers", "remove", _PHONE, *_OF_COMPANY),
    ("cash", "list", *_OF_COMPANY),
    ("cash", "handovers", *_OF_COMPANY),
    ("cash", "declare", *_OF_COMPANY, "--driver", _NOBODY, "--amount", "1"),
    ("cash", "count", "H-1", *_OF_COMPANY, "--counted", "1"),
    ("cash", "withdraw", "H-1", *_OF_COMPANY),
    ("cash", "reverse", "H-1", *_OF_COMPANY, "--reason", "none"),
    ("cash", "reverse-collection", _NOBODY, "--reason", "none"),
    ("cash", "statement", *_OF_COMPANY, "--driver", _NOBODY, "--from", "7d"),
    ("privacy", "export", "--phone", "+77000000000"),
    ("privacy", "erase", "--phone", "+77000000000"),
    ("deliveries", "list"),
    ("deliveries", "show", _NOBODY),
    ("deliveries", "confirm", _NOBODY),
    ("deliveries", "advance", _NOBODY),
    ("deliveries", "carry", _NOBODY),
    ("deliveries", "unlock-pin", _NOBODY),
    ("audit", "list"),
    ("audit", "show", "none"),
    ("doctor",),
    ("accounts", "remove", "cost", "--yes"),
)
_DOES_NEED = {
    "couriers connect ": {"aiohttp", "prometheus_client", "pydantic", "starlette.routing"},
    "drivers ": {"phonenumbers"},
    "privacy export ": {"phonenumbers"},
}
"""What a command does on purpose: it asks a platform, it reads a phone number."""

_OF_A_FILE = ("tariffs import", "couriers connect", "audit show")
"""Commands that find what they are given wanting only after they have loaded all they need."""
_UNTIL_STOPPED = {"up", "serve", "worker", "listen"}
_EACH_IN_TURN = """
import contextlib, io, json, sys
from estafette.cli.commands import run
commands, unwanted = json.loads(sys.argv[1])
found = {}
for command in commands:
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = run(command)
    loaded = [name for name in unwanted if name in sys.modules and name not in before]
    found[" ".join(command)] = [code, loaded]
print(json.dumps(found))
"""
_IMPORTED = """
import sys
import estafette.cli.webhooks
for name, module in sys.modules.items():
    path = getattr(module, "__file__", None) or ""
    if path.endswith(".py") and name.partition(".")[0] not in sys.stdlib_module_names:
        print(path)
"""
_NEEDED = "import asyncpg, cyclopts, cryptography.hazmat.primitives.ciphers.aead"


def test_no_command_loads_what_serves_and_measures(fresh_database: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _EACH_IN_TURN, json.dumps([_COMMANDS, [*_OF_SERVERS, _OF_HELP]])],
        env=environment(tmp_path, **of_database(fresh_database)),
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=True,
    ).stdout
    found = json.loads(told)
    loading = {command: loaded for command, (_, loaded) in found.items() if loaded}
    for words, needed in _DOES_NEED.items():
        assert {name for c in loading if c.startswith(words) for name in loading[c]} <= needed
    assert {c for c in loading if not c.startswith(tuple(_DOES_NEED))} == set()
    misused = {command for command, (code, _) in found.items() if code not in (0, 1)}
    assert {command for command in misused if not command.startswith(_OF_A_FILE)} == set()


def test_every_command_is_among_those_whose_cost_is_known() -> None:
    known = {command[:2] for command in _COMMANDS}
    known = {words if words[0] in (*GROUPS, "secret-key") else words[:1] for words in known}
    assert known | {(name,) for name in _UNTIL_STOPPED} == set(_every_command())


def test_help_of_every_command_loads_what_prints_it_and_no_server(tmp_path: Path) -> None:
    helps = [[*command, "--help"] for command in _every_command()]
    told = subprocess.run(
        [sys.executable, "-c", _EACH_IN_TURN, json.dumps([helps, [*_OF_SERVERS, "markdown_it"]])],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=True,
    ).stdout
    assert json.loads(told) == {" ".join(command): [0, []] for command in helps}


def test_what_commands_import_was_compiled_when_it_was_installed() -> None:
    """Else each command compiles it: Python keeps nothing where it may not write, or is told so."""
    imported = subprocess.run(
        [sys.executable, "-c", _IMPORTED], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    compiled = [path for path in imported if Path(cache_from_source(path)).exists()]
    assert len(imported) > 100
    assert len(compiled) > 0.9 * len(imported)  # what is being worked on is compiled anew


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "list"),
        ("webhooks", "--help"),
        ("deliveries", "list", "--help"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_a_command_costs_little_more_than_what_none_can_do_without(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    # In turn: how much a busy machine slows both down changes with time.
    tries = [
        (_seconds(tmp_path, "-m", "estafette", *arguments), _seconds(tmp_path, "-c", _NEEDED))
        for _ in range(3)
    ]
    command, needed = (min(each) for each in zip(*tries, strict=True))
    assert command < 3.5 * needed


def _every_command() -> list[tuple[str, ...]]:
    """The words that name each command that there is."""
    found = [(name,) for name, place in COMMANDS.items() if not place.endswith(":app")]
    for group in (*GROUPS, "secret-key"):
        app = import_module(f"estafette.cli.{group.replace('-', '_')}").app
        found += [(group, name) for name in app if not name.startswith("-")]
    return [*found, ("secret-key",)]


def _seconds(data_dir: Path, *arguments: str) -> float:
    """The time of the processor, in seconds, that Python takes for this."""
    before = _used()
    subprocess.run(
        [sys.executable, *arguments],
        env=environment(data_dir),
        capture_output=True,
        timeout=END_SECONDS,
        check=False,
    )
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
