"""Running `estafette` as a person does: in processes of its own, over a folder of its own."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from estafette.cli.commands import run
from tests.secret_key import CIPHER_KEY

END_SECONDS = 120.0

Command = Callable[..., Any]
"""Runs a command, as the fixture of that name does."""


def set_environment(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Sets these settings for commands in this process, and none from outside the test."""
    for name in os.environ:
        if name.startswith("ESTAFETTE_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(f"ESTAFETTE_{name.upper()}", value)


def of_database(dsn: str) -> dict[str, str]:
    """The settings that lead to a database of the tests."""
    return {"database_url": dsn, "secret_key": CIPHER_KEY}


def caller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """What runs a command in this process, as the fixture `command` says."""

    def call(*arguments: str, code: int = 0, stdin: str = "", remarks: bool = False) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        ended = run(arguments)
        printed = capsys.readouterr()
        assert ended == code, (arguments, printed)
        if remarks:
            return printed.err
        if "--json" in arguments or arguments[:2] == ("privacy", "export"):
            return json.loads(printed.out)
        return printed.out if code == 0 else printed.err

    return call


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """The environment of a command over `data_dir`, without settings from outside the test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ESTAFETTE_") and name != "DATABASE_URL"
    }
    told = {"data_dir": str(data_dir), "port": "0", "sandbox_step_seconds": "0", **settings}
    return kept | {f"ESTAFETTE_{name.upper()}": value for name, value in told.items()}


def estafette(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "estafette", *arguments],
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )


class Up:
    """A running `estafette up --json`."""

    def __init__(self, data_dir: Path, *options: str, **settings: str) -> None:
        """Starts it; `await_ready` says when it is up."""
        self.data_dir = data_dir
        self.said: list[str] = []
        self.ready: Mapping[str, Any] = {}
        self._log = (data_dir.parent / f"{data_dir.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "estafette", "up", "--json", *options],
            env=environment(data_dir, **settings),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )

    def next_event(self) -> dict[str, Any]:
        """The next line that it prints; raises when it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait(END_SECONDS)}: {self.errors()}"
        event = json.loads(line)
        assert "event" in event, f"it ended: {line}{self.errors()}"
        return event

    def await_ready(self) -> "Up":
        """Returns itself when everything answers."""
        while (event := self.next_event())["event"] != "ready":
            self.said.append(event["text"])
        self.ready = event
        return self

    def await_said(self, part: str) -> str:
        """The first remark with `part` in it."""
        while part not in (text := self.next_event().get("text", "")):
            pass
        return text

    def errors(self) -> str:
        """What it wrote to stderr, its children's logs included."""
        return Path(self._log.name).read_text("utf-8")

    @property
    def demo(self) -> Mapping[str, Any]:
        """What demo.json says."""
        return json.loads((self.data_dir / "demo.json").read_text("utf-8"))

    def children(self) -> dict[str, int]:
        """The process ids of `serve` and `worker`, and of PostgreSQL."""
        found: dict[str, int] = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                status = (folder / "status").read_text()
                command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if f"PPid:\t{self.process.pid}\n" in status:
                known = [name for name in ("serve", "worker") if name in command]
                found[known[0] if known else "postgres"] = int(folder.name)
        return found

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal to it alone, and returns its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(END_SECONDS)
        self.close()
        return code

    def close(self) -> None:
        """Lets go of its output; kills it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(END_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


@contextmanager
def running_up(data_dir: Path, **settings: str) -> Generator[Up]:
    """An `up` over `data_dir` that answers, until the end of the block."""
    running = Up(data_dir, **settings)
    try:
        yield running.await_ready()
    finally:
        if running.process.poll() is None:
            running.end()
        running.close()


def is_alive(pid: int) -> bool:
    """Whether a process runs, other than as a dead one that nobody has collected yet."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
