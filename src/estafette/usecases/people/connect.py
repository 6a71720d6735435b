"""The connection and the transaction of what is done with people."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from estafette.store.pool import Connection
from estafette.usecases.platform import Platform


@asynccontextmanager
async def reading(platform: Platform) -> AsyncGenerator[Connection]:
    """A connection of those that people's pages share. Raises Busy or Unavailable."""
    async with platform.connections.batch("people") as connection:
        yield connection


@asynccontextmanager
async def writing(platform: Platform) -> AsyncGenerator[Connection]:
    """A transaction on such a connection. Raises Busy or Unavailable."""
    async with reading(platform) as connection, connection.transaction():
        yield connection
