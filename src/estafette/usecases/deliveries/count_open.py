"""Count how many live deliveries are under way, late and stalled, for the metrics."""

import asyncio
from collections.abc import Callable, Mapping

from estafette.core.deliveries.delivery import FINAL, Status
from estafette.loops import Loop, Pace
from estafette.store.deliveries import under_way
from estafette.store.deliveries.under_way import StatusCount
from estafette.usecases.platform import Platform

Observe = Callable[[Mapping[Status, StatusCount]], None]
"""Is called with the count of every status that is not final, also where the count is zero."""

_PACE = Pace(longest=30.0)


async def count_open(platform: Platform) -> dict[Status, StatusCount]:
    """Returns how many live deliveries are under way, by status."""
    async with platform.pool.acquire() as connection:
        found = {Status(one.status): one for one in await under_way.count(connection)}
    return {
        status: found.get(status, StatusCount(status, 0, 0))
        for status in Status
        if status not in FINAL
    }


def loop(platform: Platform, observe: Observe) -> Loop:
    """Returns the loop that counts them twice a minute. Any number of processes may run it."""

    async def one_round(_: asyncio.Event) -> float:
        observe(await count_open(platform))
        return _PACE.longest

    return Loop("counting deliveries", one_round, _PACE)
