"""End the offers that nobody answered in time."""

import asyncio
from typing import NamedTuple

from estafette.loops import Loop, Pace
from estafette.store import signals
from estafette.store.fleet import assignments
from estafette.usecases.platform import Platform

_AT_ONCE = 500
_PACE = Pace(longest=1.0, shortest=0.05)


class Expired(NamedTuple):
    """How many offers ended, and in how many seconds the next one does; None: there is none."""

    done: int
    due_in_seconds: float | None


def loop(platform: Platform) -> Loop:
    """Returns the loop that ends offers. Any number of processes may run it."""

    async def one_round(_: asyncio.Event) -> float:
        done, due_in_seconds = await expire(platform)
        return 0 if done else _PACE.until(due_in_seconds)

    return Loop("offers", one_round, _PACE)


async def expire(platform: Platform) -> Expired:
    """Ends the offers whose time is over, up to a bound; call it again at once while it did any.

    Where none is, it costs one look into an index. What somebody is answering just now is left to
    whoever answers.
    """
    async with platform.pool.acquire() as connection:
        due_in_seconds = await assignments.expires_in_seconds(connection)
        if due_in_seconds is None or due_in_seconds > 0:
            return Expired(0, due_in_seconds)
        async with platform.transaction(connection) as work:
            ended = await assignments.expire(connection, _AT_ONCE)
            if ended:
                work.signal(signals.FLEET)
    return Expired(len(ended), due_in_seconds)
