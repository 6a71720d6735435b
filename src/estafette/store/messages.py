"""Webhook messages as an account sees them: a test, what was tried, sending it again."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from estafette.core.account import Scope
from estafette.store.pool import Connection

_MINUTES_FOR_MANY = 10


async def insert_test(
    connection: Connection, scope: Scope, id: UUID, endpoint: str, type: str, url: str | None
) -> bool:
    """Puts a test into the outbox, signed with that endpoint's secret; False: nowhere to go.

    It goes before whatever waits for the endpoint: somebody is looking whether it works.
    """
    status = await connection.execute(
        "insert into messages (account_id, id, endpoint_id, test_type, test_url, due_at)"
        " select account_id, $3, id, $5, $6, least(now(), ("
        "   select due_at from messages where state = 'pending' and endpoint_id = endpoints.id"
        "   order by endpoint_id, due_at limit 1)) - interval '1 millisecond' from endpoints"
        " where account_id = $1 and mode = $2 and name = $4"
        " and ($6::text is not null or (url is not null and disabled_at is null))",
        scope.account_id,
        scope.mode,
        id,
        endpoint,
        type,
        url,
    )
    return status.endswith(" 1")


class Attempt(NamedTuple):
    """One try to send a message, and how the message stands now.

    `event_id` of a test is its message's id, and no delivery stands behind it. `ordinal` is the
    place of `type` among the announcements of the event. `state` is pending, delivered or dead;
    `due_at` is when a pending message is tried next.
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
select attempts.message_id, coalesce(events.id, messages.id), messages.delivery_id,
    endpoints.name, coalesce(messages.test_type, events.announced[messages.ordinal + 1]),
    messages.ordinal, attempts.attempt, attempts.started_at, attempts.duration_ms, attempts.outcome,
    attempts.http_status, attempts.error, messages.state,
    case when messages.state = 'pending' then messages.due_at end
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


async def attempts_of(
    connection: Connection, scope: Scope, delivery_id: UUID, limit: int
) -> list[Attempt]:
    """The latest attempts for the events of a delivery, newest first."""
    found = await connection.fetch(_OF_DELIVERY, *scope, delivery_id, limit)
    return [Attempt(*row) for row in found]


async def attempts_since(
    connection: Connection, scope: Scope, since: datetime, limit: int
) -> list[Attempt]:
    """The latest attempts for an account since a time, newest first."""
    found = await connection.fetch(_SINCE, *scope, since, limit)
    return [Attempt(*row) for row in found]


# What a worker holds at this moment is left to it: it is being sent.
_AGAIN = """
update messages set state = 'pending', due_at = now(), leased_by = null,
    round_start = attempt, round_started_at = null
from endpoints
where endpoints.account_id = messages.account_id and endpoints.id = messages.endpoint_id
    and messages.account_id = $1 and endpoints.mode = $2
    and (messages.state <> 'pending' or messages.leased_by is null)
"""


async def resend_event(
    connection: Connection, scope: Scope, delivery_id: UUID, event_id: UUID
) -> int:
    """Begins a new round for every message of an event; returns how many."""
    status = await connection.execute(
        f"{_AGAIN} and messages.delivery_id = $3 and messages.seq ="  # noqa: S608 - a constant
        " (select seq from events where account_id = $1 and delivery_id = $3 and id = $4)",
        *scope,
        delivery_id,
        event_id,
    )
    return _count(status)


async def resend_message(connection: Connection, scope: Scope, message_id: UUID) -> int:
    """Begins a new round for one message; returns 1, or 0 when there is none or it is under way."""
    status = await connection.execute(f"{_AGAIN} and messages.id = $3", *scope, message_id)
    return _count(status)


async def resend_since(
    connection: Connection, scope: Scope, since: datetime, *, dead_only: bool
) -> int:
    """Begins a new round for the messages made since a time, or the dead ones of them.

    Tests are not sent again. Returns how many; may take minutes for millions.
    """
    states = ["dead"] if dead_only else ["dead", "delivered", "pending"]
    async with connection.transaction():
        await connection.execute(f"set local statement_timeout = '{_MINUTES_FOR_MANY}min'")
        status = await connection.execute(
            f"{_AGAIN} and messages.created_at >= $3 and messages.state = any($4::text[])"
            " and messages.delivery_id is not null",
            *scope,
            since,
            states,
            timeout=_MINUTES_FOR_MANY * 60,
        )
    return _count(status)


_LEFT = """
select count(*) from messages
join endpoints on endpoints.account_id = messages.account_id
    and endpoints.id = messages.endpoint_id and endpoints.mode = $2
where messages.account_id = $1
"""


async def count_message(connection: Connection, scope: Scope, message_id: UUID) -> int:
    """1 where there is such a message, else 0."""
    return await connection.fetchval(f"{_LEFT} and messages.id = $3", *scope, message_id)


async def count_of_event(
    connection: Connection, scope: Scope, delivery_id: UUID, event_id: UUID
) -> int | None:
    """How many messages there are of an event; None: there is no such event."""
    seq = await connection.fetchval(
        "select seq from events where account_id = $1 and delivery_id = $2 and id = $3",
        scope.account_id,
        delivery_id,
        event_id,
    )
    if seq is None:
        return None
    return await connection.fetchval(
        f"{_LEFT} and messages.delivery_id = $3 and messages.seq = $4", *scope, delivery_id, seq
    )


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
