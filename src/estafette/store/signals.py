"""Signals between processes by LISTEN and NOTIFY.

A signal says only "look again"; what it speaks of is in tables. Losing one costs a moment, never
a fact.
"""

import asyncio
from collections.abc import Callable

import asyncpg

from estafette.store.pool import CONNECT_SECONDS, DATABASE_TROUBLE

CONFIGURATION = "estafette_configuration"
"""Accounts, keys, cities or tariffs have changed (sent by triggers)."""

OUTBOX = "estafette_outbox"
"""There are messages to send."""

DISPATCHES = "estafette_dispatches"
"""There are deliveries to place at, or to look at on, the platforms of courier companies."""

NOTIFICATIONS = "estafette_notifications"
"""There are people to tell something."""

_PROBE_SECONDS = 5.0


async def send(pool: "asyncpg.Pool[asyncpg.Record]", channel: str) -> None:
    """Signals, in a transaction of its own: inside a write it would take a lock at commit."""
    await pool.execute("select pg_notify($1, '')", channel)


async def listen(
    dsn: str,
    channel: str,
    on_signal: Callable[[], None],
    on_connection: Callable[[bool], None] = lambda _: None,
) -> None:
    """Calls `on_signal` at each signal, until cancelled; reconnects as long as it takes.

    `on_connection` is told True when signals begin to arrive and False when they may be lost;
    after each connection `on_signal` is called once for what may have been missed.
    """

    def heard(*_: object) -> None:
        on_signal()

    delay = 0.1
    while True:
        connection = None
        try:
            connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            await connection.add_listener(channel, heard)
            on_connection(True)
            on_signal()
            delay = 0.1
            await _until_lost(connection, lost)
        except DATABASE_TROUBLE:
            pass
        finally:
            on_connection(False)
            if connection is not None:
                connection.terminate()
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5.0)


async def _until_lost(
    connection: "asyncpg.Connection[asyncpg.Record]", lost: asyncio.Event
) -> None:
    while True:
        try:
            # not `wait_for`: in Python 3.11 it may swallow a cancellation that comes with the loss
            async with asyncio.timeout(_PROBE_SECONDS):
                await lost.wait()
        except TimeoutError:  # a silent network may hide the loss: ask
            await connection.execute("select 1", timeout=_PROBE_SECONDS)
        else:
            return
