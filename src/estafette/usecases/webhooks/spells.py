"""Tell an account's developers that an endpoint keeps failing, is given up, or works again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from estafette.core.webhooks.spell import FAILURES, FOR, Notice, Standing, judge
from estafette.loops import Loop, Pace
from estafette.store.webhooks import spells
from estafette.store.webhooks.spells import Suspect
from estafette.store.work import UnitOfWork
from estafette.usecases.platform import Platform

Tell = Callable[[UnitOfWork, Suspect, Notice], Awaitable[None]]
"""Has the developers of an endpoint's account told, in the transaction in which that is noted."""

_AT_A_TIME: Final = 200
_PACE: Final = Pace(longest=30.0)


async def tell_of_spells(platform: Platform, tell: Tell) -> int:
    """Has everybody told who is to be told now; returns how many endpoints were told of.

    Any number of processes may. Nobody is told twice, nor of what is not written down.
    """
    async with platform.pool.acquire() as connection:
        found = await spells.suspects(connection, FAILURES, FOR, _AT_A_TIME)
    told = 0
    for suspect in found:
        told += await _tell_of(platform, suspect, tell)
    return told


async def _tell_of(platform: Platform, suspect: Suspect, tell: Tell) -> bool:
    verdict = judge(suspect.spell, _standing(suspect))
    if verdict.spell == suspect.spell:
        return False
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        if not await spells.lock(connection, suspect):
            return False  # another process has judged it meanwhile
        await spells.keep(connection, suspect, verdict.spell)
        if verdict.notice is not None:
            await tell(work, suspect, verdict.notice)
    return verdict.notice is not None


def _standing(suspect: Suspect) -> Standing:
    return Standing(
        now=suspect.now,
        failures=suspect.failures,
        failing_since=suspect.failing_since,
        answered=suspect.answered,
        given_up=suspect.given_up,
        is_sent=suspect.is_enabled and suspect.url is not None,
    )


def loop(platform: Platform, tell: Tell) -> Loop:
    """Does so every half a minute."""

    async def one_round(_: asyncio.Event) -> float:
        await tell_of_spells(platform, tell)
        return _PACE.longest

    return Loop("endpoints that fail", one_round, _PACE)
