"""A unit of work: one transaction, and the signals that are sent after its commit.

The function that writes work for other processes also names their channel. So no caller has to
remember to send the signal, and no signal is sent for work that was rolled back.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from estafette.store.pool import Connection


class UnitOfWork:
    """A transaction that is under way on `connection`; `unit_of_work` begins one.

    Functions that only read, or that send no signal, take the connection instead of this.
    """

    __slots__ = ("_channels", "connection")

    def __init__(self, connection: Connection) -> None:
        """Begins without signals."""
        self.connection = connection
        self._channels: set[str] = set()

    @property
    def channels(self) -> frozenset[str]:
        """The channels on which the commit will be signalled."""
        return frozenset(self._channels)

    def signal(self, channel: str) -> None:
        """Has one signal sent on `channel` (see `store.signals`) after the commit."""
        self._channels.add(channel)

    @asynccontextmanager
    async def apart(self) -> AsyncGenerator[None]:
        """Runs a part of the work in a savepoint; undone with its signals if it raises."""
        before = self._channels.copy()
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            self._channels = before
            raise


@asynccontextmanager
async def unit_of_work(
    connection: Connection, signal: Callable[[str], None]
) -> AsyncGenerator[UnitOfWork]:
    """Begins a transaction; after its commit, calls `signal` once with each channel.

    Where the block or the commit raises, nothing is signalled. If the connection is lost during a
    commit that succeeded, no signal is sent either: then the workers find the work by polling.
    """
    work = UnitOfWork(connection)
    async with connection.transaction():
        yield work
    for channel in work.channels:
        signal(channel)
