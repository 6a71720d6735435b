"""Measures whether this process's event loop runs, shows it to the parent, and ends a hanging one.

Work that does not release the interpreter stops everything in a process, its signal handlers in
Python included. Therefore the kernel measures the time: the loop postpones an alarm every second,
and the alarm ends the process when it was not postponed. Before that it writes to stderr where
every thread stood.
"""

import asyncio
import faulthandler
import itertools
import signal
import time
from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram

from estafette.logs import Logger
from estafette.up.child import beats_to_parent

_BEAT_SECONDS = 0.25
_TICKS = 2
"""At every which of these beats the alarm is postponed."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_LATE_SECONDS = 0.5
"""From which lag on a line is logged, in seconds."""

_LINE_SECONDS = 10.0
"""At most one line is logged in so many seconds."""

_WORST_SECONDS = 60.0
"""For how many seconds the worst lag is kept."""

_log = Logger()


class LagMetrics:
    """Measures by how much the event loop is late."""

    def __init__(self, process: str, registry: CollectorRegistry = REGISTRY) -> None:
        """Registers the measurements of a `process` ("server", "worker") with `registry`."""
        self._seconds = Histogram(
            "estafette_event_loop_lag_seconds",
            "How late the event loop got to a timer, four times a second.",
            ("process",),
            buckets=_BUCKETS,
            registry=registry,
        ).labels(process)
        self._worst = Gauge(
            "estafette_event_loop_lag_worst_seconds",
            "The worst of that within the last minute.",
            ("process",),
            registry=registry,
            multiprocess_mode="livemax",
        ).labels(process)
        self._recent: list[tuple[float, float]] = []

    def observe(self, lag: float, now: float) -> None:
        """Notes one measurement, in seconds, at the time `now`."""
        self._seconds.observe(lag)
        recent = [(at, worse) for at, worse in self._recent if worse > lag]
        self._recent = [(at, worse) for at, worse in recent if now - at < _WORST_SECONDS]
        self._recent.append((now, lag))
        self._worst.set(self._recent[0][1])


class Alarm:
    """Ends this process when it is not postponed in time. Only for the main thread of a process."""

    def __init__(self, hang_seconds: float, shutdown_seconds: float) -> None:
        """Ends the process `hang_seconds` after `put_off`, or `shutdown_seconds` after `end`."""
        self._hang_seconds = hang_seconds
        self._shutdown_seconds = shutdown_seconds
        self._is_ending = False
        if not faulthandler.is_enabled():
            faulthandler.enable()
        # The handlers of faulthandler work in C: they need not wait for the interpreter.
        faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)

    def put_off(self) -> None:
        """Postpones the alarm, since the event loop runs, unless the process is ending."""
        if not self._is_ending:
            signal.setitimer(signal.ITIMER_REAL, self._hang_seconds)

    def end(self) -> None:
        """Starts the time that the process has to end; a second call does not prolong it."""
        if not self._is_ending:
            self._is_ending = True
            signal.setitimer(signal.ITIMER_REAL, self._shutdown_seconds)


async def watch(
    metrics: LagMetrics, alarm: Alarm, *, is_well: Callable[[], bool] = lambda: True
) -> None:
    """Measures the loop's lag, postpones the alarm and sends beats to the parent, until cancelled.

    The alarm is not postponed and no beat sent while `is_well` returns False.
    """
    beat = beats_to_parent()
    logged_at, unsaid = -_LINE_SECONDS, 0
    for tick in itertools.count():
        if tick % _TICKS == 0 and is_well():
            alarm.put_off()
            beat()
        due = time.monotonic() + _BEAT_SECONDS  # the loop's own clock may count milliseconds
        await asyncio.sleep(_BEAT_SECONDS)
        now = time.monotonic()
        lag = max(0.0, now - due)
        metrics.observe(lag, now)
        if lag < _LATE_SECONDS:
            continue
        if now - logged_at < _LINE_SECONDS:
            unsaid += 1
            continue
        _log.warning("the event loop was held up", seconds=round(lag, 3), before=unsaid)
        logged_at, unsaid = now, 0
