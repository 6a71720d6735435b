"""A PostgreSQL server seen from outside: its `postmaster.pid`, its socket, and its end."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from estafette.up import system_user

PORT = 5432  # only names the socket file: the embedded server does not listen on TCP
POLL_SECONDS = 0.02

_STOP_SECONDS = 30.0
_SOCKET_DIR_LINE = 4
_STATE_LINE = 7


class UnreadableError(Exception):
    """The server's files belong to another user."""


@dataclass(frozen=True)
class Postmaster:
    """What a running, or killed, server left in its `postmaster.pid`."""

    pid: int
    socket_dir: Path | None
    ready: bool


def read(files: Path) -> Postmaster | None:
    """Reads `postmaster.pid` in the server's folder; None when no server left one there.

    Its lines come one after another while a server starts: process, folder, start time, port,
    socket folder, addresses, shared memory, state. Raises `UnreadableError`.
    """
    try:
        lines = (files / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    except PermissionError:
        message = f"{files} belongs to another user: run this as the user who runs `estafette up`"
        raise UnreadableError(message) from None
    if not lines or not lines[0].strip().isdigit():
        return None
    socket_dir = lines[_SOCKET_DIR_LINE] if len(lines) > _SOCKET_DIR_LINE else ""
    state = lines[_STATE_LINE].strip() if len(lines) > _STATE_LINE else ""
    return Postmaster(int(lines[0]), Path(socket_dir) if socket_dir else None, state == "ready")


def answers(socket_dir: Path) -> bool:
    """Returns whether a server accepts connections there; the socket of a killed one refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(socket_dir / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks our server for a fast shutdown, then for an immediate one, then kills it, 30 s apart."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(request)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def end_leftover(files: Path) -> None:
    """Ends the server over these files that a killed owner left; the caller holds their lock.

    Where only its lock files are left and the process id belongs to another program by now
    (containers count from 1 again), or to a dead process that nobody collects, PostgreSQL would
    take it for a server. It never takes its own parent for one, so `postmaster.pid` gets our id.
    That one is not removed: the rest of it is how PostgreSQL recognises processes of the old
    server that still touch the files. The lock beside the socket says nothing more, and goes; a
    backup of a server that ran brings that one alone.
    """
    found = read(files)
    serves = found is not None and _serves(found.pid, files)
    if not serves:
        (files / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    if found is None:
        return
    if not serves:
        path = files / "postmaster.pid"
        lines = path.read_text().splitlines()
        path.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        return
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        os.kill(found.pid, request)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if not _serves(found.pid, files):
                return
            time.sleep(POLL_SECONDS)


def _serves(pid: int, files: Path) -> bool:
    """Returns whether the process is a PostgreSQL server over these files, by its command line."""
    if Path("/proc/self").exists():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return os.fsencode(files) in arguments
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - every Unix without /proc has it
        env=system_user.plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return f"-D {files} " in listed.stdout
