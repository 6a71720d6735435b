"""Disable endpoints that say for good that they are gone (410), and tell of it."""

import asyncio
from datetime import timedelta
from typing import Final

from estafette.core.audit import AuditedAct
from estafette.logs import Logger
from estafette.loops import Loop, Pace
from estafette.store.webhooks import failures
from estafette.store.webhooks.failures import Gone
from estafette.usecases import audit
from estafette.usecases.platform import Platform

GONE_TIMES: Final = 5
GONE_FOR: Final = timedelta(hours=1)
"""An endpoint is disabled once it has answered so often and for so long with nothing but 410. With
one webhook that waits, that is the seventh attempt; any other answer or failure begins anew."""

_AT_A_TIME: Final = 100
_PACE: Final = Pace(longest=30.0)

_log = Logger()


async def disable_gone(platform: Platform) -> list[Gone]:
    """Disables the endpoints that are gone by now, a hundred at most; returns them.

    Their waiting messages stay, and are sent once they are enabled again.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await failures.disable_gone(connection, GONE_TIMES, GONE_FOR, _AT_A_TIME)
        for gone in found:
            facts = {
                "name": gone.name,
                "why": "it answered 410 Gone",
                "times": gone.times,
                "for_seconds": round(gone.seconds),
            }
            await audit.note(
                connection, platform.by, AuditedAct.ENDPOINT_DISABLED, gone.id, facts, of=gone.scope
            )
    for gone in found:
        _log.warning(
            "endpoint_gone",
            account_id=str(gone.scope.account_id),
            mode=gone.scope.mode.value,
            endpoint=gone.name,
            times=gone.times,
        )
    return found


def loop(platform: Platform) -> Loop:
    """Does so every half a minute. Any number of processes may."""

    async def one_round(_: asyncio.Event) -> float:
        found = await disable_gone(platform)
        return 0.0 if len(found) == _AT_A_TIME else _PACE.longest

    return Loop("endpoints that are gone", one_round, _PACE)
