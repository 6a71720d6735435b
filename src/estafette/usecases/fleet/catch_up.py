"""Have assignments follow deliveries that a server of a version before has moved.

While versions change, a server that knows no drivers may cancel, or move by hand, what a driver
has: `follow.py` was not called then. What it would have done is done here, a little later.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from estafette.core.errors import Refusal
from estafette.core.fleet.assignment import is_left_behind
from estafette.core.fleet.refusals import FleetRefusal
from estafette.loops import Loop, Pace
from estafette.store.deliveries import events
from estafette.store.fleet import left_behind
from estafette.store.fleet.left_behind import Reached
from estafette.usecases.fleet.follow import bring, came
from estafette.usecases.fleet.hold import Held, holding
from estafette.usecases.money.cash import collect_late
from estafette.usecases.platform import Platform

_AT_ONCE = 1_000
_PACE = Pace(longest=60.0)


def loop(platform: Platform) -> Loop:
    """Returns the loop that looks once a minute. Any number of processes may run it."""

    async def one_round(stop: asyncio.Event) -> float:
        await catch_up(platform, stop)
        return _PACE.longest

    return Loop("assignments left behind", one_round, _PACE)


async def catch_up(platform: Platform, stop: asyncio.Event | None = None) -> int:
    """Ends or advances what drivers have of deliveries that were moved without them; counts these.

    Looks at all open assignments along an index, a thousand in a statement; what is behind is
    brought up in a transaction of its own. What is busy just now is left to the next round.
    """
    done = 0
    after: Reached | None = left_behind.BEGINNING
    while after is not None and not (stop is not None and stop.is_set()):
        async with platform.pool.acquire() as connection:
            found, after = await left_behind.page(connection, after, _AT_ONCE)
        done += await _catch_up(platform, found)
    return done


async def _catch_up(platform: Platform, found: Sequence[Reached]) -> int:
    done = 0
    for company_id, delivery_id in dict.fromkeys((of.company_id, of.delivery_id) for of in found):
        with suppress(FleetRefusal, Refusal):  # it is the company's no more, or we are busy
            async with holding(platform, company_id, delivery_id) as held:
                done += await _bring_up(held)
    return done


async def _bring_up(held: Held) -> bool:
    """Does it for a delivery that is held, unless somebody has done it since."""
    delivery, connection = held.delivery, held.work.connection
    if not any(is_left_behind(one, delivery.status) for one in held.open):
        return False
    last = (await events.of_delivery(connection, delivery.scope, delivery.id, 1))[-1]
    reached = came(delivery, last)
    if reached is None:
        return False
    await bring(held.work, [reached], held.platform.by)
    await collect_late(connection, delivery)
    return True
