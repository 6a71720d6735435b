"""Deliveries that somebody has to look after, of all accounts, and what ends a dispute."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import AuditedAct
from estafette.store.couriers import dispatches
from estafette.store.deliveries import troubles
from estafette.store.deliveries.troubles import MOST_COUNTED, TroubleCounts, Troubled
from estafette.usecases import audit
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.deliveries.advance import lock_one
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform

__all__ = [
    "MOST_COUNTED",
    "NotDisputedError",
    "Trouble",
    "TroubleCounts",
    "Troubled",
    "TroublesPage",
    "count_troubles",
    "list_troubles",
    "settle_dispute",
]


class NotDisputedError(ValueError):
    """Nothing about the delivery is in dispute, or not any more."""


class Trouble(StrEnum):
    """Why somebody has to look after a delivery."""

    STALLED = "stalled"
    """Nobody carries it on, or nothing is heard of it."""
    LATE = "late"
    """It is under way past its promised time."""
    DISPUTED = "disputed"
    """The platform of its courier company tells of it otherwise than we do."""


_LOOK = {
    Trouble.STALLED: troubles.stalled,
    Trouble.LATE: troubles.late,
    Trouble.DISPUTED: troubles.disputed,
}
_FIRST = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)


class TroublesPage(NamedTuple):
    """Some of them, those first that have waited longest; `next` goes on after them."""

    found: Sequence[Troubled]
    next: str | None


async def list_troubles(
    platform: Platform, trouble: Trouble, mode: Mode, after: str | None, limit: int
) -> TroublesPage:
    """Returns at most `limit` of them after the `next` of the page before.

    They are looked for among `LOOKED_AT`. Raises PlaceUnknownError when `after` was no `next`.
    """
    place = _FIRST if after is None else read_cursor(after)
    async with reading(platform) as connection:
        found = await _LOOK[trouble](connection, mode, place, limit + 1)
    shown = found[:limit]
    has_more = len(found) > limit
    last = shown[-1] if has_more else None
    return TroublesPage(shown, last and cursor_text(last.since, last.delivery.id))


async def count_troubles(platform: Platform, mode: Mode) -> TroubleCounts:
    """Counts them, each kind up to `MOST_COUNTED`."""
    async with reading(platform) as connection:
        return await troubles.count(connection, mode)


async def settle_dispute(
    platform: Platform, scope: Scope, delivery_id: UUID, note: str | None = None
) -> None:
    """Ends a dispute: people have put right what was told differently.

    Nothing is asked of the platform any more. The delivery stays as it is here; it can be moved by
    hand. Raises DeliveryNotFound, or NotDisputedError where nothing is in dispute (any more).
    """
    account = platform.connections.account(scope.account_id)
    async with account as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        standing = await dispatches.find(connection, scope.account_id, delivery_id)
        if standing is None or not await dispatches.close_disputed(
            connection, scope.account_id, delivery_id, note
        ):
            raise NotDisputedError(delivery_id)
        facts = {"status": delivery.status, "upstream_id": standing.upstream_id}
        await audit.note(
            connection,
            platform.by,
            AuditedAct.DELIVERY_DISPUTE_SETTLED,
            delivery_id,
            facts,
            of=scope,
        )
