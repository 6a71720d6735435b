"""The simulated couriers' loop: makes each step of a delivery's script when it is due."""

import asyncio

from estafette.usecases.platform import Platform
from estafette.usecases.rounds import keep_doing
from estafette.usecases.sandbox import simulate
from estafette.usecases.sandbox.simulate import Tick

_LONGEST_SLEEP = 1.0
_SHORTEST_SLEEP = 0.02


async def run(platform: Platform, stop: asyncio.Event) -> None:
    """Moves the sandbox's deliveries until `stop` is set, then ends with the step under way.

    Any number of processes may run it over one database: each step is made once. It outlives the
    loss of the database and goes on where it was.
    """

    async def one_round() -> float:
        tick = await simulate.tick(platform)
        return _pause(tick, platform.sandbox_step.total_seconds())

    await keep_doing("sandbox couriers", one_round, stop)


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
