"""What a person is told who calls a command wrongly, or where nothing runs."""

import importlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from estafette.cli.commands import COMMANDS, GROUPS, HELP, run
from estafette.cli.errors import explain_database


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("ESTAFETTE_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_help_names_every_command_and_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert capsys.readouterr().out == HELP
    one_line_each = re.sub(r",\n {10,}", ", ", HELP)
    listed = dict(re.findall(r"^  ([a-z-]+) {2,}(.*)$", one_line_each, re.MULTILINE))
    assert set(listed) == {*GROUPS, *COMMANDS}
    for group in GROUPS:
        app = importlib.import_module(f"estafette.cli.{group.replace('-', '_')}").app
        names = {name for name in app if not name.startswith("-")}
        assert set(listed[group].split(", ")) == names


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_takes_json(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    app = importlib.import_module(f"estafette.cli.{group.replace('-', '_')}").app
    for name in app:
        if not name.startswith("-"):
            run([group, name, "--help"])
            assert "--json" in capsys.readouterr().out, f"{group} {name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_single_command_takes_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([name, "--help"])
    assert "--json" in capsys.readouterr().out


def test_help_breaks_its_lines_at_the_width_of_the_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for options in (["--help"], ["-h"], ["--none", "--help"]):
        assert run(["accounts", "carriers", *options]) == 0
        _, first, then, *_ = capsys.readouterr().out.split("\n\n")
        assert first.startswith("Show which in-house companies")
        assert "for others it is \nrefused. Where none fits, a delivery" in then
        assert then.endswith("with the reason.")
    assert run(["accounts", "--help"]) == 0
    assert "Open accounts" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from estafette.cli.commands import run; run(['--help']);"
    script += "print([m for m in ('cyclopts', 'pydantic', 'asyncpg') if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bogus"], 'Unknown command "bogus"'),
        (["accounts", "bogus"], 'Unknown command "bogus"'),
        (["accounts", "create", "shop"], "--market"),
        (["webhooks", "set", "--account", "x", "--url", "ftp://x"], "must begin with http://"),
        (["webhooks", "resend", "--account", "x"], "give one of --message ID"),
        (["webhooks", "attempts", "--account", "x", "--since", "never"], "is neither a time"),
        (["webhooks", "attempts", "--account", "x", "--limit", "-1"], "--limit must be from 1"),
        (["keys", "rotate", "abcd", "--account", "x", "--overlap", "soon"], "is not a duration"),
        (["deliveries", "list", "--account", "x", "--limit", "0"], "--limit must be from 1"),
        (["listen", "--forward-to", "localhost:3000"], "must begin with http://"),
        (["serve"], "DATABASE_URL is not set"),
        (["worker"], "DATABASE_URL is not set"),
        (["tariffs", "import", "nowhere.csv", "--market", "KZ"], "nowhere.csv cannot be read"),
        (["tariffs", "export", "--market", "XX"], "there is no market 'XX'; there are AO, KZ"),
    ],
)
def test_a_misuse_is_one_line_and_exit_code_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert told in printed.err
    assert run([*arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert told in error["message"]
    assert error["code"]


def test_where_nothing_runs_it_is_said_how_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["accounts", "list"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        "error: no Estafette runs over .estafette: start one with `estafette up`"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("accounts", "list"),
        ("keys", "disable", "--account", "x"),
        ("operator-keys", "revoke"),
        ("tariffs", "import", "--market", "AO"),
        ("couriers", "tariffs", "x", "--market", "AO", "--import"),
        ("couriers", "connect", "x", "--market", "AO", "--url", "https://x.example", "--secrets"),
    ],
    ids=" ".join,
)
def test_an_option_that_is_none_is_taken_for_no_value(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--nonsense"]) == 2
    assert capsys.readouterr().err == "error: Unknown option: --nonsense.\n"


def test_the_doctor_says_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 1
    assert "start one with `estafette up`" in capsys.readouterr().out


def test_a_server_without_the_secret_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/x")
    assert run(["serve"]) == 2
    assert "ESTAFETTE_SECRET_KEY is not set" in capsys.readouterr().err


def test_a_database_that_cannot_be_reached_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/x")
    assert run(["migrate"]) == 1
    assert "the database cannot be reached" in capsys.readouterr().err


def test_a_database_host_that_nobody_knows_is_told() -> None:
    told = explain_database(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert told is not None
    assert told.startswith("the host of DATABASE_URL is not known (Name or service not known); ")


def test_a_misspelt_variable_is_remarked_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ESTAFETTE_PROT", "8001")
    run(["accounts", "list"])
    assert "did you mean ESTAFETTE_PORT?" in capsys.readouterr().err


def test_a_new_secret_key_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["secret-key"]) == 0
    assert len(capsys.readouterr().out.strip()) == 44
