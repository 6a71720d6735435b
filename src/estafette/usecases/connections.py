"""What share of a process's connections to the database each kind of work may take.

Every connection for a request is taken here. A lane has so few connections that all lanes together
fit into the pool, and no owner (an account, a batch) gets all of a lane. How many wait has a bound,
and so has how long; beyond it they are Busy, which costs next to nothing, and may try again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.errors import Busy, Unavailable
from estafette.store.pool import Connection, Pool
from estafette.store.trouble import TROUBLE_HERE, is_trouble
from estafette.usecases.turns import RETRY_SECONDS, Turns

_AWAY_SECONDS = 3
"""When to try again what met a database in trouble: a restart takes some seconds."""


class Bounds(NamedTuple):
    """The limits of a lane: who may be inside, who may wait, and how long.

    `most` is how many in all, `each` of one owner; `patience` is in seconds.
    """

    most: int
    each: int
    waiting: int
    waiting_each: int
    patience: float


class AccountLane:
    """Some of a pool's connections."""

    def __init__(self, pool: Pool, bounds: Bounds) -> None:
        """Begins with all its connections free."""
        self._pool = pool
        self._bounds = bounds
        self._free = bounds.most
        self._inside: Counter[Hashable] = Counter()
        self._turns: Turns[asyncio.Future[None]] = Turns(
            most=bounds.waiting, most_each=bounds.waiting_each
        )

    @asynccontextmanager
    async def connection(self, owner: Hashable) -> AsyncGenerator[Connection]:
        """A connection for one owner's work.

        Raises Busy when none is had in time, or the work takes too long by the database's clock,
        and Unavailable for the database's troubles, which the log tells once for all who meet them.
        """
        await self._enter(owner)
        try:
            async with self._pool.acquire() as connection:
                yield connection
            TROUBLE_HERE.passed()
        except asyncpg.QueryCanceledError:
            raise Busy(RETRY_SECONDS) from None
        except Exception as error:
            if not is_trouble(error):
                raise
            TROUBLE_HERE.met(error, "requests")
            raise Unavailable(_AWAY_SECONDS) from error
        finally:
            self._leave(owner)

    async def _enter(self, owner: Hashable) -> None:
        if self._free and self._may(owner):  # then whoever waits may not
            self._take(owner)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.add(owner, turn)
        try:
            async with asyncio.timeout(self._bounds.patience):
                await turn
        except BaseException as error:
            self._turns.remove(owner, turn)
            if turn.done() and not turn.cancelled():
                self._leave(owner)  # its turn came in the moment in which it gave up
            if isinstance(error, TimeoutError):
                raise Busy(RETRY_SECONDS) from None
            raise

    def _may(self, owner: Hashable) -> bool:
        return self._inside[owner] < self._bounds.each

    def _take(self, owner: Hashable) -> None:
        self._free -= 1
        self._inside[owner] += 1

    def _leave(self, owner: Hashable) -> None:
        self._free += 1
        self._inside[owner] -= 1
        if not self._inside[owner]:
            del self._inside[owner]
        while self._free and (found := self._turns.next(self._may)):
            next_owner, turn = found
            if not turn.done():  # else its caller has just gone
                self._take(next_owner)
                turn.set_result(None)


class Waits(NamedTuple):
    """How many seconds requests wait at most, and how many a list or a search takes.

    `turn` is for a connection, `list_turn` for one of those of lists, and `whole_list` for all of a
    list, waiting included.
    """

    turn: float = 5.0
    list_turn: float = 1.0
    whole_list: float = 3.0


LIST_STATEMENT_SECONDS = 2.0
"""How long one statement of a list may take, by the database's clock."""

_WAITING, _WAITING_EACH = 4_000, 256
_WAITING_VISITOR = 64
_WAITING_LISTS, _WAITING_LISTS_EACH = 512, 64
_READING_SECONDS = 15.0
_SMALL_SHARE = 8
_LARGEST_SHARE_EACH = 3


def reading_lane(pool: Pool) -> AccountLane:
    """Returns a lane for what is read into memory, see `catalog.py`: a quarter of the pool.

    While changes are not heard of every request needs it, so it is not small, and patient.
    """
    most = max(1, pool.get_max_size() // 4)
    return AccountLane(pool, Bounds(most, most, _WAITING, _WAITING, _READING_SECONDS))


class DatabaseConnections:
    """The lanes of a process over its pool, besides that of its catalog.

    Accounts' own work and the batches take turns in one lane, of which an account and a batch get a
    third. Lists and searches have connections of their own, of which an account gets a third, and a
    short time. Pages that anybody may see have a small lane, in which visitors take turns, and of
    which none gets all where it has more than one connection.
    """

    def __init__(self, pool: Pool, lists: "Pool | None" = None, waits: Waits | None = None) -> None:
        """`lists` is the pool for lists and searches, whose statements time out soon.

        None: they share the other. `waits` is how long is waited; None: as in production.
        """
        lists = lists or pool
        self._waits = waits = waits or Waits()
        size = pool.get_max_size()
        few = max(1, min(2, size // 4), size // _SMALL_SHARE)
        most = max(2, size - few - max(1, size // 4))
        each = max(2, most // _LARGEST_SHARE_EACH)
        self._work = AccountLane(pool, Bounds(most, each, _WAITING, _WAITING_EACH, waits.turn))
        self._public = AccountLane(
            pool, Bounds(few, max(1, few - 1), _WAITING, _WAITING_VISITOR, waits.turn)
        )
        few = lists.get_max_size()
        each = max(1, few // _LARGEST_SHARE_EACH)
        self._lists = AccountLane(
            lists, Bounds(few, each, _WAITING_LISTS, _WAITING_LISTS_EACH, waits.list_turn)
        )

    def account(self, account_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """Returns a connection for an account's request, or another platform's. Raises Busy."""
        return self._work.connection(account_id)

    def batch(self, name: str) -> AbstractAsyncContextManager[Connection]:
        """Returns a connection for requests of any accounts that are done together. Raises Busy."""
        return self._work.connection(name)

    def public(self, visitor: str | None) -> AbstractAsyncContextManager[Connection]:
        """A connection for who follows a delivery without a key, by its address. Raises Busy.

        None stands for all who are followed for: whose pages are kept up to date.
        """
        return self._public.connection(visitor)

    @asynccontextmanager
    async def lists(self, account_id: UUID) -> AsyncGenerator[Connection]:
        """A connection for an account's list or search. Raises Busy, also when it takes too long.

        Whoever is cancelled meanwhile, or too slow, has its statement cancelled in the database.
        """
        try:
            async with (
                asyncio.timeout(self._waits.whole_list),
                self._lists.connection(account_id) as connection,
            ):
                yield connection
        except TimeoutError:
            raise Busy(RETRY_SECONDS) from None


class HeldConnection(DatabaseConnections):
    """One connection that the caller holds already, whatever lane is asked for.

    With it, use cases that open a transaction of their own are done within the caller's.
    """

    def __init__(self, connection: Connection) -> None:
        """`connection` is in a transaction."""
        self._connection = connection

    def account(self, account_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """Returns the connection."""
        return nullcontext(self._connection)

    def batch(self, name: str) -> AbstractAsyncContextManager[Connection]:
        """Returns the connection."""
        return nullcontext(self._connection)

    def public(self, visitor: str | None) -> AbstractAsyncContextManager[Connection]:
        """Returns the connection."""
        return nullcontext(self._connection)

    @asynccontextmanager
    async def lists(self, account_id: UUID) -> AsyncGenerator[Connection]:
        """The connection."""
        yield self._connection
