"""Tests on a machine that is busy, and stands still for seconds now and then.

What must succeed is given time that no machine needs: see `WAITS`. A test whose subject is time
itself, of which it cannot give away much, is `timed`.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec

from estafette.usecases.connections import Waits

P = ParamSpec("P")

WAITS: Final = Waits(turn=60.0, list_turn=60.0, whole_list=60.0)
"""How long requests of the tests wait for the database: only a test that fails waits so long."""

LONGEST_SECONDS: Final = 120.0
"""How long tests wait for what must happen: ten times what a machine takes that is very busy."""


async def until(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = LONGEST_SECONDS
) -> None:
    """Waits until it is so, by asking again and again: nothing tells of it."""
    async with asyncio.timeout(seconds):
        while not await _is_so(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _is_so(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = condition()
    return await found if inspect.isawaitable(found) else found


def await_until(condition: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
    """The same, for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)


_BEAT_SECONDS = 0.02
_TRIES = 20


class _Standstill:
    """The longest time for which the event loop did not run, in seconds."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._seen_at = time.monotonic()

    def look(self) -> float:
        now = time.monotonic()
        self._longest = max(self._longest, now - self._seen_at)
        self._seen_at = now
        return self._longest

    async def watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_BEAT_SECONDS)


def timed(
    seconds: float,
) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[None]]]:
    """Repeats a test that failed while the process stood still for so many seconds or longer.

    For a test of time limits within this process, which makes all that it needs by itself. A
    failure while the process ran as it should is a failure.
    """

    def of(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
        @wraps(test)
        async def repeated(*args: P.args, **kwargs: P.kwargs) -> None:
            for number in range(1, _TRIES + 1):
                standstill = _Standstill()
                watching = asyncio.create_task(standstill.watch())
                try:
                    return await test(*args, **kwargs)
                except Exception:
                    if standstill.look() < seconds or number == _TRIES:
                        raise
                finally:
                    watching.cancel()
            return None

        return repeated

    return of
