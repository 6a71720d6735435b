"""Move deliveries that time has moved: unpaid, due for their pickup, without a courier, silent."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.due_moves import due_move
from estafette.core.deliveries.event import Actor
from estafette.loops import Loop, Pace
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
    """Moves deliveries as time does. Any number of processes may run it over one database."""

    async def one_round(_: asyncio.Event) -> float:
        done, due_in_seconds = await look_after(platform)
        return 0 if done else _PACE.until(due_in_seconds)

    return Loop("overdue deliveries", one_round, _PACE)


class Round(NamedTuple):
    """How many deliveries were looked after, and in how many seconds the next one is due.

    `due_in_seconds` is None when none is waiting, and not above zero when one was due that
    another process is busy with.
    """

    done: int
    due_in_seconds: float | None


async def look_after(platform: Platform) -> Round:
    """Makes every move that is due, up to a bound; call again at once while it did any.

    Where nothing is due it costs one look into an index. Any number of processes may do it.
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
    """Makes the moves that are due of these."""
    now = await due_moves.now(work.connection)
    entries: list[JournalEntry] = []
    early: list[Delivery] = []  # the limits have become longer since it was planned
    for delivery, dialect in claimed:
        due = due_move(delivery, now, platform.watch_limits)
        if due is None:
            early.append(delivery)
        else:
            move = Move(due.to, Actor.SYSTEM, due.note)
            entries.append(moved(delivery, move, platform.dialects[dialect]))
    await record.moves(work, platform, entries)
    await due_moves.look_again(work.connection, early, platform.watch_limits)
