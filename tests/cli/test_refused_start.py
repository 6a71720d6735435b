"""A process that cannot start says why, and what to do, in one line."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from estafette.store.migrate import migrations
from estafette.usecases.accounts.secrets import new_cipher_key
from estafette.usecases.ready import NotReadyError, refuse_old_postgres
from tests.cli.stage import END_SECONDS, Command, environment, estafette, of_database
from tests.patience import await_until
from tests.processes import free_port
from tests.rows import database, tables
from tests.secret_key import CIPHER_KEY

PROCESSES = ("serve", "worker")


def _line(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line that it printed."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.mark.parametrize(
    ("process", "setting"),
    [("serve", "port"), ("serve", "metrics_port"), ("worker", "worker_metrics_port")],
)
def test_a_taken_port_is_named_with_the_setting_that_chooses_another(
    fresh_database: str, tmp_path: Path, taken: str, process: str, setting: str
) -> None:
    given = {"port": str(free_port()), **of_database(fresh_database), setting: taken}
    told = _line(estafette(tmp_path, process, **given))
    assert f"cannot listen on 127.0.0.1 port {taken}: Address already in use" in told
    assert f"choose another with ESTAFETTE_{setting.upper()}\n" in told


def test_an_address_of_another_machine_is_told(fresh_database: str, tmp_path: Path) -> None:
    given = {**of_database(fresh_database), "host": "192.0.2.1"}
    assert "cannot listen on 192.0.2.1 port" in _line(estafette(tmp_path, "serve", **given))


@pytest.mark.parametrize("process", PROCESSES)
def test_another_secret_key_starts_nothing_and_the_change_of_the_key_is_heeded(
    fresh_database: str,
    over_fresh_database: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    process: str,
) -> None:
    over_fresh_database("accounts", "create", "shop", "--market", "KZ")
    right = of_database(fresh_database)
    wrong = {**right, "secret_key": new_cipher_key()}
    told = _line(estafette(tmp_path, process, **wrong), code=2)
    assert "cannot be read with this secret key: set ESTAFETTE_SECRET_KEY" in told
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", wrong["secret_key"])
    assert "cannot be read" in over_fresh_database("accounts", "list", code=2)

    monkeypatch.setenv("ESTAFETTE_OTHER_SECRET_KEYS", CIPHER_KEY)
    assert over_fresh_database("secret-key", "rotate", "--json")["unreadable"] == 0
    monkeypatch.delenv("ESTAFETTE_OTHER_SECRET_KEYS")
    over_fresh_database("accounts", "list")
    assert "cannot be read" in _line(estafette(tmp_path, process, **right), code=2)


def test_secrets_that_versions_before_wrote_tell_a_wrong_key_too(
    fresh_database: str, over_fresh_database: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_fresh_database("accounts", "create", "shop", "--market", "KZ")
    # as it was before there was such a text
    _at(fresh_database, lambda connection: tables.remove(connection, "data_keys"))
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", new_cipher_key())
    assert "cannot be read" in over_fresh_database("accounts", "list", code=2)
    assert "secret key" in over_fresh_database("doctor", "--json", code=1)["findings"][-2]["about"]
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", CIPHER_KEY)
    over_fresh_database("accounts", "list")


def test_a_look_with_another_secret_key_is_refused_and_changes_nothing(
    fresh_database: str, over_fresh_database: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ("privacy", "erase", "--phone", "+244923444000")
    over_fresh_database(*look)
    # a version before has kept an index of phones, and nothing else that is encrypted
    check = {"name": "check"}
    _at(fresh_database, lambda connection: tables.remove(connection, "data_keys", check))
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", new_cipher_key())
    assert "cannot be read" in over_fresh_database(*look, code=2)
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", CIPHER_KEY)
    over_fresh_database(*look)


def test_a_key_that_is_lost_can_be_given_up_when_it_is_meant(
    over_fresh_database: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_fresh_database("accounts", "create", "shop", "--market", "KZ")
    assert "It is the database's already" in over_fresh_database("secret-key", "accept", "--yes")
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", new_cipher_key())
    assert "--yes" in over_fresh_database("secret-key", "accept", code=2)
    over_fresh_database("accounts", "list", code=2)
    assert over_fresh_database("secret-key", "accept", "--yes", "--json") == {"accepted": True}
    over_fresh_database("accounts", "list")
    [entry] = over_fresh_database("audit", "list", "--act", "secret_key", "--json")["entries"]
    assert entry["act"] == "secret_key.accepted"


def _at(dsn: str, change: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    """Changes something in the database at `dsn`."""

    async def connected() -> None:
        connection = await asyncpg.connect(dsn)
        await change(connection)
        await connection.close()

    asyncio.run(connected())


@pytest.mark.parametrize("process", PROCESSES)
def test_a_database_of_an_older_version_is_told_how_to_be_brought_to_this_one(
    fresh_database: str, over_fresh_database: Command, tmp_path: Path, process: str
) -> None:
    last = {"name": migrations()[-1][0]}
    _at(fresh_database, lambda connection: tables.remove(connection, "migrations", last))
    told = _line(estafette(tmp_path, process, **of_database(fresh_database)))
    assert told == "error: the database is of an older version: run `estafette migrate`\n"
    assert over_fresh_database("accounts", "list", code=1) == told


def test_an_empty_database_is_too(empty_database: str, tmp_path: Path) -> None:
    told = _line(estafette(tmp_path, "worker", **of_database(empty_database)))
    assert "run `estafette migrate`" in told


def test_an_old_postgresql_is_named() -> None:
    refuse_old_postgres(15)
    with pytest.raises(NotReadyError, match="PostgreSQL 14: move it to 15 or newer"):
        refuse_old_postgres(14)


_NOT_THERE = {
    "postgresql://127.0.0.1:1/x": "the database cannot be reached",
    "postgresql://x@/x?host=/nowhere": "the database cannot be reached",
    "postgresql://database.invalid/x": "the host of DATABASE_URL is not known",
}


@pytest.mark.parametrize(("process", "url"), [*zip(PROCESSES, _NOT_THERE, strict=False)])
def test_a_database_that_is_not_there_is_one_line(tmp_path: Path, process: str, url: str) -> None:
    told = _line(estafette(tmp_path, process, **of_database(url)))
    assert _NOT_THERE[url] in told


@pytest.mark.parametrize("command", ["migrate", "deliveries list --account shop"])
@pytest.mark.parametrize("url", _NOT_THERE)
def test_a_command_says_the_same_in_one_line(
    over_fresh_database: Command, monkeypatch: pytest.MonkeyPatch, command: str, url: str
) -> None:
    monkeypatch.setenv("ESTAFETTE_DATABASE_URL", url)
    told = over_fresh_database(*command.split(), code=1)
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert _NOT_THERE[url] in told


def test_a_database_that_is_no_postgresql_or_does_not_exist_is_told(
    fresh_database: str, tmp_path: Path
) -> None:
    missing = fresh_database.replace(urlsplit(fresh_database).path, "/nowhere")
    told = _line(estafette(tmp_path, "serve", **of_database(missing)))
    assert 'database "nowhere" does not exist; create it, or correct DATABASE_URL' in told


def test_a_database_that_can_only_be_read_starts_nothing(
    fresh_database: str, tmp_path: Path
) -> None:
    _at(fresh_database, lambda inside: database.allow_reading_alone(inside, fresh_database))
    told = _line(estafette(tmp_path, "worker", **of_database(fresh_database)))
    assert "the database can only be read; name the primary" in told


def test_a_spoilt_key_in_the_data_folder_is_told(
    over_fresh_database: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.key").write_text("spoilt\n")
    monkeypatch.delenv("ESTAFETTE_SECRET_KEY")
    told = over_fresh_database("accounts", "list", code=1)
    assert "is secret.key in the data folder as it was?" in told


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "estafette", "accounts", "create", b"\xff", "--market", "KZ"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is no text in UTF-8" in _line(done, code=2)


@pytest.mark.parametrize("process", PROCESSES)
def test_a_start_tells_version_place_and_database_and_no_password(
    fresh_database: str, tmp_path: Path, process: str
) -> None:
    dsn = fresh_database.replace("://estafette@", "://estafette:hidden-word@")
    port = str(free_port())
    log = tmp_path / "log"
    with log.open("w") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-m", "estafette", process, "--json"],
            env=environment(tmp_path, **{**of_database(dsn), "port": port}),
            stderr=stderr,
            stdin=subprocess.DEVNULL,
        )
        try:
            await_until(lambda: '"started"' in log.read_text() or running.poll() is not None)
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(END_SECONDS) == os.EX_OK, log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    [started] = [line for line in lines if line["event"] == "started"]
    name = urlsplit(dsn).path[1:]
    assert started["database"] == f"{name} at a local socket, as estafette"
    assert started["postgresql"].startswith("18.")
    assert started["version"]
    assert started.get("listens") == (f"http://localhost:{port}" if process == "serve" else None)
    assert "hidden-word" not in log.read_text()
