"""Move deliveries that time has moved: unpaid, due for their pickup, without a courier, silent."""

import asyncio
from typing import NamedTuple

from estafette.core.delivery import Delivery
from estafette.core.event import Actor
from estafette.core.watch import due_move
from estafette.store import watch
from estafette.store.journal import Entry
from estafette.usecases import record
from estafette.usecases.advance import Move, moved
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import keep_doing

_AT_ONCE = 200
_LONGEST_SLEEP = 5.0
_SHORTEST_SLEEP = 0.05


async def run(platform: Platform, stop: asyncio.Event) -> None:
    """Moves deliveries as time does until `stop` is set, then ends with the round under way.

    Any number of processes may run it over one database.
    """

    async def one_round() -> float:
        done, due_in_seconds = await look_after(platform)
        if done:
            return 0
        due = _LONGEST_SLEEP if due_in_seconds is None else due_in_seconds
        return max(min(due, _LONGEST_SLEEP), _SHORTEST_SLEEP)

    await keep_doing("overdue deliveries", one_round, stop)


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
        due_in_seconds = await watch.due_in_seconds(connection)
        if due_in_seconds is None or due_in_seconds > 0:
            return Round(0, due_in_seconds)
        async with connection.transaction():
            now = await watch.now(connection)
            claimed = await watch.claim_due(connection, list(platform.dialects), _AT_ONCE)
            entries: list[Entry] = []
            early: list[Delivery] = []  # the limits have become longer since it was planned
            for delivery, dialect in claimed:
                due = due_move(delivery, now, platform.watch_limits)
                if due is None:
                    early.append(delivery)
                else:
                    move = Move(due.to, Actor.SYSTEM, due.note)
                    pace = platform.sandbox_step
                    entries.append(moved(delivery, move, platform.dialects[dialect], pace))
            enqueued = await record.moves(connection, platform, entries)
            await watch.look_again(connection, early, platform.watch_limits)
    if enqueued:
        platform.outbox_signal.wake()
    return Round(len(claimed), due_in_seconds)
