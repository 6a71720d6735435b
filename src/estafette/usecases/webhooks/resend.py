"""Send again: a message, an event, and what an account missed since a time.

Missed are messages that were given up, and events that the account was never told of.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.store import pool
from estafette.store.webhooks import failures, message_counts, messages
from estafette.usecases import audit
from estafette.usecases.platform import Platform

MOST_MISSED: Final = 100_000
"""So many events that were never told are told by one call, and a few more."""

_DELIVERIES: Final = 1_000
_MARGIN: Final = timedelta(hours=1)
_BEGINNING: Final = UUID(int=0)


Observe = Callable[[int], Awaitable[None]]


async def _nobody(_: int) -> None:
    """Hears of nothing."""


class Resent(NamedTuple):
    """What is sent again.

    `again` are messages that were made before, `missed` those of events that were never told,
    `is_all` whether these are all: if not, another call goes on.
    """

    again: int
    missed: int
    is_all: bool


async def resend_since(
    platform: Platform,
    scope: Scope,
    since: datetime,
    endpoint: str | None = None,
    *,
    dead_only: bool = True,
    kept: timedelta = timedelta(days=30),
    most_missed: int = MOST_MISSED,
    observe: Observe = _nobody,
) -> Resent:
    """Sends again the messages made since a time that are dead, or all, and tells what was missed.

    Missed are events that happened while the endpoint had no address, was disabled or did not exist
    yet. They are found by the messages that there are not, a thousand deliveries in a transaction;
    called twice, it makes none twice. After `most_missed` it ends. `kept` is how long delivered
    messages are kept at least: events that are older were perhaps told, and are left alone.

    For all endpoints that are sent webhooks now, or for the one named `endpoint`. `observe` hears
    how many more were missed after each step.
    """
    async with platform.pool.acquire() as connection:
        now = await pool.clock(connection)
    missed, is_all = await _tell_missed(
        platform, scope, max(since, now - kept + _MARGIN), endpoint, most_missed, observe
    )
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        again = await messages.resend_since(
            work, scope, (since, now), endpoint, dead_only=dead_only
        )
        await failures.forgive(connection, scope.account_id)
        facts = {
            "since": since,
            "dead_only": dead_only,
            "endpoint": endpoint,
            "messages": again,
            "missed": missed,
        }
        await audit.note(connection, platform.by, AuditedAct.WEBHOOKS_RESENT, None, facts, of=scope)
    return Resent(again, missed, is_all)


async def _tell_missed(
    platform: Platform,
    scope: Scope,
    since: datetime,
    endpoint: str | None,
    most: int,
    observe: Observe,
) -> tuple[int, bool]:
    missed, after = 0, _BEGINNING
    while missed < most:
        async with (
            platform.pool.acquire() as connection,
            platform.transaction(connection) as work,
        ):
            page = await messages.enqueue_missed(
                work, scope, since, after, min(most, _DELIVERIES), endpoint
            )
        missed += page.messages
        await observe(page.messages)
        if page.after is None:
            return missed, True
        after = page.after
    return missed, False


async def resend_event(platform: Platform, scope: Scope, delivery_id: UUID, event_id: UUID) -> int:
    """Sends an event again to every endpoint that it went to, with a fresh round of attempts.

    Returns how many messages that makes: 0 when there is no such event, or none but such as are
    being sent at this moment.
    """
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        count = await messages.resend_event(work, scope, delivery_id, event_id)
        await failures.forgive(connection, scope.account_id)
        if count:
            facts = {"delivery": delivery_id, "messages": count}
            await audit.note(
                connection, platform.by, AuditedAct.WEBHOOKS_RESENT, event_id, facts, of=scope
            )
    return count


async def resend_message(platform: Platform, scope: Scope, message_id: UUID) -> int:
    """Sends one message again, as `resend_event` does; returns 1 or 0."""
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        count = await messages.resend_message(work, scope, message_id)
        await failures.forgive(connection, scope.account_id)
        if count:
            await audit.note(
                connection, platform.by, AuditedAct.WEBHOOKS_RESENT, message_id, of=scope
            )
    return count


_KEPT = (
    "delivered ones are kept for ESTAFETTE_MESSAGES_KEPT_DAYS,"
    " given up ones for ESTAFETTE_DEAD_MESSAGES_KEPT_DAYS"
)
_UNDER_WAY = "it is being sent at this moment"


async def why_no_message(platform: Platform, scope: Scope, message_id: UUID) -> str:
    """Returns why a message was not sent again."""
    async with platform.pool.acquire() as connection:
        if await message_counts.count_message(connection, scope, message_id):
            return _UNDER_WAY
    return f"there is no such message, or it is gone: {_KEPT}"


async def why_no_event(platform: Platform, scope: Scope, delivery_id: UUID, event_id: UUID) -> str:
    """Returns why an event was not sent again."""
    async with platform.pool.acquire() as connection:
        left = await message_counts.count_of_event(connection, scope, delivery_id, event_id)
    if left is None:
        return "the delivery has no such event"
    if left:
        return _UNDER_WAY
    return f"no endpoint was told of that event, or its messages are gone: {_KEPT}"
