"""What there is to claim: which endpoints have messages that wait, since when, and how many.

Looked at beside the claims (`outbox.py`), which ask for what a survey has found.
"""

from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.pool import Connection

_MOST_COUNTED: Final = 100_000


class Waiting(NamedTuple):
    """An endpoint with pending messages: in how many seconds it is to be looked at, and its past.

    `failures` counts its attempts in a row that failed, whoever made them.
    """

    endpoint_id: UUID
    account_id: UUID
    due_in_seconds: float
    failures: int


# Endpoints with pending messages, each with the time of its first one: a loose index scan, whose
# cost is one descent of the index for each endpoint, however many messages wait.
_SURVEY = """
with recursive waiting (endpoint_id, account_id, due_at) as (
    (
        select endpoint_id, account_id, due_at from messages
        where state = 'pending' order by endpoint_id, due_at limit 1
    )
    union all
    select following.endpoint_id, following.account_id, following.due_at
    from waiting cross join lateral (
        select endpoint_id, account_id, due_at from messages
        where state = 'pending' and endpoint_id > waiting.endpoint_id
        order by endpoint_id, due_at limit 1
    ) following
)
select endpoint_id, waiting.account_id,
    extract(epoch from greatest(due_at, rests_until) - now())::float8,
    coalesce(failures, 0), extract(epoch from now() - due_at)::float8
from waiting left join endpoint_failures using (endpoint_id)
"""


class Survey(NamedTuple):
    """The endpoints with pending messages, and for how long the first message has been due."""

    waiting: list[Waiting]
    oldest_seconds: float


async def survey(connection: Connection) -> Survey:
    """Every endpoint that has pending messages; those under way are due when their leases end."""
    rows = await connection.fetch(_SURVEY)
    found = [Waiting(*tuple(row)[:4]) for row in rows]
    return Survey(found, max([0.0, *(row[4] for row in rows)]))


async def pending(connection: Connection) -> int:
    """How many messages are to be sent; counted as far as 100,000."""
    return await connection.fetchval(
        "select count(*) from (select from messages where state = 'pending' limit $1) counted",
        _MOST_COUNTED,
    )
