"""The embedded PostgreSQL: its life from the first start to a crash and back."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from estafette.up import postmaster
from estafette.up.postgres import EmbeddedPostgres, EmbeddedPostgresError, find_running
from tests.folders import own_folder

_OWNER = """
import sys, pathlib
from estafette.up.postgres import EmbeddedPostgres

server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of its own: pytest shuts the folders of its earlier runs to other users."""
    with own_folder() as folder:
        yield folder


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A durable server in a folder of its own, not started yet."""
    server = EmbeddedPostgres(folder / "data")
    yield server
    server.stop()


async def _run(dsn: str, *statements: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def _owner(data_dir: Path) -> subprocess.Popen[str]:
    """Start another process that owns the server, as `estafette up` does."""
    return subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _started(owner: subprocess.Popen[str]) -> tuple[str, int]:
    assert owner.stdout is not None
    dsn, pid = owner.stdout.readline().split()
    return dsn, int(pid)


def _end(owner: subprocess.Popen[str]) -> None:
    owner.communicate(timeout=60)


async def test_first_start_creates_a_utf8_database_that_sorts_alike_everywhere(
    server: EmbeddedPostgres,
) -> None:
    dsn = server.start()
    query = "SELECT datname::text || ' ' || pg_encoding_to_char(encoding) || ' ' || datlocale"
    found = await _run(dsn, f"{query} FROM pg_database WHERE datname = current_database()")
    assert found == "estafette UTF8 C.UTF-8"


async def test_commits_wait_for_the_disk(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await _run(dsn, f"SHOW {setting}") == "on"


async def test_application_is_not_superuser(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    assert await _run(dsn, query) is False


async def test_nothing_listens_on_tcp(server: EmbeddedPostgres) -> None:
    assert await _run(server.start(), "SHOW listen_addresses") == ""


async def test_only_the_owner_can_reach_the_socket(server: EmbeddedPostgres) -> None:
    server.start()
    folder = Path(str(await _run(server.admin_dsn, "SHOW unix_socket_directories")))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_second_start_finds_the_data_again(server: EmbeddedPostgres) -> None:
    await _run(server.start(), "CREATE TABLE kept AS SELECT 7 AS number", "SELECT 1")
    server.stop()
    assert await _run(server.start(), "SELECT number FROM kept") == 7


async def test_folder_with_a_long_name_and_odd_characters_serves(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("деревня, к югу " * 6) / "data")
    try:
        dsn = server.start()
        assert await _run(dsn, "SELECT 1") == 1
        assert find_running(server.data_dir) == dsn
    finally:
        server.stop()


def test_the_folders_that_another_user_must_pass_are_opened_no_further_and_named(
    folder: Path,
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    try:
        server.start()
    finally:
        server.stop()
    other = os.geteuid() == 0  # root's PostgreSQL runs as a user of its own
    assert (closed in server.opened) is other
    assert stat.S_IMODE(closed.stat().st_mode) == (0o701 if other else 0o700)
    assert server.data_dir not in server.opened


async def test_initdb_that_was_interrupted_is_done_anew(server: EmbeddedPostgres) -> None:
    unfinished = server.data_dir / "postgres.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert await _run(server.start(), "SELECT 1") == 1


def test_files_of_another_version_are_refused(server: EmbeddedPostgres) -> None:
    files = server.data_dir / "postgres"
    files.mkdir(parents=True)
    (files / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 16"):
        server.start()


def test_folder_with_other_files_is_refused_and_left_alone(server: EmbeddedPostgres) -> None:
    (server.data_dir / "postgres" / "base").mkdir(parents=True)
    with pytest.raises(EmbeddedPostgresError, match="is not empty"):
        server.start()
    assert (server.data_dir / "postgres" / "base").is_dir()


async def test_log_tells_of_errors_without_the_values_of_rows(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await _run(dsn, "create table phones (phone text primary key)", "select 1")
    for _ in range(2):
        with contextlib.suppress(asyncpg.UniqueViolationError):
            await _run(dsn, "insert into phones values ('+77011112233') returning 1")
    log = server.log_path.read_text()
    assert "duplicate key value" in log
    assert "+77011112233" not in log


async def test_log_of_a_running_server_has_an_end(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    with server.log_path.open("a") as log:
        log.write("x" * (11 * 1024 * 1024))
    server.bound_log()
    assert server.log_path.stat().st_size == 0
    former = server.log_path.with_suffix(".log.1")
    assert stat.S_IMODE(former.stat().st_mode) == 0o600
    assert former.stat().st_size > 11 * 1024 * 1024
    with contextlib.suppress(asyncpg.UndefinedTableError):
        await _run(dsn, "select * from nothing")
    assert server.log_path.read_text().count("nothing") == 1  # it goes on in the same file


def test_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data", settings={"shared_buffers": "lots"})
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        server.start()
    assert server.pid is None


def test_find_running_is_none_before_the_start_and_after_the_stop(server: EmbeddedPostgres) -> None:
    assert find_running(server.data_dir) is None
    dsn = server.start()
    assert find_running(server.data_dir) == dsn
    server.stop()
    assert find_running(server.data_dir) is None


def test_stop_twice_is_harmless(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    server.stop()
    assert server.poll() is None


def test_owner_learns_that_the_server_died(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.poll() is None
    assert server.pid is not None
    os.kill(server.pid, signal.SIGINT)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    assert server.poll() == 0


def test_folder_of_a_live_owner_is_refused(folder: Path) -> None:
    owner = _owner(folder)
    try:
        dsn, _ = _started(owner)
        with pytest.raises(EmbeddedPostgresError, match=f"process {owner.pid}"):
            EmbeddedPostgres(folder).start()
        assert find_running(folder) == dsn
    finally:
        _end(owner)
    assert find_running(folder) is None


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.pid is not None
    assert os.getpgid(server.pid) != os.getpgid(0)
    assert os.getsid(server.pid) != os.getsid(0)


async def test_server_of_a_killed_owner_is_replaced(folder: Path, server: EmbeddedPostgres) -> None:
    owner = _owner(server.data_dir)
    dsn, orphan = _started(owner)
    await _run(dsn, "CREATE TABLE kept AS SELECT 7 AS number", "SELECT 1")
    owner.kill()
    owner.communicate()
    dsn = server.start()
    assert server.pid != orphan
    assert await _run(dsn, "SELECT number FROM kept") == 7


async def test_data_survives_when_owner_and_server_are_killed(server: EmbeddedPostgres) -> None:
    owner = _owner(server.data_dir)
    dsn, postgres = _started(owner)
    await _run(dsn, "CREATE TABLE kept AS SELECT 7 AS number", "SELECT 1")
    os.kill(postgres, signal.SIGKILL)
    owner.kill()
    owner.communicate()
    # The kernel closes a killed program's socket in its own time, and tells nobody.
    while find_running(server.data_dir) is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await _run(server.start(), "SELECT number FROM kept") == 7


async def test_start_at_once_after_the_kill_waits_for_the_old_server(
    server: EmbeddedPostgres,
) -> None:
    owner = _owner(server.data_dir)
    _, postgres = _started(owner)
    os.kill(postgres, signal.SIGKILL)
    owner.kill()
    owner.communicate()
    assert await _run(server.start(), "SELECT 1") == 1


async def test_process_id_that_went_to_another_program_does_not_bar_the_start(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    assert server.pid is not None
    path = server.data_dir / "postgres" / "postmaster.pid"
    left = path.read_text().splitlines()
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    other = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        path.write_text("\n".join([str(other.pid), *left[1:]]) + "\n")
        assert find_running(server.data_dir) is None
        assert await _run(server.start(), "SELECT 1") == 1
        assert other.returncode is None
    finally:
        other.terminate()
        await other.wait()


def test_half_written_postmaster_file_is_not_a_ready_server(folder: Path) -> None:
    assert postmaster.read(folder) is None
    path = folder / "postmaster.pid"
    path.write_text("")
    assert postmaster.read(folder) is None
    path.write_text("17\n/data\n1\n")
    assert postmaster.read(folder) == postmaster.Postmaster(17, None, ready=False)
