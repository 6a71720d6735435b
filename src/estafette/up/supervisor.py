"""`estafette up`: PostgreSQL, the server and the worker as children of one small process.

This module only starts them in order, restarts those that crash, and stops them in order. Each
child has a session of its own, so that Ctrl-C in the terminal reaches this process alone.
"""

import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import IO, NamedTuple, Protocol

from estafette.settings import PREFIX, Settings
from estafette.up import runfile, system_user
from estafette.up.child import Child, how_it_ended, program
from estafette.up.environment import allows_loopback, for_children, metrics_url
from estafette.up.measured import keep_counts_of_ended
from estafette.up.postgres import EmbeddedPostgres
from estafette.up.runfile import Running

_READY_SECONDS = 60.0
_GRACE_SECONDS = 1.0  # in addition to the time that a child has for an orderly end
_MARGIN_SECONDS = 2.0  # over what a child that hangs gives itself before it tells where and ends


class SupervisorError(Exception):
    """`up` cannot go on; the message says why and what to do next."""


class _StopRequestedError(BaseException):
    """A request to end everything; not an Exception, so that no handler catches it."""


class Ready(NamedTuple):
    """The running system, once every process answers.

    `people` are the addresses at which they sign in, by the page: a link that works once where
    nobody has joined yet.
    """

    base_url: str
    public_url: str
    accounts: Mapping[str, Mapping[str, str]]
    data_dir: Path
    embedded: bool
    loopback_allowed: bool
    seconds: float
    metrics_url: str | None = None
    people: Mapping[str, str] = MappingProxyType({})


class _Prepared(NamedTuple):
    """The demo accounts by name, and the paths at which people sign in, by the page."""

    accounts: dict[str, dict[str, str]]
    people: dict[str, str]


class StatusListener(Protocol):
    """Receives what happens in a run."""

    def said(self, text: str) -> None:
        """Receives a message for a person."""
        ...

    def ready(self, ready: Ready) -> None:
        """Called when every process answers."""
        ...


class Supervisor:
    """One run of `up`."""

    def __init__(self, settings: Settings, listener: StatusListener) -> None:
        """Prepares; nothing starts before `run`."""
        self._settings = settings
        self._listener = listener
        self._data_dir = settings.data_dir.resolve()
        self._postgres: EmbeddedPostgres | None = None
        self._children: list[Child] = []
        self._dsn = ""
        self._lock: IO[str] | None = None
        self._requests = 0
        self._interruptible = False
        self._stopping = False
        self._began = time.monotonic()
        self._bell, self._ringer = socket.socketpair()

    def run(self) -> None:
        """Runs until SIGINT, SIGTERM or SIGHUP; every process has ended when it returns.

        Raises SupervisorError, EmbeddedPostgresError, or the OSError of the data folder.
        """
        with self._signals():
            try:
                with self._interrupted_by_request():
                    self._start()
                self._watch()
            except _StopRequestedError:
                self._listener.said("Stopping")
            finally:
                self._stop()

    def _start(self) -> None:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = runfile.hold(self._data_dir)
        if self._lock is None:
            raise SupervisorError(
                f"another `estafette up` runs over {self._data_dir}: stop that one,"
                " or choose another folder with ESTAFETTE_DATA_DIR"
            )
        runfile.remove(self._data_dir)  # a killed one may have left it
        settings = self._settings
        port = self._free_port()
        dsn = settings.database_url
        if dsn is None:
            self._postgres = EmbeddedPostgres(self._data_dir)
            if not (self._data_dir / "postgres").exists():
                self._listener.said("Creating a database (the first time takes some seconds)")
            dsn = self._postgres.start()
            if opened := self._postgres.opened:
                self._listener.said(
                    f"Other users may pass {', '.join(map(str, opened))} now (not read or list it):"
                    f" PostgreSQL runs as the system user `{system_user.NAME}`, never as root"
                )
        self._dsn = dsn
        environment = for_children(settings, dsn, self._secret_keys(), port, self._metrics_port())
        prepared = self._prepare(environment)
        measured = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(self._metrics_folder())}
        hang_seconds = settings.hang_seconds + _MARGIN_SECONDS
        self._children = [Child(name, measured, hang_seconds) for name in ("serve", "worker")]
        self._interruptible = False  # a process that is being made must not be lost
        for child in self._children:
            child.start()
        with self._interrupted_by_request():
            self._await_ready(port)
        self._announce(dsn, port, environment, prepared)

    def _free_port(self) -> int:
        """Returns the settings' port, for 0 a free one. Raises SupervisorError when it is taken."""
        advice = "choose another: PORT=8001 make up, or ESTAFETTE_PORT=8001 estafette up"
        return _probe(self._settings.host, self._settings.port, advice)

    def _secret_keys(self) -> list[str]:
        """Returns the key that encrypts secrets, and those with which they are read besides."""
        settings = self._settings
        if settings.secret_key is not None:
            return [settings.secret_key, *settings.other_secret_keys]
        keys = runfile.read_secret_keys(self._data_dir)
        if not keys:
            from estafette.usecases.accounts.secrets import (
                new_cipher_key,  # the first start alone needs it
            )

            keys = [new_cipher_key()]
            runfile.write_secret_key(self._data_dir, keys[0])
        return [*keys, *settings.other_secret_keys]

    def _metrics_port(self) -> int | None:
        """Returns where the server serves its metrics: a free port, unless a setting names one."""
        settings = self._settings
        if settings.metrics_port is not None or settings.metrics_token is not None:
            return settings.metrics_port
        return _probe(settings.metrics_host, 0, "set ESTAFETTE_METRICS_HOST to one of this machine")

    def _metrics_folder(self) -> Path:
        """Returns an empty folder for the measurements of server and worker, for one `/metrics`."""
        folder = self._data_dir / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def _prepare(self, environment: Mapping[str, str]) -> _Prepared:
        """Migrates, seeds and makes the demo accounts, in a process whose memory is then free."""
        remembered = runfile.read_demo_keys(self._data_dir)
        done = subprocess.run(  # noqa: S603 - our own program
            program("prepare"),
            env=dict(environment),
            input=json.dumps(remembered).encode(),
            stdout=subprocess.PIPE,
            start_new_session=True,
            check=False,
        )
        if done.returncode != 0:
            raise SupervisorError("the database could not be prepared: see above")
        prepared = json.loads(done.stdout)
        for line in prepared["done"]:
            self._listener.said(f"Database: {line}")
        accounts: dict[str, dict[str, str]] = prepared["accounts"]
        keys = {
            name: {called: key for called, key in account.items() if called.endswith("_key")}
            for name, account in accounts.items()
        }
        if keys != remembered and self._settings.demo:
            runfile.write_demo_keys(self._data_dir, keys)
        return _Prepared(accounts, prepared["people"])

    def _await_ready(self, port: int) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            for child in self._children:
                code = child.ended()
                if code is not None:
                    raise SupervisorError(
                        f"`estafette {child.name}` {how_it_ended(code)}: see above"
                    )
            if self._is_ready(port):
                return
            self._wait(0.05)
        raise SupervisorError(f"the server was not ready after {_READY_SECONDS:.0f} seconds")

    def _is_ready(self, port: int) -> bool:
        host = self._settings.host
        connection = http.client.HTTPConnection(
            {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host),  # noqa: S104
            port,
            timeout=5,
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _announce(
        self,
        dsn: str,
        port: int,
        environment: Mapping[str, str],
        prepared: _Prepared,
    ) -> None:
        base_url = replace(self._settings, port=port).local_url
        names = (
            "host",
            "port",
            "public_url",
            "secret_key",
            "other_secret_keys",
            "sandbox_step_seconds",
            "webhook_allowed_networks",
        )
        values = {name: environment[PREFIX + name.upper()] for name in names}
        runfile.write_running(self._data_dir, Running(os.getpid(), dsn, base_url, values))
        people = {name: values["public_url"] + path for name, path in prepared.people.items()}
        runfile.write_demo(self._data_dir, base_url, prepared.accounts, people)
        self._listener.ready(
            Ready(
                base_url=base_url,
                public_url=values["public_url"],
                accounts=prepared.accounts,
                people=people,
                data_dir=self._data_dir,
                embedded=self._postgres is not None,
                loopback_allowed=allows_loopback(self._settings),
                seconds=time.monotonic() - self._began,
                metrics_url=metrics_url(self._settings, environment),
            )
        )

    def _watch(self) -> None:
        """Restarts processes that crash, and ends those that hang, until a request to end."""
        while True:
            with self._interrupted_by_request():
                self._wait(self._next_look())
            self._check_postgres()
            for child in self._children:
                code = child.ended()
                if code is not None:
                    keep_counts_of_ended(self._data_dir / "metrics", child.last_pid)
                    delay = child.plan_restart()
                    self._listener.said(
                        f"`{child.name}` {how_it_ended(code)}; starting it again in {delay:g} s"
                    )
                elif child.restart_at is not None and child.restart_at <= time.monotonic():
                    child.start()
                elif (seconds := child.hangs()) is not None:
                    self._listener.said(
                        f"`{child.name}` has not answered for {seconds:.0f} s; replacing it"
                    )

    def _next_look(self) -> float | None:
        waits = [child.look_at for child in self._children if child.look_at is not None]
        return max(0.0, min(waits) - time.monotonic()) if waits else None

    def _check_postgres(self) -> None:
        """Starts PostgreSQL again when it has ended; the children connect again by themselves."""
        postgres = self._postgres
        code = None if postgres is None else postgres.poll()
        if postgres is None:
            return
        if code is None:
            postgres.bound_log()
            return
        self._listener.said(f"PostgreSQL {how_it_ended(code)}; starting it again")
        postgres.stop()
        with self._interrupted_by_request():
            dsn = postgres.start()
        if dsn != self._dsn:
            raise SupervisorError("PostgreSQL had to move: start `up` again")

    def _stop(self) -> None:
        """Ends the server, then the worker, then PostgreSQL."""
        self._stopping = True
        if self._lock is not None:
            with suppress(OSError):
                runfile.remove(self._data_dir)
        until = time.monotonic() + self._settings.shutdown_seconds
        for child in self._children:
            child.stop(max(0.0, until - time.monotonic()) + _GRACE_SECONDS)
        if self._postgres is not None:
            self._postgres.stop()
        if self._lock is not None:
            self._lock.close()
        self._bell.close()
        self._ringer.close()

    def _force(self) -> None:
        """Kills every process at once; PostgreSQL recovers committed data at its next start."""
        for child in self._children:
            child.kill()
        if self._postgres is not None and self._postgres.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._postgres.pid, signal.SIGQUIT)

    @contextmanager
    def _signals(self) -> Generator[None]:
        self._ringer.setblocking(False)
        self._bell.setblocking(False)
        before = signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        old = {number: signal.signal(number, self._requested) for number in handled}
        old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _ignore)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in old.items():
                signal.signal(number, handler)

    def _requested(self, _number: int, _frame: FrameType | None) -> None:
        self._requests += 1
        if self._stopping:
            if self._requests > 1:
                self._force()
        elif self._interruptible:
            self._interruptible = False
            raise _StopRequestedError

    @contextmanager
    def _interrupted_by_request(self) -> Generator[None]:
        """Within this block a signal to end raises an exception at once."""
        self._interruptible = True
        try:
            if self._requests:
                raise _StopRequestedError
            yield
        finally:
            self._interruptible = False

    def _wait(self, seconds: float | None) -> None:
        """Waits until the time is over, a child sends a byte, or a signal arrives."""
        ears = [child.ear for child in self._children if child.ear is not None]
        select.select([self._bell, *ears], [], [], seconds)
        with suppress(BlockingIOError):
            self._bell.recv(4096)


def _probe(host: str, port: int, advice: str) -> int:
    """Returns the port, or a free one for 0, that can be listened on. Raises SupervisorError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
            return probe.getsockname()[1]
    except OSError as error:
        raise SupervisorError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; {advice}"
        ) from None


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the signal only ends a wait."""
