"""A running `up`, and commands beside it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estafette.cli.commands import run
from estafette.usecases.secrets import new_cipher_key
from tests.cli.stage import Command, Up, own_folder, running_up


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """A running `up`, one for these tests: a start takes seconds."""
    with own_folder() as folder, running_up(folder / "data") as running:
        yield running


@pytest.fixture
def command(up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process, whose start would take most of the time otherwise.

    With `--json` it returns what was printed as a value, else as text; `code` is the expected exit
    code.
    """
    for name in os.environ:
        if name.startswith("ESTAFETTE_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("ESTAFETTE_DATA_DIR", str(up.data_dir))

    return _caller(capsys)


@pytest.fixture
def over_database(
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command in this process over the worker's database, as `command` does beside `up`."""
    for name in os.environ:
        if name.startswith("ESTAFETTE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    monkeypatch.setenv("ESTAFETTE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", new_cipher_key())
    return _caller(capsys)


def _caller(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = run(arguments)
        printed = capsys.readouterr()
        assert ended == code, printed
        if "--json" in arguments or arguments[:2] == ("privacy", "export"):
            return json.loads(printed.out)
        return printed.out if code == 0 else printed.err

    return call
