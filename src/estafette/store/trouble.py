"""Trouble with the database: told once when it begins and once when it is over.

A database that is away fails every request, round and claim of a process. Each of them would have a
line of the log, and one line for all says more.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import asyncpg

from estafette.logs import Logger
from estafette.store.pool import TROUBLE

_QUIET_SECONDS = 5.0
"""How long nothing must have failed before a success says that it is over."""

_REMIND_SECONDS = 60.0
"""How often it is said that it goes on."""

_LONGEST_REASON = 200

_log = Logger()

if TYPE_CHECKING:
    from prometheus_client import Counter


@cache
def _failures() -> "Counter":
    """The count of failures, made with the first: a command counts none, and starts without it."""
    from prometheus_client import Counter

    return Counter(
        "estafette_database_failures",
        "What failed because the database was away, ending, full, read-only or overloaded,"
        " by work.",
        ["work"],
    )


def is_trouble(error: BaseException) -> bool:
    """Whether a failure is the database's: it is away, ending, full, read-only or overloaded.

    What was asked for may be tried again, as it is. A statement that is wrong is none of it.
    """
    return isinstance(error, TROUBLE) and not isinstance(error, asyncpg.DataError)


class Trouble:
    """What a process knows of the trouble that it has."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins without trouble. `clock` gives seconds and never goes back."""
        self._clock = clock
        self._began_at: float | None = None
        self._met_at = 0.0
        self._told_at = 0.0
        self._failures = 0

    def met(self, error: BaseException, work: str) -> None:
        """Some work has failed by it: `work` is one of few words, for the log and the metrics."""
        _failures().labels(work).inc()
        now = self._clock()
        self._met_at = now
        self._failures += 1
        if self._began_at is None:
            self._began_at = now
            event = "the database cannot be used"
        elif now - self._told_at >= _REMIND_SECONDS:
            event = "the database cannot be used still"
        else:
            return
        self._told_at = now
        _log.error(
            event,
            work=work,
            error=type(error).__name__,
            reason=_reason(error),
            failures=self._failures,
            seconds=round(now - self._began_at, 1),
        )

    def passed(self) -> None:
        """Some work with the database has succeeded. Costs next to nothing where all is well."""
        if self._began_at is None or self._clock() - self._met_at < _QUIET_SECONDS:
            return
        seconds, failures = self._met_at - self._began_at, self._failures
        self._began_at, self._failures = None, 0
        _log.warning("the database can be used again", failures=failures, seconds=round(seconds, 1))


def _reason(error: BaseException) -> str:
    """The first line alone: PostgreSQL's others quote values."""
    lines = str(error).splitlines() or [""]
    return lines[0][:_LONGEST_REASON]


TROUBLE_HERE = Trouble()
"""This process's."""
