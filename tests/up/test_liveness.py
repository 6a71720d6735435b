"""A process whose event loop stands still, and what becomes of it."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from estafette.up.liveness import Alarm, LagMetrics, watch
from tests.processes import free_port

_LONGEST = 60


class _Busy:
    """A running `tests.busy`."""

    def __init__(self, hang: float, shutdown: float) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.busy", str(self.port), str(hang), str(shutdown)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_said(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def ask(self, path: str) -> socket.socket:
        asked = socket.create_connection(("127.0.0.1", self.port))
        asked.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return asked

    def end(self) -> tuple[int, str]:
        """Waits for its end; returns its exit code and what it wrote to stderr."""
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        return self.process.wait(_LONGEST), errors


@contextmanager
def _busy(*, hang: float, shutdown: float) -> Generator[_Busy]:
    busy = _Busy(hang, shutdown)
    try:
        busy.await_said("ready")
        yield busy
    finally:
        busy.process.kill()
        busy.process.wait(_LONGEST)
        for stream in (busy.process.stdin, busy.process.stdout, busy.process.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize(("path", "word"), [("/spin", "spinning"), ("/hold", "holding")])
def test_a_signal_to_end_ends_a_process_whose_loop_stands_still(path: str, word: str) -> None:
    """Whether it computes in Python, or in C, which lets no handler of Python run."""
    # longer than a machine stands still: nothing but the signal may end it
    hang = 600.0 if path == "/spin" else 5.0
    with _busy(hang=hang, shutdown=1) as busy, busy.ask(path):
        busy.await_said(word)
        busy.process.send_signal(signal.SIGTERM)
        code, errors = busy.end()  # by itself it does not end
        assert code == -signal.SIGALRM
        assert "busy.py" in errors  # it tells where it stood
        assert word[:4] in errors


def test_a_process_whose_loop_stands_still_ends_itself() -> None:
    with _busy(hang=5, shutdown=600) as busy, busy.ask("/spin"):
        busy.await_said("spinning")
        code, errors = busy.end()
        assert code == -signal.SIGALRM
        assert "in _spin" in errors


def test_a_process_with_a_loop_that_turns_ends_in_order() -> None:
    with _busy(hang=60, shutdown=60) as busy:
        with busy.ask("/") as asked:
            assert asked.recv(100).startswith(b"HTTP/1.1 200")
            busy.process.send_signal(signal.SIGTERM)
            assert asked.recv(1000) is not None
        code, errors = busy.end()
        assert code in (0, -signal.SIGTERM)
        assert "Traceback" not in errors


class _Alarm(Alarm):
    """Counts how often it was put off, and ends nothing."""

    def __init__(self) -> None:
        self.count = 0
        self.again = asyncio.Event()

    def put_off(self) -> None:
        self.count += 1
        self.again.set()


async def test_the_lag_of_the_loop_is_measured_and_a_long_one_logged_now_and_then() -> None:
    registry, alarm = CollectorRegistry(), _Alarm()
    began = time.monotonic()
    with capture_logs() as lines:
        task = asyncio.create_task(watch(LagMetrics("server", registry), alarm))
        await asyncio.wait_for(alarm.again.wait(), _LONGEST)
        for _ in range(2):
            time.sleep(1)  # noqa: ASYNC251 - the loop is to stand still
            alarm.again.clear()
            await asyncio.wait_for(alarm.again.wait(), _LONGEST)
        task.cancel()
    labels = {"process": "server"}
    name = "estafette_event_loop_lag_seconds"
    count = registry.get_sample_value(f"{name}_count", labels)
    assert count is not None
    assert count >= 3
    fast = registry.get_sample_value(f"{name}_bucket", {**labels, "le": "0.5"})
    assert fast is not None
    assert count - fast >= 2
    worst = registry.get_sample_value("estafette_event_loop_lag_worst_seconds", labels)
    assert worst is not None
    assert worst > 0.5
    told = [line for line in lines if line["event"] == "the event loop was held up"]
    assert all(line["seconds"] > 0.5 for line in told)
    assert 1 <= len(told) <= 1 + (time.monotonic() - began) // 10


async def test_nothing_is_put_off_while_a_server_is_not_well() -> None:
    alarm = _Alarm()
    task = asyncio.create_task(
        watch(LagMetrics("server", CollectorRegistry()), alarm, is_well=lambda: False)
    )
    await asyncio.sleep(0.6)
    task.cancel()
    assert alarm.count == 0
