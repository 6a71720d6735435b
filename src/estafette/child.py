"""A child process of `up`, from both sides: its parent's, and its own.

A child's standard input is a pipe that its parent holds open and never writes to. When it closes,
the parent is gone, however it went, and the child ends in order.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # after which a crash counts as the first again


class Child:
    """A process that is started again when it crashes."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        """`estafette NAME` with that environment; nothing starts yet."""
        self.name = name
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._delay = _FIRST_DELAY_SECONDS
        self.restart_at: float | None = None

    def start(self) -> None:
        """Starts it in a session of its own, which the terminal's Ctrl-C does not reach."""
        self.restart_at = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            program(self.name),
            stdin=subprocess.PIPE,
            env=dict(self._environment),
            start_new_session=True,
        )

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process else None

    def ended(self) -> int | None:
        """Its exit code, once, when it has ended by itself."""
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
        """Asks it to end, and makes it end when it has not in that time."""
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
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def program(name: str) -> list[str]:
    """The command line of a child: `serve`, `worker` or `prepare`."""
    return [sys.executable, "-P", "-m", "estafette.cli.running", name]


def how_it_ended(code: int) -> str:
    """A process's exit code in words."""
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
