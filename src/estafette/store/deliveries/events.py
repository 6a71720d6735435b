"""Events: written with the change that they tell of, read by delivery or as they happen."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import EVENTS_SHOWN, Actor, Event
from estafette.store.columns import Columns, insertion
from estafette.store.pool import Connection

NEW: Final = Columns[Event](
    {
        "status": ("text", lambda event: event.status),
        "milestone": ("text", lambda event: event.milestone),
        "seq": ("integer", lambda event: event.seq),
        "event_id": ("uuid", lambda event: event.id),
        "actor": ("text", lambda event: event.actor),
        "note": ("text", lambda event: event.note),
        "announced": ("text", lambda event: ",".join(event.announced)),
        "occurred_at": ("timestamptz", lambda event: event.occurred_at),
    }
)
"""What is written of events, beside the account and the id of their delivery."""

INSERTION: Final = insertion(
    "events",
    ["account_id", "status", "milestone", "seq", "actor", "note", "occurred_at"],
    delivery_id="id",
    id="event_id",
    announced="string_to_array(announced, ',')",
)
"""Writes the events of `input`."""

_COLUMNS = "delivery_id, seq, id, status, milestone, actor, note, announced, occurred_at"


def _event(row: asyncpg.Record) -> Event:
    return Event(
        id=row["id"],
        delivery_id=row["delivery_id"],
        seq=row["seq"],
        status=Status(row["status"]),
        milestone=Status(row["milestone"]),
        actor=Actor(row["actor"]),
        note=row["note"],
        announced=tuple(row["announced"]),
        occurred_at=row["occurred_at"],
    )


_OF_DELIVERY = f"""
select {_COLUMNS} from events
where account_id = $1 and delivery_id = $2 order by seq desc limit $3
"""  # noqa: S608 - the columns are a constant


async def of_delivery(
    connection: Connection, scope: Scope, delivery_id: UUID, count: int = EVENTS_SHOWN
) -> list[Event]:
    """The newest events of a delivery that the caller knows to be of this scope, oldest first."""
    found = await connection.fetch(_OF_DELIVERY, scope.account_id, delivery_id, count)
    return [_event(row) for row in reversed(found)]


class Happened(NamedTuple):
    """An event, whose it is, and what its delivery is called and carries."""

    account_id: UUID
    mode: Mode
    external_ref: str | None
    reference: str | None
    metadata: Mapping[str, Any] | None
    event: Event


_OF_EVENTS = ", ".join(f"events.{column}" for column in _COLUMNS.split(", "))

_SINCE = f"""
select events.account_id, deliveries.mode, deliveries.external_ref, deliveries.reference,
    deliveries.terms -> 'metadata' as metadata, {_OF_EVENTS}
from events
join deliveries on deliveries.account_id = events.account_id
    and deliveries.id = events.delivery_id
where events.occurred_at >= $1
    and ($2::uuid is null or events.account_id = $2)
    and ($3::text is null or deliveries.mode = $3)
    and not exists (select from unnest($5::uuid[]) as known (id) where known.id = events.id)
order by events.occurred_at, events.delivery_id, events.seq limit $4
"""  # noqa: S608 - the columns are a constant


async def since(
    connection: Connection,
    since: datetime,
    account_id: UUID | None,
    mode: Mode | None,
    limit: int,
    known: Collection[UUID],
) -> list[Happened]:
    """At most `limit` events from a time on, oldest first, without those whose ids are `known`.

    None leaves a criterion out.
    """
    found = await connection.fetch(_SINCE, since, account_id, mode, limit, list(known))
    return [
        Happened(
            row["account_id"],
            Mode(row["mode"]),
            row["external_ref"],
            row["reference"],
            row["metadata"] and orjson.loads(row["metadata"]),
            _event(row),
        )
        for row in found
    ]


_COUNTS = """
with recent as materialized (
    select account_id, delivery_id, occurred_at from events where occurred_at >= $4
)
select number, count(*) filter (where occurred_at >= since),
    count(*) filter (where occurred_at >= $5)
from unnest($1::uuid[], $2::text[], $3::timestamptz[])
    with ordinality as asked (of_account, of_mode, since, number)
join recent on recent.account_id = of_account
join deliveries on deliveries.account_id = recent.account_id
    and deliveries.id = recent.delivery_id and deliveries.mode = of_mode
group by number
"""


async def count_since(
    connection: Connection, asked: Sequence[tuple[Scope, datetime]], besides: datetime
) -> dict[int, tuple[int, int]]:
    """Counts the events of scopes, of each since a moment of its own, and since `besides`.

    The keys are the places in `asked`; scopes without events are missing. It reads all events since
    the earliest of the moments, which must lie within seconds.
    """
    found = await connection.fetch(
        _COUNTS,
        [scope.account_id for scope, _ in asked],
        [scope.mode for scope, _ in asked],
        [since for _, since in asked],
        min([besides, *(since for _, since in asked)]),
        besides,
    )
    return {number - 1: (own, other) for number, own, other in found}


async def erase_notes(
    connection: Connection, accounts: Sequence[UUID], deliveries: Sequence[UUID]
) -> None:
    """Erases what was noted of deliveries: their accounts, and their ids."""
    await connection.execute(
        "update events set note = null"
        " from unnest($1::uuid[], $2::uuid[]) as gone (of_account, of_delivery)"
        " where account_id = of_account and delivery_id = of_delivery and note is not null",
        accounts,
        deliveries,
    )
