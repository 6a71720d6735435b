"""Payments that somebody must confirm: the bank transfers of merchants."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import PaymentNotAwaited
from estafette.store.deliveries import table as deliveries
from estafette.usecases import audit
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.platform import Platform


async def confirm_payment(
    platform: Platform,
    scope: Scope,
    dialect: Dialect,
    delivery_id: UUID,
    note: str | None = None,
) -> Delivery:
    """Lets a delivery whose bank transfer has arrived go on; returns it as it is then.

    Raises DeliveryNotFound, or PaymentNotAwaited when it is paid already, expired, or awaits
    something else.
    """
    async with (
        platform.pool.acquire() as connection,
        platform.transaction(connection) as work,
    ):
        delivery = await lock_one(connection, scope, delivery_id)
        if delivery.status is not Status.AWAITING_PAYMENT or delivery.is_held:
            raise PaymentNotAwaited(delivery.status)
        move = Move(Status.PENDING, Actor.OPERATOR, note or "The bank transfer has arrived")
        entry = moved(delivery, move, dialect)
        await record.moves(work, platform, [entry])
        facts = {"reference": delivery.reference, "fee": delivery.fee}
        await audit.note(
            connection, platform.by, AuditedAct.PAYMENT_CONFIRMED, delivery_id, facts, of=scope
        )
    return entry.delivery


_FIRST = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)


async def awaited_payments(
    platform: Platform, mode: Mode, account_id: UUID | None = None, *, limit: int = 1_000
) -> list[Delivery]:
    """The deliveries whose bank transfer is awaited, of one account or of all, oldest first."""
    async with platform.pool.acquire() as connection:
        return await deliveries.awaiting_transfer(connection, mode, account_id, limit, _FIRST)


async def count_awaited(platform: Platform, mode: Mode, most: int) -> int:
    """Counts the deliveries of all accounts whose transfer is awaited, as far as `most`."""
    async with platform.pool.acquire() as connection:
        return await deliveries.count_awaiting_transfer(connection, mode, most)


class AwaitedPage(NamedTuple):
    """Some deliveries whose transfer is awaited, oldest first; `next` goes on after them."""

    deliveries: list[Delivery]
    next: str | None


async def page_of_awaited(
    platform: Platform, mode: Mode, account_id: UUID | None, after: str | None, limit: int
) -> AwaitedPage:
    """Returns at most `limit` of them after the `next` of the page before.

    Raises CursorUnknownError when `after` was no `next`.
    """
    place = _FIRST if after is None else read_cursor(after)
    async with platform.pool.acquire() as connection:
        found = await deliveries.awaiting_transfer(connection, mode, account_id, limit + 1, place)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return AwaitedPage(shown, last and cursor_text(last.created_at, last.id))


async def find_by_reference(platform: Platform, scope: Scope, reference: str) -> Delivery | None:
    """The delivery whose reference is written on a transfer."""
    async with platform.pool.acquire() as connection:
        return await deliveries.find_by_reference(connection, scope, reference.strip().upper())
