"""The simulated couriers' loop: makes each step of a delivery's script when it is due."""

import asyncio

import asyncpg
import structlog

from estafette.usecases import simulate
from estafette.usecases.platform import Platform
from estafette.usecases.simulate import Tick

_log = structlog.stdlib.get_logger(__name__)

_LONGEST_SLEEP = 1.0
_SHORTEST_SLEEP = 0.02
_FIRST_RETRY = 0.25
_LONGEST_RETRY = 10.0

_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def run(platform: Platform, stop: asyncio.Event) -> None:
    """Moves the sandbox's deliveries until `stop` is set, then ends with the step under way.

    Any number of processes may run it over one database: each step is made once. It outlives the
    loss of the database and goes on where it was.
    """
    retry = _FIRST_RETRY
    while not stop.is_set():
        try:
            tick = await simulate.tick(platform)
        except Exception as error:  # the last boundary: the process has other work besides
            _report(error, retry)
            pause = retry
            retry = min(retry * 2, _LONGEST_RETRY)
        else:
            pause = _pause(tick, platform.sandbox_step.total_seconds())
            retry = _FIRST_RETRY
        if pause:
            await _sleep(pause, stop)


def _pause(tick: Tick, step_seconds: float) -> float:
    """How long to sleep after a tick, in seconds.

    A delivery that is created meanwhile is due a step later at the earliest, so that sleeping no
    longer than a step misses nothing; a process with other settings may create some due earlier.
    """
    if tick.done:
        return 0
    due = _LONGEST_SLEEP if tick.due_in_seconds is None else tick.due_in_seconds
    longest = min(_LONGEST_SLEEP, step_seconds) if step_seconds else _LONGEST_SLEEP
    return max(min(due, longest), _SHORTEST_SLEEP)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _report(error: Exception, retry_in_seconds: float) -> None:
    if isinstance(error, _UNREACHABLE):
        _log.warning(
            "sandbox couriers cannot reach the database",
            error=type(error).__name__,
            retry_in_seconds=retry_in_seconds,
        )
    else:
        _log.error("sandbox couriers stumbled", exc_info=error)
