"""The simulated couriers' loop: makes each step of a delivery's script when it is due."""

import asyncio

from estafette.loops import Loop, Pace
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox import simulate

_LONGEST_SECONDS = 1.0
_SHORTEST_SECONDS = 0.02


def loop(platform: Platform) -> Loop:
    """Moves the sandbox's deliveries.

    Any number of processes may run it over one database: each step is made once. A delivery that is
    created meanwhile is due a step later at the earliest, so that resting no longer than a step
    misses nothing; a process with other settings may create some due earlier.
    """
    step = platform.sandbox_step.total_seconds() or _LONGEST_SECONDS
    longest = max(min(step, _LONGEST_SECONDS), _SHORTEST_SECONDS)
    pace = Pace(longest=longest, shortest=_SHORTEST_SECONDS)

    async def one_round(_: asyncio.Event) -> float:
        done, due_in_seconds = await simulate.tick(platform)
        return 0 if done else pace.until(due_in_seconds)

    return Loop("sandbox couriers", one_round, pace)
