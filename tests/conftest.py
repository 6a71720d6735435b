"""The database under the tests: one PostgreSQL for a run, one database for each worker.

Tests of the core ask for none of these fixtures and start nothing. The others share an embedded
server, started once for all workers, or the one that `ESTAFETTE_TEST_DATABASE_URL` names (its user
must be allowed to create databases). A worker's database is a copy of one migrated template, which
runs share, and leave, that are given one name by `ESTAFETTE_TEST_DATABASE_RUN`.

Make your own accounts and look at those alone: then tests share `postgres_dsn` without cleaning.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import hypothesis
import pytest
import structlog

from estafette.up.postgres import EmbeddedPostgres, EmbeddedPostgresError
from tests import folders
from tests.rows import database

T = TypeVar("T")

# What pytest makes of tests' asserts is kept for other workers and the next run, also where Python
# is told to keep nothing: for each of them it takes ten seconds.
sys.dont_write_bytecode = False

# A deadline would be of wall time, which is the neighbours' as much as ours, and so is what is too
# slow. Each run tries the same, so that it says of a change what it said before; "long" tries anew.
_UNTIMED = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("untimed", _UNTIMED, derandomize=True)
hypothesis.settings.register_profile("long", _UNTIMED, derandomize=False, max_examples=1_000)
hypothesis.settings.load_profile("untimed")

# What the tests' own process logs is apart from what a command prints in it: `capsys` takes what is
# written to `sys.stdout`, and pytest all the rest.
structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.__stdout__))

_TEMPLATE_LOCK = 0x7E57
_FOLDER = "estafette-tests-"
_STALE_SECONDS = 3600
_RUN = "ESTAFETTE_TEST_DATABASE_RUN"


@dataclass(frozen=True)
class DatabaseServer:
    """The server of this test run, whose databases all carry the run's name."""

    dsn: str
    run: str
    embedded: EmbeddedPostgres | None = None

    def database(self, name: str) -> str:
        """Return the DSN of the database `name` of this server."""
        return urlsplit(self.dsn)._replace(path=f"/{name}").geturl()

    @property
    def template(self) -> str:
        """The name of the migrated database of which the others are copies."""
        return f"estafette_test_{self.run}"

    def new_name(self) -> str:
        """Return a name that no database has."""
        return f"{self.template}_{uuid.uuid4().hex[:12]}"


_server = pytest.StashKey[DatabaseServer]()


def _server_of(config: pytest.Config) -> DatabaseServer:
    """Return the run's server: the controller's in a worker, else one that starts now."""
    if _server not in config.stash:
        shared: dict[str, str] | None = getattr(config, "workerinput", None)
        if shared is None:
            config.stash[_server] = _start_server()
        else:
            config.stash[_server] = DatabaseServer(shared["database_dsn"], shared["database_run"])
    return config.stash[_server]


def _start_server() -> DatabaseServer:
    run = uuid.uuid4().hex[:8]
    if given := os.environ.get("ESTAFETTE_TEST_DATABASE_URL"):
        return DatabaseServer(given, os.environ.get(_RUN, run))
    _sweep()
    # What is written here outlives no run, so nothing waits for the disk.
    server = EmbeddedPostgres(
        Path(tempfile.mkdtemp(prefix=_FOLDER, dir=folders.parent())), durable=False
    )
    dsn = server.start()
    database.let_create_databases(server)
    return DatabaseServer(dsn, run, server)


def _sweep() -> None:
    """End and remove the servers of runs that were killed; a live run's folder refuses."""
    for folder in (each for parent in folders.parents() for each in parent.glob(f"{_FOLDER}*")):
        if time.time() - folder.stat().st_mtime < _STALE_SECONDS:
            continue
        if not (folder / "postgres" / "PG_VERSION").exists():  # it was removed in part
            shutil.rmtree(folder, ignore_errors=True)
            continue
        leftover = EmbeddedPostgres(folder, durable=False)
        with contextlib.suppress(EmbeddedPostgresError):  # another run has its lock
            with contextlib.suppress(OSError):  # it was half removed
                leftover.start()
                leftover.stop()
            shutil.rmtree(folder, ignore_errors=True)


def pytest_collection(session: pytest.Session) -> None:
    """Let each worker read other tests first, so that they do not rewrite the same at a time."""
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    root = session.config.rootpath
    files = sorted((root / "tests").rglob("test_*.py"))
    begin = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for file in (*files[begin:], *files[:begin]):
        with contextlib.suppress(Exception):  # what is wrong is told when it is collected
            import_module(".".join(file.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the server in xdist's controller, which outlives every worker, and tell the worker."""
    server = _server_of(node.config)
    node.workerinput["database_dsn"] = server.dsn
    node.workerinput["database_run"] = server.run


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind: neither a server nor, in a server that was given, a template."""
    server = config.stash.get(_server, None)
    if server is None or hasattr(config, "workerinput"):
        return
    if server.embedded is not None:
        server.embedded.stop()
        # what a process that is just ending still writes is swept by a later run
        shutil.rmtree(server.embedded.data_dir, ignore_errors=True)
    elif _RUN not in os.environ:
        _await(database.drop(server.dsn, server.template))


def _await(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a loop of its own, apart from the loops of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _ensure_template(server: DatabaseServer) -> None:
    """Migrate the template unless another worker has; they wait for the first one."""
    from estafette.store.migrate import migrate

    async with database.alone_in_turn(server.dsn, _TEMPLATE_LOCK) as connection:
        if not await database.exists(connection, server.template):
            unfinished = server.new_name()
            await database.create(server.dsn, unfinished)
            await migrate(server.database(unfinished))
            await database.rename(connection, unfinished, server.template)


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """The PostgreSQL of this run, for tests that create databases of their own."""
    return _server_of(request.config)


@pytest.fixture(scope="session")
def migrated_template(database_server: DatabaseServer) -> str:
    """The name of a migrated database that nobody writes to: `CREATE DATABASE … TEMPLATE`."""
    _await(_ensure_template(database_server))
    return database_server.template


@dataclass(frozen=True)
class _WorkerDatabase:
    dsn: str
    emptied: list[str]


@pytest.fixture(scope="session")
def _worker_database(
    database_server: DatabaseServer, migrated_template: str
) -> Iterator[_WorkerDatabase]:
    name = database_server.new_name()
    dsn = database_server.database(name)
    _await(database.create(database_server.dsn, name, migrated_template))
    # Nothing can empty the audit; a test looks at its own accounts' acts.
    emptied = set(_await(database.tables_without_rows(dsn))) - {"audit"}
    yield _WorkerDatabase(dsn, sorted(emptied))
    _await(database.drop(database_server.dsn, name))


@pytest.fixture(scope="session")
def postgres_dsn(_worker_database: _WorkerDatabase) -> str:
    """The migrated database of this worker, shared by its tests."""
    return _worker_database.dsn


@pytest.fixture
def fresh_database(database_server: DatabaseServer, migrated_template: str) -> Iterator[str]:
    """A migrated database for one test alone (some 50 ms), whatever that test does to it."""
    name = database_server.new_name()
    _await(database.create(database_server.dsn, name, migrated_template))
    yield database_server.database(name)
    _await(database.drop(database_server.dsn, name))


@pytest.fixture
def empty_database(database_server: DatabaseServer) -> Iterator[str]:
    """A database without tables for one test alone."""
    name = database_server.new_name()
    _await(database.create(database_server.dsn, name))
    yield database_server.database(name)
    _await(database.drop(database_server.dsn, name))


@pytest.fixture
def clean_database(_worker_database: _WorkerDatabase) -> str:
    """The worker's database with every table emptied that the migrations leave empty.

    For a test that counts all rows. One that changes seeded rows takes `fresh_database`.
    """
    if _worker_database.emptied:
        _await(database.empty(_worker_database.dsn, _worker_database.emptied))
    return _worker_database.dsn


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the worker's database, for this test and its loop."""
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the worker's Chromium is connected to; see `tests/chromium.py`."""
    from tests.chromium import chromium_server

    with chromium_server(tmp_path_factory.mktemp("chromium")) as address:
        yield address
