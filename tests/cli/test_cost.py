"""What a command costs: it loads what it needs, and little else.

What is loaded is the same on every machine. What it costs is compared with what no command can do
without (its library for the command line, its driver of the database), measured at the same time.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

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

_COMMANDS = (
    ("migrate",),
    ("secret-key",),
    ("secret-key", "rotate"),
    ("accounts", "create", "cost", "--market", "KZ"),
    ("accounts", "list"),
    ("accounts", "set-rate", "cost", "--rate", "5"),
    ("accounts", "keep", "cost", "--days", "90"),
    ("keys", "create", "--account", "cost", "--name", "spare"),
    ("keys", "list", "--account", "cost"),
    ("webhooks", "set", "--account", "cost", "--url", "https://192.0.2.1/hooks"),
    ("webhooks", "show", "--account", "cost"),
    ("webhooks", "attempts", "--account", "cost"),
    ("tariffs", "export", "--market", "KZ"),
    ("couriers", "list"),
    ("payments", "list"),
    ("deliveries", "list"),
    ("deliveries", "show", "00000000-0000-0000-0000-000000000000"),
    ("audit", "list"),
    ("doctor",),
)
_EACH_IN_TURN = """
import contextlib, io, json, sys
from estafette.cli.commands import run
commands, unwanted = json.loads(sys.argv[1])
found = {}
for command in commands:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = run(command)
    loaded = [name for name in unwanted if name in sys.modules]
    found[" ".join(command)] = [code, loaded]
print(json.dumps(found))
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
    assert {command: loaded for command, (_, loaded) in found.items() if loaded} == {}
    assert {code for code, _ in found.values()} == {0, 1}  # none was called amiss


def test_help_of_a_command_loads_what_prints_it_and_no_server(tmp_path: Path) -> None:
    helps = [[group, "--help"] for group in ("up", "accounts", "webhooks", "doctor", "listen")]
    told = subprocess.run(
        [sys.executable, "-c", _EACH_IN_TURN, json.dumps([helps, [*_OF_SERVERS, "markdown_it"]])],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=True,
    ).stdout
    assert json.loads(told) == {" ".join(command): [0, []] for command in helps}


def test_a_command_costs_little_more_than_what_none_can_do_without(tmp_path: Path) -> None:
    needed = _least_seconds(tmp_path, "-c", _NEEDED)
    assert _least_seconds(tmp_path, "-m", "estafette", "accounts", "list", "--help") < 3 * needed
    assert _least_seconds(tmp_path, "-m", "estafette", "accounts", "list") < 2.5 * needed


def _least_seconds(data_dir: Path, *arguments: str) -> float:
    """The least time of the processor, in seconds, that Python takes for this, of three tries."""

    def once() -> float:
        before = _used()
        subprocess.run(
            [sys.executable, *arguments],
            env=environment(data_dir),
            capture_output=True,
            timeout=END_SECONDS,
            check=False,
        )
        return _used() - before

    return min(once() for _ in range(3))


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
