"""The loops of simulated couriers and drivers: the steps of scripts, and rides on the board."""

import asyncio

from estafette.loops import Loop, Pace
from estafette.usecases.deliveries.ordering import Ordering
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox import simulate
from estafette.usecases.sandbox.city import REST_SECONDS, City
from estafette.usecases.sandbox.drive import NOBODY_SECONDS, Drivers

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


def drivers_loop(platform: Platform) -> Loop:
    """Moves the simulated drivers of the sandbox, and gives them what is under way without one.

    Any number of processes may run it: who comes later finds the drivers where they are.
    """
    drivers = Drivers(platform)

    async def one_round(_: asyncio.Event) -> float:
        return await drivers.round()

    return Loop("simulated drivers", one_round, Pace(longest=NOBODY_SECONDS))


def city_loop(platform: Platform, ordering: Ordering) -> Loop:
    """Keeps a few deliveries under way in the demo's cities."""
    city = City(platform, ordering)

    async def one_round(_: asyncio.Event) -> float:
        return await city.round()

    return Loop("demo city", one_round, Pace(longest=REST_SECONDS))
