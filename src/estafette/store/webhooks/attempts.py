"""Attempts to send messages: what came of each, kept for some weeks."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.pool import Connection

INSERTION: Final = """
insert into attempts (account_id, message_id, attempt, started_at, duration_ms, outcome,
    http_status, error, worker)
select account_id, message_id, attempt, now() - make_interval(secs => age_seconds),
    duration_ms, outcome, http_status, error, $13
from input
where not $14 or not exists (
    select from attempts
    where attempts.account_id = input.account_id and attempts.message_id = input.message_id
        and attempts.attempt = input.attempt and attempts.worker = $13
)
"""
"""Keeps the attempts of `input`, made by the worker $13; where $14, unless they are kept."""


class Attempt(NamedTuple):
    """One try to send a message, and how the message stands now.

    `event_id` of a test is its message's id, and no delivery stands behind it. `ordinal` is the
    place of `type` among the announcements of the event. `state` is pending, delivered or dead;
    `due_at` is when a pending message is tried next; None: its endpoint is sent nothing.
    """

    message_id: UUID
    event_id: UUID
    delivery_id: UUID | None
    endpoint: str
    type: str
    ordinal: int
    attempt: int
    started_at: datetime
    duration_ms: int
    outcome: str
    http_status: int | None
    error: str | None
    state: str
    due_at: datetime | None


_ATTEMPT = """
select attempts.message_id, coalesce(events.id, messages.id) as event_id, messages.delivery_id,
    endpoints.name as endpoint,
    coalesce(messages.test_type, events.announced[messages.ordinal + 1]) as type,
    messages.ordinal, attempts.attempt, attempts.started_at, attempts.duration_ms, attempts.outcome,
    attempts.http_status, attempts.error, messages.state,
    case when messages.state = 'pending' and endpoints.disabled_at is null
        and endpoints.url is not null then messages.due_at end as due_at
"""

_AROUND = """
join endpoints on endpoints.account_id = messages.account_id and endpoints.id = messages.endpoint_id
    and endpoints.mode = $2
left join events on events.account_id = messages.account_id
    and events.delivery_id = messages.delivery_id and events.seq = messages.seq
"""

_OF_DELIVERY = f"""
{_ATTEMPT}
from messages
join attempts on attempts.account_id = messages.account_id and attempts.message_id = messages.id
{_AROUND}
where messages.account_id = $1 and messages.delivery_id = $3
order by attempts.started_at desc, attempts.attempt desc limit $4
"""

_SINCE = f"""
{_ATTEMPT}
from (
    select * from attempts where account_id = $1 and started_at >= $3
    order by started_at desc
) attempts
join messages on messages.account_id = attempts.account_id and messages.id = attempts.message_id
{_AROUND}
order by attempts.started_at desc, attempts.attempt desc limit $4
"""  # noqa: S608 - the parts are constants


async def of_delivery(
    connection: Connection, scope: Scope, delivery_id: UUID, limit: int
) -> list[Attempt]:
    """Returns the latest attempts for the events of a delivery, newest first."""
    found = await connection.fetch(_OF_DELIVERY, *scope, delivery_id, limit)
    return [Attempt(**row) for row in found]


async def since(connection: Connection, scope: Scope, since: datetime, limit: int) -> list[Attempt]:
    """Returns the latest attempts for an account since a time, newest first."""
    found = await connection.fetch(_SINCE, *scope, since, limit)
    return [Attempt(**row) for row in found]
