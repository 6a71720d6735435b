"""Carry the balances of the books forward, so that a statement need not add up their history."""

import asyncio
from functools import partial
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.loops import Loop, Pace
from estafette.store.accounts import table as accounts
from estafette.store.money import closings
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_turns

_PACE = Pace(longest=3_600.0)
_PAUSE = 0.01


def loop(platform: Platform) -> Loop:
    """Closes the days that are over, each hour."""

    async def one_round(stop: asyncio.Event) -> float:
        await close_books(platform, stop)
        return _PACE.longest

    return Loop("books", one_round, _PACE)


async def close_books(platform: Platform, stop: asyncio.Event | None = None) -> int:
    """Closes every day that is over, of all accounts in turns; counts them.

    Each in a transaction of its own. Any number of processes may do it; they wait for each other.
    """
    done = 0
    async with platform.pool.acquire() as connection:

        async def turn(account_id: UUID) -> bool:
            nonlocal done
            closed = 0
            for mode in Mode:
                async with connection.transaction():
                    end = await closings.close_next(connection, Scope(account_id, mode))
                closed += end is not None
            if closed:
                await asyncio.sleep(_PAUSE)
            done += closed
            return closed > 0

        ids = [id for id, _ in await accounts.every_id(connection)]
        await in_turns(connection, "books", {id: partial(turn, id) for id in ids}, stop)
    return done
