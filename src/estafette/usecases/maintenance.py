"""What keeps the database in shape by itself: partitions, and what is over of people."""

import asyncio
from datetime import timedelta
from typing import Final

from estafette.core.accounts.page_orders import SLICE, SLICES
from estafette.core.retention import CASH, CORRECTIONS, Retention
from estafette.logs import Logger
from estafette.loops import Loop, Pace
from estafette.store import audit
from estafette.store.accounts import page_tallies, request_log
from estafette.store.deliveries import corrections, daily_tallies
from estafette.store.fleet import ends as fleet_ends
from estafette.store.money import cash, handovers
from estafette.store.old_rows import Forget, remove_all
from estafette.store.partitions import Upkeep, keep_up
from estafette.store.people import ends as people_ends
from estafette.store.pool import Pool

_log = Logger()

_AFTER_TROUBLE_SECONDS: Final = 60.0
_OLD: Final[tuple[tuple[Forget, timedelta], ...]] = (
    (cash.forget, CASH),
    (cash.forget_nothing, timedelta(days=1)),
    (handovers.forget, CASH),
    (corrections.forget, CORRECTIONS),
    (daily_tallies.forget, daily_tallies.KEPT),
    (page_tallies.forget, SLICES * SLICE),
)
_PACE: Final = Pace(longest=3600.0, first_retry=_AFTER_TROUBLE_SECONDS, longest_retry=60.0)


def loop(pool: Pool, retention: Retention) -> Loop:
    """Maintains the database every hour; sooner after a failure."""

    async def one_round(_: asyncio.Event) -> float:
        async with pool.acquire() as connection:
            done = await keep_up(connection, retention)
            await audit.keep_up(connection, retention.audit, done)
            await people_ends.forget(connection)
            await fleet_ends.forget(connection, retention)
            gaps = (request_log.forget_gaps, retention.requests)
            await remove_all(connection, [*_OLD, gaps])
        return _AFTER_TROUBLE_SECONDS if _report(done) else _PACE.longest

    return Loop("partitions", one_round, _PACE)


def _report(done: Upkeep) -> bool:
    """Logs what was done; whether something is to be tried again."""
    if done.made or done.dropped:
        _log.info("partitions_kept_up", made=done.made, dropped=done.dropped)
    for table, reason in done.failed.items():
        _log.warning("partitions_not_kept_up", table=table, reason=reason)
    return bool(done.failed)
