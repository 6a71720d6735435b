"""Work that is repeated in rounds for as long as a process lives."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from estafette.core.errors import Busy, Unavailable
from estafette.logs import Logger
from estafette.store.trouble import TROUBLE_HERE, is_trouble

_log = Logger()

if TYPE_CHECKING:
    from prometheus_client import Counter


@cache
def _counters() -> "tuple[Counter, Counter]":
    """Returns the counters of rounds and their seconds. They are made with the first round."""
    from prometheus_client import Counter

    rounds = Counter(
        "estafette_rounds",
        "Rounds of the work that a process does by itself, by work and outcome (done, failed).",
        ["work", "outcome"],
    )
    seconds = Counter(
        "estafette_round_seconds", "How long these rounds took together, by work.", ["work"]
    )
    return rounds, seconds


Round = Callable[[asyncio.Event], Awaitable[float]]
"""Does a bounded part of the work; returns how many seconds to rest after it, 0: more is due.

The event tells a long round to end early.
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a loop rests, in seconds. Raises ValueError for what is not in order.

    Attributes:
        longest: between two rounds, at most.
        shortest: where the next work is due sooner than that, and is not there yet.
        apart: from the beginning of a round to that of the next, at least.
        first: before the first round.
        first_retry: after a round that failed; twice as long after each that fails next.
        longest_retry: the most of that.
    """

    longest: float
    shortest: float = 0.0
    apart: float = 0.0
    first: float = 0.0
    first_retry: float = 0.25
    longest_retry: float = 10.0

    def __post_init__(self) -> None:
        """Checks the values."""
        if not 0 <= self.shortest <= self.longest < math.inf:
            raise ValueError(f"a loop cannot rest from {self.shortest} to {self.longest} seconds")
        if not 0 < self.first_retry <= self.longest_retry < math.inf:
            raise ValueError(
                f"a loop cannot try again after {self.first_retry} to {self.longest_retry} seconds"
            )
        if not (0 <= self.apart < math.inf and 0 <= self.first < math.inf):
            raise ValueError("a loop cannot begin a round before the last one")

    def until(self, due_in_seconds: float | None) -> float:
        """Returns how long to rest until work that is due then; None: no work is waiting."""
        if due_in_seconds is None:
            return self.longest
        return max(min(due_in_seconds, self.longest), self.shortest)


class Loop:
    """Repeats work of one kind, and goes on after failures, those of the database included."""

    def __init__(self, name: str, one_round: Round, pace: Pace) -> None:
        """Takes the `name` for logs and metrics, one of a few."""
        self._name = name
        self._round = one_round
        self._pace = pace
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Makes the next round begin as soon as the present one, or the rest after it, allows.

        What has failed rests for its time all the same.
        """
        self._woken.set()

    async def once(self, stop: asyncio.Event | None = None) -> float:
        """Does one round; returns the seconds to rest after it. Raises the errors of the round."""
        began = time.monotonic()
        outcome = "failed"
        try:
            rest = await self._round(stop or asyncio.Event())
            outcome = "done"
        finally:
            rounds, seconds = _counters()
            rounds.labels(self._name, outcome).inc()
            seconds.labels(self._name).inc(time.monotonic() - began)
        return rest

    async def run(self, stop: asyncio.Event) -> None:
        """Does round after round until `stop` is set, then ends with the round under way."""
        ending = asyncio.create_task(self._wake_at(stop))
        try:
            await _rest(self._pace.first, stop)
            await self._go_on(stop)
        finally:
            ending.cancel()

    async def _go_on(self, stop: asyncio.Event) -> None:
        retry = self._pace.first_retry
        while not stop.is_set():
            self._woken.clear()
            began = time.monotonic()
            try:
                rest = await self.once(stop)
            except Exception as error:  # the last boundary: the process has other work besides
                report(self._name, error)
                await _rest(retry, stop)
                retry = min(retry * 2, self._pace.longest_retry)
                continue
            TROUBLE_HERE.passed()
            retry = self._pace.first_retry
            if not stop.is_set():
                await _rest(min(rest, self._pace.longest), self._woken)
            await _rest(began + self._pace.apart - time.monotonic(), stop)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()


async def _rest(seconds: float, until: asyncio.Event) -> None:
    """Rests for so many seconds, or until something happens."""
    if seconds > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await until.wait()


def report(name: str, error: Exception, **facts: str) -> None:
    """Logs the error that ended some work: database trouble briefly, a fault with its traceback.

    `name` is one of a few; `facts` say which piece of the work it was.
    """
    if is_trouble(error):
        TROUBLE_HERE.met(error, name)
    elif not isinstance(error, Busy | Unavailable):  # those were logged where they were caught
        _log.error("stumbled", work=name, exc_info=error, **facts)
