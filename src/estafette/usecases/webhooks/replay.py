"""Send again what was missed since a time, asked for by somebody who does not wait for it.

It is counted before, as far as that takes no long time, done by a worker, and its progress is
written down for whoever looks. See `resend.py` for what is sent.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.loops import Loop, Pace
from estafette.store import pool, signals
from estafette.store.webhooks import messages, replays
from estafette.store.webhooks.messages import ToSend
from estafette.store.webhooks.replays import Replay
from estafette.usecases import audit
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.resend import resend_since

__all__ = ["MOST_COUNTED", "Replay", "ReplayRefusedError", "ToSend"]

MOST_COUNTED: Final = 10_000
"""So many messages and events are counted before; more are many."""

LONGEST: Final = timedelta(days=30)
_COUNTING_SECONDS: Final = 2.0
_PACE: Final = Pace(longest=2.0)


class ReplayRefusedError(ValueError):
    """Nothing can be sent again so; `reason` says why: `busy`, `future` or `long_ago`."""

    def __init__(self, reason: str) -> None:
        """`reason` is one of the three."""
        self.reason = reason
        super().__init__(reason)


async def count_replay(
    platform: Platform, scope: Scope, since: datetime, endpoint: str | None, *, dead_only: bool
) -> ToSend:
    """Returns how many messages would be sent again, counted as far as MOST_COUNTED.

    Raises ReplayRefusedError.
    """
    async with platform.connections.lists(scope.account_id) as connection, connection.transaction():
        _check(since, await pool.clock(connection))
        return await messages.count_to_send(
            connection,
            scope,
            since,
            endpoint,
            dead_only=dead_only,
            most=MOST_COUNTED,
            seconds=_COUNTING_SECONDS,
        )


def _check(since: datetime, now: datetime) -> None:
    if since > now:
        raise ReplayRefusedError("future")
    if now - since > LONGEST + timedelta(minutes=5):
        raise ReplayRefusedError("long_ago")


async def ask_for_replay(
    platform: Platform, scope: Scope, since: datetime, endpoint: str | None, *, dead_only: bool
) -> UUID:
    """Has a worker send again what was missed; one at a time in a mode of an account.

    Raises ReplayRefusedError.
    """
    id = new_id()
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        _check(since, await pool.clock(connection))
        if not await replays.insert(connection, scope, id, since, endpoint, dead_only=dead_only):
            raise ReplayRefusedError("busy")
        facts = {"since": since, "endpoint": endpoint, "dead_only": dead_only}
        await audit.note(connection, platform.by, AuditedAct.WEBHOOKS_RESENT, id, facts, of=scope)
        work.signal(signals.OUTBOX)
    return id


async def list_replays(platform: Platform, scope: Scope) -> list[Replay]:
    """Returns the latest replays of an account, newest first."""
    async with platform.connections.account(scope.account_id) as connection:
        return await replays.latest(connection, scope)


async def do_replay(platform: Platform, worker: str, kept: timedelta) -> bool:
    """Does one replay that is due; returns whether there was one.

    Should it be interrupted, another worker does it once more: what was sent is sent again then, as
    any webhook may be. `kept` is how long delivered messages are kept.
    """
    async with platform.pool.acquire() as connection:
        replay = await replays.claim(connection, worker)
    if replay is None:
        return False

    async def note(missed: int) -> None:
        async with platform.pool.acquire() as connection:
            await replays.add(connection, replay, 0, missed)

    resent = await resend_since(
        platform,
        replay.scope,
        replay.since,
        replay.endpoint,
        dead_only=replay.dead_only,
        kept=kept,
        observe=note,
    )
    async with platform.pool.acquire() as connection, connection.transaction():
        await replays.add(connection, replay, resent.again, 0)
        await replays.finish(connection, replay, is_all=resent.is_all)
    return True


def loop(platform: Platform, kept: timedelta) -> Loop:
    """Does what was asked for. Any number of processes may."""
    worker = new_id().hex

    async def one_round(_: asyncio.Event) -> float:
        return 0.0 if await do_replay(platform, worker, kept) else _PACE.longest

    return Loop("replays of webhooks", one_round, _PACE)
