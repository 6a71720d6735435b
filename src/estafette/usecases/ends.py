"""Remove what has had its time: webhooks, simulated couriers' plans, dispatches, what was told."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.ids import first_id_of
from estafette.core.retention import NOTIFICATIONS, SANDBOX_RUNS, Retention
from estafette.loops import Loop, Pace
from estafette.store import ends, pool
from estafette.store.accounts import table as accounts
from estafette.store.couriers import dispatches
from estafette.store.ends import Ending, Removed
from estafette.store.notifications import letters, recipients
from estafette.store.pool import Connection
from estafette.store.sandbox import plans
from estafette.store.webhooks import endpoints, messages
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_turns

_ROWS = 1_000
_PAUSE = 0.02
_PACE = Pace(longest=3_600.0)
_ONE_AT_A_TIME = 0x656E6473
_WHOLE_EVERY = timedelta(days=1)

_LATE = timedelta(days=3)
"""How much later than a delivery its rows are made, for most: what is later waits for a round that
looks at all."""
_BEGINNING = UUID(int=0)

Observer = Callable[[Removed], None]
"""Hears how the upkeep of a kind of rows stands."""


def _unobserved(_: Removed) -> None:
    """Observes nothing: this process measures nothing."""


def loop(platform: Platform, retention: Retention, observe: Observer = _unobserved) -> Loop:
    """Removes what is over each hour; one of any number of processes does."""
    before = Looked()

    async def one_round(stop: asyncio.Event) -> float:
        nonlocal before
        before = await remove_what_is_over(platform, retention, stop, before)
        async with platform.pool.acquire() as connection:
            for done in await ends.done(connection):
                observe(done)
        return _PACE.longest

    return Loop("ends", one_round, _PACE)


class Looked(NamedTuple):
    """When a process has last looked at all rows, and when at those that had become old since."""

    at_all: datetime | None = None
    at: datetime | None = None

    def since(self, now: datetime) -> datetime | None:
        """Returns from when on rows have to be looked at; None: at all of them."""
        if self.at is None or self.at_all is None or now - self.at_all >= _WHOLE_EVERY:
            return None
        return self.at


NEVER = Looked()


async def remove_what_is_over(
    platform: Platform,
    retention: Retention,
    stop: asyncio.Event | None = None,
    before: Looked = NEVER,
) -> Looked:
    """Removes all rows that have had their time, a thousand looked at in a transaction.

    What is kept for longer, such as webhooks that were given up, is read once a day, and not in
    each round: `before` tells of the rounds before, and what is returned of this one too. Rests
    between the steps; ends early when `stop` is set. Does nothing while another process does it.
    """
    async with platform.pool.acquire() as connection, _alone(connection) as is_alone:
        if not is_alone:
            return before
        now = await pool.clock(connection)
        since = before.since(now)
        if not await _Round(connection, stop, now, since).remove(retention):
            return before
        return Looked(now if since is None else before.at_all, now)


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncGenerator[bool]:
    held = await ends.hold(connection, _ONE_AT_A_TIME)
    try:
        yield held
    finally:
        if held:
            await ends.let_go(connection, _ONE_AT_A_TIME)


class _Round:
    def __init__(
        self,
        connection: Connection,
        stop: asyncio.Event | None,
        now: datetime,
        since: datetime | None,
    ) -> None:
        self._connection = connection
        self._stop = stop
        self._now = now
        self._since = since

    async def remove(self, retention: Retention) -> bool:
        """Removes what is over; returns whether all of it was done."""
        now, all_done = self._now, True
        ids = [id for id, _ in await accounts.every_id(self._connection)]
        kept = {
            messages.ENDING: (retention.messages, retention.dead_messages),
            dispatches.ENDING: (retention.dispatches, retention.dispatches),
            plans.ENDING: (SANDBOX_RUNS, SANDBOX_RUNS),
            recipients.ENDING: (NOTIFICATIONS, NOTIFICATIONS),
        }
        for ending, (of_good, of_dead) in kept.items():
            over = now - of_good, now - of_dead
            begin = self._begin(max(over))
            turns = {id: _Removal(self._connection, ending, id, over, begin).turn for id in ids}
            completed = await in_turns(self._connection, "ends", turns, self._stop)
            await ends.note(self._connection, ending.table, 0, completed=completed)
            all_done = all_done and completed
        kept_longest = max(retention.messages, retention.dead_messages, retention.attempts)
        await endpoints.forget_removed(self._connection, now - kept_longest)
        return await self._letters() and all_done

    async def _letters(self) -> bool:
        """Removes letters, which are of no account; returns whether all of it was done."""
        while self._stop is None or not self._stop.is_set():
            removed = await letters.forget(self._connection, NOTIFICATIONS, _ROWS)
            completed = removed < _ROWS
            await ends.note(self._connection, "letters", removed, completed=completed)
            if completed:
                return True
            await asyncio.sleep(_PAUSE)
        return False

    def _begin(self, over: datetime) -> UUID:
        """Returns the first delivery whose rows may be over since the round before."""
        if self._since is None:
            return _BEGINNING
        return first_id_of(over - (self._now - self._since) - _LATE)


class _Removal:
    """What is over of one account's rows of one kind."""

    def __init__(
        self,
        connection: Connection,
        ending: Ending,
        account_id: UUID,
        over: tuple[datetime, datetime],
        begin: UUID,
    ) -> None:
        self._connection = connection
        self._ending = ending
        self._account_id = account_id
        self._over = over
        self._before = first_id_of(max(over))
        self._after: UUID | None = begin

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
            more = self._after is not None or self._ending is messages.ENDING
        else:
            removed = await messages.remove_tests(
                self._connection, self._account_id, self._over, _ROWS
            )
            more = removed == _ROWS
        if removed:
            await ends.note(self._connection, self._ending.table, removed, completed=False)
            await asyncio.sleep(_PAUSE)
        return more
