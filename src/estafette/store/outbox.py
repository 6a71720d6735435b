"""The outbox as a worker sees it: claim what is due, record what came of it.

A claim raises a message's `attempt`, which is its fencing token, and moves `due_at` to the end of
the lease. A result counts only while the token is still the same. The clock is the database's.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.account import Mode, Scope
from estafette.core.delivery import Status
from estafette.store.pool import Connection


class Claimed(NamedTuple):
    """A message leased to a worker, with what an attempt to send it needs.

    `url` is None while the endpoint has none or is disabled. `secret` is the encrypted one that
    signs now. `attempt` counts over all rounds, `attempt_in_round` those of this round that came
    to an end, and this one. `round_seconds` is the round's age.
    """

    scope: Scope
    id: UUID
    endpoint_id: UUID
    dialect: str
    url: str | None
    secret: bytes
    type: str
    attempt: int
    attempt_in_round: int
    round_seconds: float
    event_id: UUID
    ordinal: int
    occurred_at: datetime
    delivery_id: UUID | None
    external_ref: str | None
    reference: str | None
    seq: int | None
    metadata: Mapping[str, Any] | None
    status: Status | None
    milestone: Status | None

    @property
    def is_test(self) -> bool:
        """Whether it was sent by hand to try an endpoint."""
        return self.delivery_id is None


# Endpoints with pending messages, each with the time of its first one: a loose index scan, whose
# cost is one descent of the index for each endpoint, however many messages wait.
_WAITING = """
with recursive waiting (endpoint_id, due_at) as (
    (
        select endpoint_id, due_at from messages
        where state = 'pending' order by endpoint_id, due_at limit 1
    )
    union all
    select following.endpoint_id, following.due_at
    from waiting cross join lateral (
        select endpoint_id, due_at from messages
        where state = 'pending' and endpoint_id > waiting.endpoint_id
        order by endpoint_id, due_at limit 1
    ) following
)
"""

# Every endpoint gives at most its room, so that none can crowd out another; in random order, so
# that the limit over all favours none. Rows are found again by their place (ctid) and joined by
# laterals with a limit: no estimate of the planner can turn these into scans of whole tables.
# A claim of a message that still carries a lease follows a worker that never reported: such an
# attempt does not count in the schedule.
_CLAIM = f"""
{_WAITING},
rooms as (
    select endpoint_id, coalesce(known.room, $3) as room
    from waiting left join unnest($1::uuid[], $2::integer[]) as known (endpoint_id, room)
        using (endpoint_id)
    where due_at <= now() and coalesce(known.room, $3) > 0
    order by random()
),
picked as materialized (
    select due.place
    from rooms cross join lateral (
        select messages.ctid as place from messages
        where state = 'pending' and endpoint_id = rooms.endpoint_id and due_at <= now()
        order by due_at, delivery_id, seq, ordinal
        limit rooms.room
        for update skip locked
    ) due
    limit $4
),
claimed as (
    update messages set attempt = attempt + 1, leased_by = $6,
        due_at = now() + make_interval(secs => $5),
        round_start = round_start + (leased_by is not null)::integer,
        round_started_at = coalesce(round_started_at, now())
    where ctid = any (array(select place from picked)) and state = 'pending' and due_at <= now()
    returning messages.*
)
select claimed.account_id, endpoint.mode, claimed.id, claimed.endpoint_id, endpoint.dialect,
    coalesce(claimed.test_url, endpoint.url) as url, endpoint.secret,
    coalesce(claimed.test_type, event.announced[claimed.ordinal + 1]) as type,
    claimed.attempt, claimed.attempt - claimed.round_start as attempt_in_round,
    extract(epoch from now() - claimed.round_started_at)::float8 as round_seconds,
    coalesce(event.id, claimed.id) as event_id, claimed.ordinal,
    coalesce(event.occurred_at, claimed.created_at) as occurred_at,
    claimed.delivery_id, delivery.external_ref, delivery.reference, claimed.seq, delivery.metadata,
    event.status, event.milestone
from claimed
cross join lateral (
    select endpoints.mode, accounts.dialect,
        case when endpoints.disabled_at is null then endpoints.url end as url,
        case when endpoints.next_secret_from <= now() then endpoints.next_secret
            else endpoints.secret end as secret
    from endpoints join accounts on accounts.id = endpoints.account_id
    where endpoints.account_id = claimed.account_id and endpoints.id = claimed.endpoint_id
    limit 1
) endpoint
left join lateral (
    select id, status, milestone, announced, occurred_at from events
    where events.account_id = claimed.account_id and events.delivery_id = claimed.delivery_id
        and events.seq = claimed.seq
    limit 1
) event on true
left join lateral (
    select external_ref, reference, terms -> 'metadata' as metadata from deliveries
    where deliveries.account_id = claimed.account_id and deliveries.id = claimed.delivery_id
    limit 1
) delivery on true
order by claimed.seq, claimed.ordinal
"""  # noqa: S608 - the parts are constants


async def claim(
    connection: Connection,
    rooms: Mapping[UUID, int],
    *,
    room: int,
    limit: int,
    lease_seconds: float,
    worker: str,
) -> list[Claimed]:
    """Leases due messages to `worker`, those of one delivery in the order of its events.

    At most `rooms[endpoint]` for an endpoint, `room` for one that is not named there, and `limit`
    in all. Messages that other workers are claiming at this moment are passed over.
    """
    found = await connection.fetch(
        _CLAIM, list(rooms), list(rooms.values()), room, limit, lease_seconds, worker
    )
    return [_claimed(row) for row in found]


_MODES = {mode.value: mode for mode in Mode}
_STATUSES: dict[str | None, Status | None] = {None: None} | {each.value: each for each in Status}


def _claimed(row: asyncpg.Record) -> Claimed:
    account_id, mode, *others, metadata, status, milestone = row
    scope = Scope(account_id, _MODES[mode])
    known = metadata and orjson.loads(metadata)
    return Claimed._make((scope, *others, known, _STATUSES[status], _STATUSES[milestone]))


class Finished(NamedTuple):
    """What came of an attempt.

    `began` is when, on this process's monotonic clock: what matters is how long ago that was.
    `retry_seconds` is the time from now to the next attempt of a message that is not delivered;
    None: it is dead.
    """

    account_id: UUID
    message_id: UUID
    attempt: int
    is_delivered: bool
    retry_seconds: float | None
    began: float
    duration_seconds: float
    outcome: str
    http_status: int | None
    error: str | None


_RECORD = """
with input as (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::float8[], $6::float8[],
        $7::integer[], $8::text[], $9::smallint[], $10::text[]
    ) as input (
        account_id, message_id, attempt, state, retry_seconds, age_seconds,
        duration_ms, outcome, http_status, error
    )
),
settled as (
    update messages set state = input.state, leased_by = null,
        due_at = now() + make_interval(secs => coalesce(input.retry_seconds, 0))
    from input
    where messages.account_id = input.account_id and messages.id = input.message_id
        and messages.attempt = input.attempt and messages.leased_by = $11
        and messages.state = 'pending'
    returning 1
),
kept as (
    insert into attempts (account_id, message_id, attempt, started_at, duration_ms, outcome,
        http_status, error, worker)
    select account_id, message_id, attempt, now() - make_interval(secs => age_seconds),
        duration_ms, outcome, http_status, error, $11
    from input
    where not $12 or not exists (
        select from attempts
        where attempts.account_id = input.account_id and attempts.message_id = input.message_id
            and attempts.attempt = input.attempt and attempts.worker = $11
    )
)
select count(*) from settled
"""


async def record(
    connection: Connection, results: Sequence[Finished], *, worker: str, again: bool = False
) -> int:
    """Keeps every attempt; settles the messages whose lease is still this worker's.

    `again` says that an earlier call with the same results may have been committed. Returns how
    many were settled: the others have been claimed anew, or sent anew by hand.
    """
    ordered = sorted(results, key=lambda result: (result.account_id, result.message_id))
    now = time.monotonic()
    return await connection.fetchval(
        _RECORD,
        [result.account_id for result in ordered],
        [result.message_id for result in ordered],
        [result.attempt for result in ordered],
        [_state(result) for result in ordered],
        [result.retry_seconds for result in ordered],
        [now - result.began for result in ordered],
        [round(result.duration_seconds * 1000) for result in ordered],
        [result.outcome for result in ordered],
        [result.http_status for result in ordered],
        [result.error for result in ordered],
        worker,
        again,
    )


def _state(result: Finished) -> str:
    if result.is_delivered:
        return "delivered"
    return "dead" if result.retry_seconds is None else "pending"


_RELEASE = """
update messages set attempt = messages.attempt - 1, leased_by = null, due_at = now()
from unnest($1::uuid[], $2::uuid[], $3::integer[]) as input (account_id, message_id, attempt)
where messages.account_id = input.account_id and messages.id = input.message_id
    and messages.attempt = input.attempt and messages.leased_by = $4
    and messages.state = 'pending'
"""


async def release(connection: Connection, claimed: Sequence[Claimed], *, worker: str) -> None:
    """Gives back what was not sent, as if it had not been claimed.

    Never to be called twice for one claim: the token is given out anew.
    """
    ordered = sorted(claimed, key=lambda message: (message.scope.account_id, message.id))
    await connection.execute(
        _RELEASE,
        [message.scope.account_id for message in ordered],
        [message.id for message in ordered],
        [message.attempt for message in ordered],
        worker,
    )


async def next_due(connection: Connection) -> float | None:
    """Seconds to when the first pending message is due, negative when it is; None: there is none.

    A message under way is due when its lease ends.
    """
    return await connection.fetchval(
        f"{_WAITING} select extract(epoch from min(due_at) - now())::float8 from waiting"  # noqa: S608 - a constant
    )


class Depth(NamedTuple):
    """How full the outbox is: messages to be sent, and for how long the first has been due."""

    pending: int
    oldest_seconds: float


async def depth(connection: Connection) -> Depth:
    """How full the outbox is; reads one index."""
    row = await connection.fetchrow(
        "select count(*) as pending,"
        " coalesce(greatest(extract(epoch from now() - min(due_at)), 0), 0)::float8 as oldest"
        " from messages where state = 'pending'"
    )
    return Depth(row["pending"], row["oldest"]) if row else Depth(0, 0.0)
