"""Whether this process's event loop turns: measured, shown to its parent, and an end to it if not.

Work that does not let go of the processor stops everything in a process, its signal handlers in
Python included. So the kernel holds the clock: an alarm that the loop puts off every now and then,
and that ends the process when it has not. Before that it tells on stderr where every thread stood.
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
"""At every how many of these beats the alarm is put off."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_LATE_SECONDS = 0.5
"""A lag that is worth a line of the log."""

_LINE_SECONDS = 10.0
"""At most a line in so many seconds."""

_WORST_SECONDS = 60.0
"""Over how long the worst lag is kept."""

_log = Logger()


class LagMetrics:
    """How late the event loop gets to what it is to do."""

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
    """Ends this process when it is not put off in time: for the main thread of a process alone."""

    def __init__(self, hang_seconds: float, shutdown_seconds: float) -> None:
        """Rings `hang_seconds` after it was last put off, and `shutdown_seconds` after `end`."""
        self._hang_seconds = hang_seconds
        self._shutdown_seconds = shutdown_seconds
        self._is_ending = False
        if not faulthandler.is_enabled():
            faulthandler.enable()
        # The handlers of faulthandler work in C: they need not wait for Python to let go.
        faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)

    def put_off(self) -> None:
        """The event loop turns: rings later, unless the process is ending."""
        if not self._is_ending:
            signal.setitimer(signal.ITIMER_REAL, self._hang_seconds)

    def end(self) -> None:
        """The process is to end, and has so long for it; again: that does not prolong it."""
        if not self._is_ending:
            self._is_ending = True
            signal.setitimer(signal.ITIMER_REAL, self._shutdown_seconds)


async def watch(
    metrics: LagMetrics, alarm: Alarm, *, is_well: Callable[[], bool] = lambda: True
) -> None:
    """Measures the loop's lag, puts the alarm off and beats for our parent, until cancelled.

    Nothing is put off and no beat sent while `is_well` says no.
    """
    beat = beats_to_parent()
    told_at, unsaid = -_LINE_SECONDS, 0
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
        if now - told_at < _LINE_SECONDS:
            unsaid += 1
            continue
        _log.warning("the event loop was held up", seconds=round(lag, 3), before=unsaid)
        told_at, unsaid = now, 0
