"""Notifications to recipients: which events are told by phone, and what came of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.deliveries.delivery import Delivery
from estafette.store import signals
from estafette.store.claims import Queue
from estafette.store.columns import Columns, insertion
from estafette.store.columns import rows as rows_of
from estafette.store.deliveries import rows
from estafette.store.ends import Ending
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork

QUEUE: Final = Queue("notifications", "due_at", lease="leased_until")


class NewNotification(NamedTuple):
    """The event of a delivery that is told, as what, and for how many seconds that is worth it."""

    account_id: UUID
    delivery_id: UUID
    seq: int
    kind: str
    worth_seconds: float


NEW: Final = Columns[NewNotification](
    {
        "account_id": ("uuid", lambda new: new.account_id),
        "delivery_id": ("uuid", lambda new: new.delivery_id),
        "seq": ("integer", lambda new: new.seq),
        "kind": ("text", lambda new: new.kind),
        "worth_seconds": ("float8", lambda new: new.worth_seconds),
    }
)
"""What is to be told."""

_INSERT: Final = insertion(
    "notifications",
    ("account_id", "delivery_id", "seq", "kind"),
    rows_of(NEW),
    worth_until="now() + make_interval(secs => input.worth_seconds)",
)


async def insert(work: UnitOfWork, new: Sequence[NewNotification]) -> None:
    """Puts notifications into the outbox, in the transaction of their events."""
    if new:
        await work.connection.execute(_INSERT, *NEW.of(new))
        work.signal(signals.NOTIFICATIONS)


class Claimed(NamedTuple):
    """A notification that this worker holds, with its delivery as it is now.

    `attempt` is the fencing token, `left` for how long it is still worth being sent.
    """

    delivery: Delivery
    seq: int
    kind: str
    attempt: int
    left: timedelta
    market: str
    dialect: str
    brand: str | None
    brand_phone: str | None
    brand_language: str | None


# A turn for each account that waits, however much another has waiting.
_CLAIM: Final = f"""
with recursive waiting as (
    (select account_id from notifications where due_at is not null order by account_id limit 1)
    union all
    select (
        select account_id from notifications
        where due_at is not null and account_id > waiting.account_id
        order by account_id limit 1
    ) from waiting where waiting.account_id is not null
),
picked as (
    select place from waiting cross join lateral (
        select place, due_at, row_number() over (order by due_at) as turn from (
            select ctid as place, due_at from notifications
            where account_id = waiting.account_id and due_at <= now()
            order by due_at limit $2
        ) first
    ) of_account
    order by turn, due_at limit $2
),
claimed as ({QUEUE.leasing("$1::interval", leased_until="now() + $1::interval")})
select deliveries.*, claimed.seq as told_seq, claimed.kind, claimed.attempt,
    claimed.worth_until - now() as time_left, accounts.market, accounts.dialect,
    brandings.name as brand, brandings.phone as brand_phone, brandings.language as brand_language
from claimed
join deliveries on deliveries.account_id = claimed.account_id
    and deliveries.id = claimed.delivery_id
join accounts on accounts.id = claimed.account_id
left join brandings on brandings.account_id = claimed.account_id
"""  # noqa: S608 - the parts are constants


async def claim(connection: Connection, lease: timedelta, limit: int) -> list[Claimed]:
    """Leases at most `limit` notifications that are due, of each account in turn."""
    return [_claimed(row) for row in await connection.fetch(_CLAIM, lease, limit)]


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        delivery=rows.delivery(row),
        seq=row["told_seq"],
        kind=row["kind"],
        attempt=row["attempt"],
        left=row["time_left"],
        market=row["market"],
        dialect=row["dialect"],
        brand=row["brand"],
        brand_phone=row["brand_phone"],
        brand_language=row["brand_language"],
    )


_SETTLE: Final = f"""
update notifications set state = $5, leased_until = null, last_error = $6,
    due_at = now() + $7::interval
where account_id = $1 and delivery_id = $2 and seq = $3
    and {QUEUE.fence("$4", "is not null")}
"""  # noqa: S608 - the parts are constants


async def settle(
    connection: Connection,
    claimed: Claimed,
    state: str,
    error: str | None,
    again_in: timedelta | None,
) -> bool:
    """Records what came of an attempt; False where it is no longer this worker's.

    `again_in`: when it is tried again, None: never.
    """
    delivery = claimed.delivery
    status = await connection.execute(
        _SETTLE,
        delivery.scope.account_id,
        delivery.id,
        claimed.seq,
        claimed.attempt,
        state,
        error,
        again_in,
    )
    return status.endswith(" 1")


ENDING: Final = Ending(
    "notifications",
    "due_at is null and created_at < case state when 'sent' then $4::timestamptz"
    " else $5::timestamptz end",
)
"""When notifications have had their time."""


class Told(NamedTuple):
    """What became of telling a recipient of an event."""

    seq: int
    kind: str
    state: str
    attempts: int
    created_at: datetime


async def of_delivery(connection: Connection, account_id: UUID, delivery_id: UUID) -> list[Told]:
    """What the recipient of a delivery was told, or will be: one for each event, at most."""
    found = await connection.fetch(
        "select seq, kind, state, attempt as attempts, created_at from notifications"
        " where account_id = $1 and delivery_id = $2 order by seq",
        account_id,
        delivery_id,
    )
    return [Told(**row) for row in found]
