"""A child process of `up`, from both sides: its parent's, and its own.

A child's standard input is a socket that its parent keeps open and never writes to. When it closes,
the parent has ended, for whatever reason, and the child ends in order. In the other direction the
child sends a byte every second while its event loop runs: a child that sends none for too long
hangs.
"""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # after which a crash counts as the first again
_FIRST_BEAT_SECONDS = 60.0  # a start takes some seconds, and more beside a busy neighbour
_LAST_SECONDS = 2.0  # what a hanging child has to end in order


class Child:
    """A process that is started again when it crashes."""

    def __init__(self, name: str, environment: Mapping[str, str], hang_seconds: float) -> None:
        """Describes `estafette NAME` with that environment; `start` starts it.

        It hangs when it has sent nothing for `hang_seconds`.
        """
        self.name = name
        self._hang_seconds = hang_seconds
        self._ear: socket.socket | None = None
        self._silent_from = 0.0
        self._kill_at: float | None = None
        self._last_pid = 0
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._delay = _FIRST_DELAY_SECONDS
        self.restart_at: float | None = None

    def start(self) -> None:
        """Starts it in a session of its own, which the terminal's Ctrl-C does not reach."""
        self.restart_at = None
        self._kill_at = None
        self._started = time.monotonic()
        self._silent_from = self._started + _FIRST_BEAT_SECONDS
        self._ear, mouth = socket.socketpair()
        self._ear.setblocking(False)
        with mouth:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                program(self.name),
                stdin=mouth.fileno(),
                env=dict(self._environment),
                start_new_session=True,
            )
        self._last_pid = self._process.pid

    @property
    def ear(self) -> socket.socket | None:
        """The socket on which its bytes arrive while it runs, for `select`."""
        return self._ear

    @property
    def look_at(self) -> float | None:
        """When it is taken to hang unless a byte arrives before; None: never."""
        if self._process is None:
            return self.restart_at
        return self._silent_from + self._hang_seconds if self._kill_at is None else self._kill_at

    def hangs(self) -> float | None:
        """Ends it when it hangs, and returns once for how many seconds it has sent nothing.

        It is ended in order at first, which a process whose event loop stands still may not manage.
        """
        if self._process is None or self._ear is None:
            return None
        now = time.monotonic()
        with suppress(OSError):  # no byte has arrived, or it has just ended
            while self._ear.recv(4096):
                self._silent_from = now
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._process.kill()
                self._kill_at = now + _LAST_SECONDS  # until its end is noticed
            return None
        if now < self._silent_from + self._hang_seconds:
            return None
        self._process.terminate()
        self._kill_at = now + _LAST_SECONDS
        return now - self._silent_from

    @property
    def last_pid(self) -> int:
        """The id of its latest process."""
        return self._last_pid

    def ended(self) -> int | None:
        """Returns its exit code, once, when it has ended by itself."""
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        self._close()
        return code

    def plan_restart(self) -> float:
        """Decides when to start again; returns in how many seconds."""
        if time.monotonic() - self._started > _STEADY_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY_SECONDS)
        self.restart_at = time.monotonic() + delay
        return delay

    def stop(self, seconds: float) -> None:
        """Asks it to end, and kills it when it has not ended after that many seconds."""
        self.restart_at = None
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()

    def _close(self) -> None:
        if self._ear is not None:
            self._ear.close()
        self._ear = self._process = None


def program(name: str) -> list[str]:
    """Returns the command line of a child: `serve`, `worker` or `prepare`."""
    return [sys.executable, "-P", "-m", "estafette.cli.running", name]


def how_it_ended(code: int) -> str:
    """Returns a process's exit code in words."""
    if code == -signal.SIGALRM:
        return "hung and ended itself"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def end_with_stdin() -> None:
    """In a child: ends this process, as SIGTERM does, when its parent is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def beats_to_parent() -> Callable[[], None]:
    """Returns the function by which a child shows that its event loop runs.

    The function does nothing in a process whose standard input is not a socket: it is not a child
    of `up`.
    """
    try:
        descriptor = sys.stdin.fileno()
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return lambda: None
    except (OSError, ValueError, AttributeError):  # there is no standard input
        return lambda: None
    parent = socket.socket(fileno=os.dup(descriptor))

    def beat() -> None:
        with suppress(
            OSError
        ):  # the parent reads too slowly, or has ended, which another thread notices
            parent.send(b".", socket.MSG_DONTWAIT)

    return beat
