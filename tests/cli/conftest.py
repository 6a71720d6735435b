"""A running `up`, and commands beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.stage import (
    Command,
    Up,
    caller,
    of_database,
    running_up,
    set_environment,
)
from tests.folders import own_folder


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """A running `up`, one for these tests: a start takes seconds."""
    with own_folder() as folder, running_up(folder / "data") as running:
        yield running


@pytest.fixture
def command(up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process, whose start would take most of the time otherwise.

    With `--json` it returns what was printed as a value, else as text, or the `remarks` beside it;
    `code` is the expected exit code, `stdin` its standard input.
    """
    set_environment(monkeypatch, data_dir=str(up.data_dir))
    return caller(monkeypatch, capsys)


@pytest.fixture
def over_database(
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command in this process over the worker's database, as `command` does beside `up`."""
    set_environment(monkeypatch, data_dir=str(tmp_path), **of_database(postgres_dsn))
    command = caller(monkeypatch, capsys)
    command("secret-key", "accept", "--yes")  # other tests keep secrets there with other keys
    return command


@pytest.fixture
def over_fresh_database(
    fresh_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The same over a database for this test alone."""
    set_environment(monkeypatch, data_dir=str(tmp_path), **of_database(fresh_database))
    return caller(monkeypatch, capsys)
