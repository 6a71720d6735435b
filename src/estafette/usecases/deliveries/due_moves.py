"""Make due moves: of deliveries that are unpaid, due for pickup, without a courier or silent."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.due_moves import due_move
from estafette.core.deliveries.event import Actor
from estafette.loops import Loop, Pace
from estafette.store import pool
from estafette.store.deliveries import due_moves
from estafette.store.deliveries.due_moves import Watched
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, moved
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_one_or_apart

_AT_ONCE = 200
_PACE = Pace(longest=5.0, shortest=0.05)


def loop(platform: Platform) -> Loop:
    """Returns the loop that makes due moves. Any number of processes may run it."""

    async def one_round(_: asyncio.Event) -> float:
        done, due_in_seconds = await look_after(platform)
        return 0 if done else _PACE.until(due_in_seconds)

    return Loop("overdue deliveries", one_round, _PACE)


class Round(NamedTuple):
    """How many deliveries were handled, and in how many seconds the next one is due.

    `due_in_seconds` is None when no delivery waits. It is zero or less when one is due that another
    process holds.
    """

    done: int
    due_in_seconds: float | None


async def look_after(platform: Platform) -> Round:
    """Makes the moves that are due, up to a bound; call it again at once while it made any.

    Where nothing is due, it costs one index scan. Any number of processes may call it.
    """
    async with platform.pool.acquire() as connection:
        due_in_seconds = await due_moves.QUEUE.due_in_seconds(connection)
        if due_in_seconds is None or due_in_seconds > 0:
            return Round(0, due_in_seconds)

        async def claim() -> Sequence[Watched]:
            return await due_moves.claim_due(connection, list(platform.dialects), _AT_ONCE)

        async def move(work: UnitOfWork, claimed: Sequence[Watched]) -> None:
            await _move(work, platform, claimed)

        async def put_off(one: Watched) -> None:
            delivery = one.delivery
            await due_moves.QUEUE.put_off(connection, delivery.scope.account_id, delivery.id)

        begin = partial(platform.transaction, connection)
        done = await in_one_or_apart(begin, "overdue deliveries", claim, move, put_off)
    return Round(done, due_in_seconds)


async def _move(work: UnitOfWork, platform: Platform, claimed: Sequence[Watched]) -> None:
    """Makes those moves of the claimed deliveries that are due."""
    now = await pool.began(work.connection)
    entries: list[JournalEntry] = []
    early: list[Delivery] = []  # not due yet: the limits were raised after the move was planned
    for delivery, dialect in claimed:
        due = due_move(delivery, now, platform.watch_limits)
        if due is None:
            early.append(delivery)
        else:
            move = Move(due.to, Actor.SYSTEM, due.note)
            entries.append(moved(delivery, move, platform.dialects[dialect]))
    await record.moves(work, platform, entries)
    await due_moves.look_again(work.connection, early, platform.watch_limits)
