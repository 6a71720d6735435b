"""A unit of work: one transaction, and what follows from it once it has committed.

A statement that makes work for others says where it is written whom that concerns. Nobody has to
remember it, and nobody is woken for what was rolled back.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from estafette.store.pool import Connection


class UnitOfWork:
    """A transaction that is under way on `connection`; `unit_of_work` begins one.

    What is only read, or wakes nobody, is asked of the connection.
    """

    __slots__ = ("_channels", "connection")

    def __init__(self, connection: Connection) -> None:
        """Begins without effects."""
        self.connection = connection
        self._channels: set[str] = set()

    @property
    def channels(self) -> frozenset[str]:
        """The channels on which the commit will be signalled."""
        return frozenset(self._channels)

    def signal(self, channel: str) -> None:
        """Sends one signal on `channel` (see `store.signals`) after the commit."""
        self._channels.add(channel)

    @asynccontextmanager
    async def apart(self) -> AsyncGenerator[None]:
        """A part of the work that is undone when it raises, with all that follows from it alone."""
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
    """Begins a transaction; after its commit `signal` is called with each channel, once.

    Where the block or the commit raises, nothing is signalled. The loss of a connection may hide
    that the commit came about: then the workers' polls find what there is to do.
    """
    work = UnitOfWork(connection)
    async with connection.transaction():
        yield work
    for channel in work.channels:
        signal(channel)
