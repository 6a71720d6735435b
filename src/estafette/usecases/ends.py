"""Remove what has had its time: webhooks, the plans of simulated couriers, dispatches."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from estafette.core.ids import first_id_of
from estafette.core.retention import SANDBOX_RUNS, Retention
from estafette.store import endpoints, ends
from estafette.store.ends import Done, Ending
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_turns, keep_doing

_ROWS = 1_000
_PAUSE = 0.02
_REST = 3_600.0
_ONE_AT_A_TIME = 0x656E6473
_BEGINNING = UUID(int=0)

Observer = Callable[[Done], None]
"""Hears how the upkeep of a kind of rows stands."""


def _unobserved(_: Done) -> None:
    """Nobody listens."""


async def run(
    platform: Platform,
    retention: Retention,
    stop: asyncio.Event,
    observe: Observer = _unobserved,
) -> None:
    """Removes what is over each hour until `stop` is set; one of any number of processes does."""

    async def one_round() -> float:
        await remove_what_is_over(platform, retention, stop)
        async with platform.pool.acquire() as connection:
            for done in await ends.done(connection):
                observe(done)
        return _REST

    await keep_doing("ends", one_round, stop)


async def remove_what_is_over(
    platform: Platform, retention: Retention, stop: asyncio.Event | None = None
) -> None:
    """Removes all rows that have had their time, a thousand looked at in a transaction.

    Rests between them; ends early when `stop` is set. Does nothing while another process does it.
    """
    async with platform.pool.acquire() as connection, _alone(connection) as is_alone:
        if is_alone:
            await _Round(connection, stop).remove(retention)


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncGenerator[bool]:
    held = await ends.hold(connection, _ONE_AT_A_TIME)
    try:
        yield held
    finally:
        if held:
            await ends.let_go(connection, _ONE_AT_A_TIME)


class _Round:
    def __init__(self, connection: Connection, stop: asyncio.Event | None) -> None:
        self._connection = connection
        self._stop = stop

    async def remove(self, retention: Retention) -> None:
        now = await ends.now(self._connection)
        accounts = [id for id, _ in await ends.every_account(self._connection)]
        kept = {
            ends.MESSAGES: (retention.messages, retention.dead_messages),
            ends.DISPATCHES: (retention.dispatches, retention.dispatches),
            ends.SANDBOX_RUNS: (SANDBOX_RUNS, SANDBOX_RUNS),
        }
        for ending, (of_good, of_dead) in kept.items():
            over = now - of_good, now - of_dead
            turns = {id: _Removal(self._connection, ending, id, over).turn for id in accounts}
            completed = await in_turns(self._connection, "ends", turns, self._stop)
            await ends.note(self._connection, ending.table, 0, completed=completed)
        kept_longest = max(retention.messages, retention.dead_messages, retention.attempts)
        await endpoints.forget_removed(self._connection, now - kept_longest)


class _Removal:
    """What is over of one account's rows of one kind."""

    def __init__(
        self,
        connection: Connection,
        ending: Ending,
        account_id: UUID,
        over: tuple[datetime, datetime],
    ) -> None:
        self._connection = connection
        self._ending = ending
        self._account_id = account_id
        self._over = over
        self._before = first_id_of(max(over))
        self._after: UUID | None = _BEGINNING

    async def turn(self) -> bool:
        """Removes some of them, and rests if there were any; returns whether there may be more."""
        if self._after is not None:
            removed, self._after = await ends.step(
                self._connection,
                self._ending,
                self._account_id,
                self._after,
                self._before,
                self._over,
                _ROWS,
            )
            more = self._after is not None or self._ending is ends.MESSAGES
        else:
            removed = await ends.remove_tests(self._connection, self._account_id, self._over, _ROWS)
            more = removed == _ROWS
        if removed:
            await ends.note(self._connection, self._ending.table, removed, completed=False)
            await asyncio.sleep(_PAUSE)
        return more
