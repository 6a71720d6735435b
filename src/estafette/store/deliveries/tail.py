"""Events of all deliveries in the order in which they happen: for who watches."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.event import Event
from estafette.store.deliveries import rows
from estafette.store.pool import Connection


class Happened(NamedTuple):
    """An event, whose it is, and what its delivery is called and carries."""

    account_id: UUID
    mode: Mode
    external_ref: str | None
    reference: str | None
    metadata: Mapping[str, Any] | None
    event: Event


_EVENT_COLUMNS = ", ".join(f"events.{column.strip()}" for column in rows.EVENT_COLUMNS.split(","))

_SINCE = f"""
select events.account_id, deliveries.mode, deliveries.external_ref, deliveries.reference,
    deliveries.terms -> 'metadata' as metadata, {_EVENT_COLUMNS}
from events
join deliveries on deliveries.account_id = events.account_id
    and deliveries.id = events.delivery_id
where events.occurred_at >= $1
    and ($2::uuid is null or events.account_id = $2)
    and ($3::text is null or deliveries.mode = $3)
    and not exists (select from unnest($5::uuid[]) as known (id) where known.id = events.id)
order by events.occurred_at, events.delivery_id, events.seq limit $4
"""  # noqa: S608 - the columns are a constant


async def events_since(
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
            rows.event(row),
        )
        for row in found
    ]


async def now(connection: Connection) -> datetime:
    """The database's time."""
    return await connection.fetchval("select clock_timestamp()")
