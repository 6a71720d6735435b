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


# Endpoints with pending messages, each with its first one: a loose index scan, whose cost is one
# descent of the index for each endpoint, however many messages wait, and one for the endpoint.
_WAITING = """
with recursive first (endpoint_id, account_id, due_at, test_url) as (
    (
        select endpoint_id, account_id, due_at, test_url from messages
        where state = 'pending' order by endpoint_id, due_at limit 1
    )
    union all
    select following.*
    from first cross join lateral (
        select endpoint_id, account_id, due_at, test_url from messages
        where state = 'pending' and endpoint_id > first.endpoint_id
        order by endpoint_id, due_at limit 1
    ) following
),
waiting as (
    select first.*, is_held
    from first cross join lateral (
        select disabled_at is not null or url is null as is_held from endpoints
        where endpoints.account_id = first.account_id and endpoints.id = first.endpoint_id
        limit 1
    ) endpoint
)
"""

# What waits for an endpoint that is sent nothing is left alone. A test goes before whatever waits;
# one with an address of its own is sent wherever the endpoint stands.
_SURVEY = f"""
{_WAITING}
select endpoint_id, waiting.account_id,
    extract(epoch from greatest(due_at, rests_until) - now())::float8 as due_in_seconds,
    coalesce(failures, 0) as failures,
    extract(epoch from now() - due_at)::float8 as due_for_seconds
from waiting left join endpoint_failures using (endpoint_id)
where not is_held or test_url is not null
"""  # noqa: S608 - a constant


class Survey(NamedTuple):
    """The endpoints with pending messages, and for how long the first message has been due."""

    waiting: list[Waiting]
    oldest_seconds: float


async def survey(connection: Connection) -> Survey:
    """Every endpoint that is sent webhooks and has pending ones.

    Those under way are due when their leases end.
    """
    rows = await connection.fetch(_SURVEY)
    found = [
        Waiting(row["endpoint_id"], row["account_id"], row["due_in_seconds"], row["failures"])
        for row in rows
    ]
    return Survey(found, max([0.0, *(row["due_for_seconds"] for row in rows)]))


_COUNT = f"""
{_WAITING}
select
    (select count(*) from ({{}} where not is_held limit $1) as counted) as pending,
    (select count(*) from ({{}} where is_held limit $1) as counted) as held
"""  # noqa: S608 - a constant
_MESSAGES_OF = """
select from waiting cross join lateral (
    select from messages where state = 'pending' and endpoint_id = waiting.endpoint_id limit $1
) as of_endpoint
"""


class PendingCount(NamedTuple):
    """How many messages are to be sent, and how many wait for endpoints that are sent nothing."""

    pending: int
    held: int


async def count(connection: Connection) -> PendingCount:
    """Counts the messages that are neither delivered nor dead, each kind as far as 100,000."""
    query = _COUNT.format(_MESSAGES_OF, _MESSAGES_OF)
    [row] = await connection.fetch(query, _MOST_COUNTED)
    return PendingCount(**row)
