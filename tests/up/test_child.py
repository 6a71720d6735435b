"""Children of `up` that do not end when they are asked to."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from estafette.up.child import Child

_DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(0, b".")
open({ready!r}, "w").close()
time.sleep(600)
"""
_LONGEST = 60


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Child]:
    """A child that beats once, then hangs, and does not hear SIGTERM; it is under way.

    Python imports `sitecustomize` before the program, which so never begins.
    """
    ready = tmp_path / "ready"
    (tmp_path / "sitecustomize.py").write_text(_DEAF.format(ready=str(ready)))
    child = Child("serve", os.environ | {"PYTHONPATH": str(tmp_path)}, hang_seconds=0.2)
    child.start()
    try:
        _until(ready.exists)
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.kill(child.last_pid, signal.SIGKILL)


def _until(condition: Callable[[], bool]) -> None:
    """Waits until it is so."""
    ends_at = time.monotonic() + _LONGEST
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def _is_running(child: Child) -> bool:
    try:
        os.kill(child.last_pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_does_not_end_in_time_is_made_to(deaf: Child) -> None:
    assert _is_running(deaf)
    deaf.stop(0.1)
    assert not _is_running(deaf)


def test_a_child_that_hangs_and_does_not_end_in_order_is_made_to(deaf: Child) -> None:
    _until(lambda: deaf.hangs() is not None)
    codes: list[int] = []

    def has_ended() -> bool:
        deaf.hangs()
        code = deaf.ended()
        if code is not None:
            codes.append(code)
        return bool(codes)

    _until(has_ended)
    assert codes == [-signal.SIGKILL]
