"""Signals between processes by LISTEN and NOTIFY.

A signal says only that there is something new to read; the data itself is in tables. If a signal is
lost, the work is done some seconds later, and no data is lost.
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
"""There are notifications or letters to send."""

FLEET = "estafette_fleet"
"""Something of drivers has changed: an offer, an assignment, a shift."""

_PROBE_SECONDS = 5.0


async def send(pool: "asyncpg.Pool[asyncpg.Record]", channel: str) -> None:
    """Sends a signal in a transaction of its own.

    Within a writing transaction, NOTIFY would take a lock at the commit that all writers share.
    """
    await pool.execute("select pg_notify($1, '')", channel)


async def listen(
    dsn: str,
    channel: str,
    on_signal: Callable[[], None],
    on_connection: Callable[[bool], None] = lambda _: None,
) -> None:
    """Calls `on_signal` at each signal until it is cancelled; connects again whenever it has to.

    `on_connection` is called with True when signals begin to arrive, and with False when they may
    be lost. After each connection `on_signal` is called once, for signals that were missed.
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
        except TimeoutError:  # a lost connection may go unnoticed, so it is tested
            await connection.execute("select 1", timeout=_PROBE_SECONDS)
        else:
            return
