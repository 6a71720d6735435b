"""What keeps the database in shape by itself: the daily partitions, made ahead and dropped."""

import asyncio
from contextlib import suppress
from typing import Final

from estafette.core.retention import Retention
from estafette.logs import Logger
from estafette.store import audit
from estafette.store.accounts import page_tallies
from estafette.store.partitions import Upkeep, keep_up
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.store.trouble import TROUBLE_HERE

_log = Logger()

_EVERY_SECONDS: Final = 3600.0
_AFTER_TROUBLE_SECONDS: Final = 60.0


async def keep(pool: Pool, retention: Retention, stop: asyncio.Event) -> None:
    """Maintains the database every hour until `stop` is set; sooner after a failure."""
    while not stop.is_set():
        pause = _EVERY_SECONDS
        try:
            async with pool.acquire() as connection:
                done = await keep_up(connection, retention)
                await audit.keep_up(connection, retention.audit, done)
                await page_tallies.forget(connection)
        except DATABASE_TROUBLE as error:
            TROUBLE_HERE.met(error, "partitions")
            pause = _AFTER_TROUBLE_SECONDS
        else:
            pause = _AFTER_TROUBLE_SECONDS if _report(done) else _EVERY_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()


def _report(done: Upkeep) -> bool:
    """Logs what was done; whether something is to be tried again."""
    if done.made or done.dropped:
        _log.info("partitions_kept_up", made=done.made, dropped=done.dropped)
    for table, reason in done.failed.items():
        _log.warning("partitions_not_kept_up", table=table, reason=reason)
    return bool(done.failed)
