"""Signals between processes by LISTEN and NOTIFY.

A signal says only that there is something new to read; the data itself is in tables. If a signal is
lost, the work is done some seconds later, and no data is lost.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

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

PAGES = "estafette_pages"
"""Something has changed that open pages show: a delivery was created or has moved."""

APART_SECONDS: Final = {PAGES: 0.2, FLEET: 0.2}
"""How far apart a process sends a signal of which one is as good as many: every move sends it, and
each costs a commit of its own."""

_PROBE_SECONDS = 5.0


async def send(pool: "asyncpg.Pool[asyncpg.Record]", channel: str) -> None:
    """Sends a signal in a transaction of its own.

    Within a writing transaction, NOTIFY would take a lock at the commit that all writers share.
    """
    await pool.execute("select pg_notify($1, '')", channel)


async def listen(
    dsn: str,
    on_signal: Mapping[str, Callable[[], None]],
    on_connection: Callable[[bool], None] = lambda _: None,
) -> None:
    """Calls what `on_signal` has for a channel at each signal there, until it is cancelled.

    It connects again whenever it has to. `on_connection` is called with True when signals begin to
    arrive, and with False when they may be lost. After each connection each of `on_signal` is
    called once, for signals that were missed.
    """

    def heard(_connection: object, _process: object, channel: str, _payload: object) -> None:
        on_signal[channel]()

    delay = 0.1
    while True:
        connection = None
        try:
            connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            for channel in on_signal:
                await connection.add_listener(channel, heard)
            on_connection(True)
            for call in on_signal.values():
                call()
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
