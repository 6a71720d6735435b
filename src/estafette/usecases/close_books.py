"""Carry the balances of the books forward, so that a statement need not add up their history."""

import asyncio

from estafette.core.account import Mode, Scope
from estafette.store import closings, ends
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import keep_doing

_REST = 3_600.0
_PAUSE = 0.01


async def run(platform: Platform, stop: asyncio.Event) -> None:
    """Closes the days that are over, each hour until `stop` is set."""

    async def one_round() -> float:
        await close_books(platform, stop)
        return _REST

    await keep_doing("books", one_round, stop)


async def close_books(platform: Platform, stop: asyncio.Event | None = None) -> int:
    """Closes every day that is over, of all accounts; counts them.

    Each in a transaction of its own. Any number of processes may do it; they wait for each other.
    """
    done = 0
    async with platform.pool.acquire() as connection:
        for account_id, _ in await ends.every_account(connection):
            for mode in Mode:
                while stop is None or not stop.is_set():
                    async with connection.transaction():
                        if await closings.close_next(connection, Scope(account_id, mode)) is None:
                            break
                    done += 1
                    await asyncio.sleep(_PAUSE)
    return done
