"""The outbox as a worker sees it: claim what is due, record what came of it.

A claim raises a message's `attempt`, which is its fencing token, and moves `due_at` to the end of
the lease. A result counts only while the token is still the same. The clock is the database's.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
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
    is_own: bool = True
    failures: int = 0

    @property
    def is_test(self) -> bool:
        """Whether it was sent by hand to try an endpoint."""
        return self.delivery_id is None


OPENS_AFTER: Final = 5
"""How many failures in a row open an endpoint's breaker: then it is sent one message at a time, to
see whether it still fails, and rests between."""

_FIRST_REST_SECONDS: Final = 5.0
_LONGEST_REST_SECONDS: Final = 50.0
"""Shorter than the shortest wait of a published schedule (a minute, less its jitter): a message
that waits alone is never later for its endpoint's breaker."""

_KEPT_WAITING: Final = timedelta(hours=24)
"""How long a message waits past its time for an endpoint that rests: as long as a message is tried
by the longest published schedule. Then it is dead: kept, shown, and sent again by hand."""

_MOST_GIVEN_UP: Final = 1_000
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


# Every endpoint gives at most its room. One that failed again and again gives one message, to the
# worker that was first to claim it after its rest: its row is locked, and says so from then on.
# Rows are found again by their place (ctid) and joined by laterals with a limit: no estimate of the
# planner can turn these into scans of whole tables. A claim of a message that still carries a lease
# follows a worker that never reported: such an attempt does not count in the schedule.
_CLAIM = """
with asked as (
    select * from unnest($1::uuid[], $2::integer[]) as asked (endpoint_id, room)
),
probed as (
    update endpoint_failures set is_probed = true, rests_until = now() + make_interval(secs => $3)
    where endpoint_id = any ($1::uuid[]) and rests_until <= now()
    returning endpoint_id
),
rooms as (
    select endpoint_id, case when failures >= $5 then 1 else room end as room,
        coalesce(failures, 0) as failures
    from asked left join endpoint_failures using (endpoint_id)
    where rests_until is null or endpoint_id in (select endpoint_id from probed)
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
),
claimed as (
    update messages set attempt = attempt + 1, leased_by = $4,
        due_at = now() + make_interval(secs => $3),
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
    event.status, event.milestone, claimed.test_url is null, rooms.failures
from claimed
join rooms using (endpoint_id)
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
"""


async def claim(
    connection: Connection, asked: Mapping[UUID, int], *, lease_seconds: float, worker: str
) -> list[Claimed]:
    """Leases due messages to `worker`, those of one delivery in the order of its events.

    At most `asked[endpoint]` of an endpoint, none of one that rests, one of one that has rested.
    Messages that other workers are claiming at this moment are passed over.
    """
    found = await connection.fetch(
        _CLAIM, list(asked), list(asked.values()), lease_seconds, worker, OPENS_AFTER
    )
    return [_claimed(row) for row in found]


_MODES = {mode.value: mode for mode in Mode}
_STATUSES: dict[str | None, Status | None] = {None: None} | {each.value: each for each in Status}


def _claimed(row: asyncpg.Record) -> Claimed:
    account_id, mode, *others, metadata, status, milestone, is_own, failures = row
    scope = Scope(account_id, _MODES[mode])
    known = metadata and orjson.loads(metadata)
    shown = _STATUSES[status], _STATUSES[milestone]
    return Claimed._make((scope, *others, known, *shown, is_own, failures))


class Finished(NamedTuple):
    """What came of an attempt.

    `began` is when, on this process's monotonic clock: what matters is how long ago that was.
    `retry_seconds` is the time from now to the next attempt of a message that is not delivered;
    None: it is dead. `tells` is whether it says anything of the endpoint: what was not sent, or
    went elsewhere, does not.
    """

    account_id: UUID
    endpoint_id: UUID
    message_id: UUID
    attempt: int
    tells: bool
    is_delivered: bool
    retry_seconds: float | None
    began: float
    duration_seconds: float
    outcome: str
    http_status: int | None
    error: str | None


# One answer among the results of an endpoint ends its run of failures. What fails while it rests
# was under way when the rest began, and changes nothing but the count.
_RECORD = """
with input as (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::float8[], $6::float8[],
        $7::integer[], $8::text[], $9::smallint[], $10::text[], $13::uuid[], $14::boolean[]
    ) as input (
        account_id, message_id, attempt, state, retry_seconds, age_seconds,
        duration_ms, outcome, http_status, error, endpoint_id, tells
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
),
told as (
    select endpoint_id, account_id, bool_or(state = 'delivered') as answered, count(*) as times
    from input where tells group by endpoint_id, account_id order by endpoint_id
),
answered as (
    delete from endpoint_failures using told
    where endpoint_failures.endpoint_id = told.endpoint_id and told.answered
),
failed as (
    insert into endpoint_failures as known (endpoint_id, account_id, failures, rest_seconds,
        rests_until)
    select endpoint_id, account_id, times, $16,
        case when times >= $15 then now() + make_interval(secs => $16) end
    from told where not answered
    on conflict (endpoint_id) do update set
        failures = least(known.failures + excluded.failures, 1000000),
        rest_seconds = case when known.is_probed then least(2 * known.rest_seconds, $17)
            else known.rest_seconds end,
        rests_until = case
            when known.is_probed
                then now() + make_interval(secs => least(2 * known.rest_seconds, $17))
            when known.rests_until is not null then known.rests_until
            when known.failures + excluded.failures >= $15
                then now() + make_interval(secs => known.rest_seconds)
        end,
        is_probed = false
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
        [result.endpoint_id for result in ordered],
        [result.tells for result in ordered],
        OPENS_AFTER,
        _FIRST_REST_SECONDS,
        _LONGEST_REST_SECONDS,
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


_GIVE_UP = """
update messages set state = 'dead', leased_by = null
where ctid = any (array(
    select late.place from endpoint_failures cross join lateral (
        select ctid as place from messages
        where state = 'pending' and endpoint_id = endpoint_failures.endpoint_id
            and due_at < now() - $1::interval
        order by due_at limit $2
        for update skip locked
    ) late
    where rests_until is not null limit $2
)) and state = 'pending'
"""


async def give_up(connection: Connection) -> int:
    """Lets messages be dead that have waited for a day for endpoints that only fail.

    Returns how many, at most `_MOST_GIVEN_UP` at a time.
    """
    status = await connection.execute(_GIVE_UP, _KEPT_WAITING, _MOST_GIVEN_UP)
    return int(status.rpartition(" ")[2])


async def forgive(connection: Connection, account_id: UUID) -> None:
    """Lets what the endpoints of an account failed be forgotten: somebody has put it right."""
    await connection.execute("delete from endpoint_failures where account_id = $1", account_id)


async def probe(connection: Connection, account_id: UUID) -> None:
    """Ends the rest of an account's endpoints: each is sent one message, to see how it does."""
    await connection.execute(
        "update endpoint_failures set rests_until = now()"
        " where account_id = $1 and rests_until is not null",
        account_id,
    )


async def pending(connection: Connection) -> int:
    """How many messages are to be sent; counted as far as 100,000."""
    return await connection.fetchval(
        "select count(*) from (select from messages where state = 'pending' limit $1) counted",
        _MOST_COUNTED,
    )
