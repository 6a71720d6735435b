"""The outbox as a worker sees it: claim what is due, record what came of it.

Messages are claimed under a lease, see `store/claims.py`.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.store.claims import Queue
from estafette.store.columns import Columns, rows
from estafette.store.pool import Connection
from estafette.store.webhooks import attempts, failures


class ClaimedMessage(NamedTuple):
    """A message leased to a worker, with what an attempt to send it needs.

    `url` is None where the endpoint has just been disabled, or lost its own. `secret` is the
    encrypted one that signs now, `next_secret` the one that will once a rotation ends. `headers`
    are encrypted too.
    `attempt` counts over all rounds, `attempt_in_round` those of this round that came to an end,
    and this one. `round_seconds` is the round's age.

    `order_seconds` is how long a message may wait for earlier ones of its delivery, 0: it does not.
    `wait_seconds` above 0 says that it shall be given back for so long, because of an earlier one.
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
    next_secret: bytes | None = None
    headers: bytes | None = None
    format: str = "dialect"
    order_seconds: float = 0.0
    wait_seconds: float = 0.0

    @property
    def is_test(self) -> bool:
        """Whether it was sent by hand to try an endpoint."""
        return self.delivery_id is None

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Its endpoint and its delivery: messages of one key are sent one after another."""
        return self.endpoint_id, self.delivery_id or self.id


QUEUE: Final = Queue("messages", "due_at", lease="leased_by", id="id")

_NO_ORDER: Final[Mapping[str, float]] = {}
_LOOK_AGAIN_SECONDS: Final = 0.2
"""How long a message waits for an earlier one that a worker is sending."""

# Every endpoint gives at most its room. One that failed again and again gives one message, to the
# worker that was first to claim it after its rest: its row is locked, and says so from then on.
# Rows are found again by their place (ctid) and joined by laterals with a limit: no estimate of the
# planner can turn these into scans of whole tables. A claim of a message that still carries a lease
# follows a worker that never reported: such an attempt does not count in the schedule.
#
# Where an endpoint wants its webhooks in order, each is told how long it has to wait for earlier
# ones of its delivery that were tried in vain or are being sent, as long as their round is younger
# than that endpoint's bound. Those that are claimed with it go before it anyway. The first message
# of a delivery has none before it and costs nothing. The one message of an endpoint that failed
# again and again is one that has to wait for none. (`not in`, not `= 'pending'`: so that no index
# by endpoint can stand in for the one by delivery.)
_PICKED = QUEUE.due(
    "messages.ctid as place",
    where="""
        state = 'pending' and endpoint_id = rooms.endpoint_id
            and (rooms.failures < $5 or not exists (
                select from messages before
                where before.account_id = messages.account_id
                    and before.delivery_id = messages.delivery_id
                    and before.endpoint_id = rooms.endpoint_id
                    and before.state not in ('delivered', 'dead')
                    and (before.seq, before.ordinal) < (messages.seq, messages.ordinal)
                    and before.round_started_at > now() - rooms.order_for
            ))
    """,
    order="due_at, delivery_id, seq, ordinal",
    limit="rooms.room",
)
_CLAIMED = QUEUE.leasing(
    "make_interval(secs => $3)",
    "state = 'pending'",
    leased_by="$4",
    round_start="round_start + (leased_by is not null)::integer",
    round_started_at="coalesce(round_started_at, now())",
)
CLAIM: Final = f"""
with asked as (
    select * from unnest($1::uuid[], $2::integer[]) as asked (endpoint_id, room)
),
probed as (
    {failures.PROBING}
),
rooms as (
    select endpoint_id, case when failures >= $5 then 1 else room end as room,
        coalesce(failures, 0) as failures,
        case when failures >= $5 then (
            select make_interval(secs => coalesce(
                endpoints.order_seconds, ($6::json ->> accounts.dialect)::float8, 0))
            from endpoints join accounts on accounts.id = endpoints.account_id
            where endpoints.account_id = endpoint_failures.account_id
                and endpoints.id = endpoint_id
        ) end as order_for
    from asked left join endpoint_failures using (endpoint_id)
    where rests_until is null or endpoint_id in (select endpoint_id from probed)
),
picked as materialized (
    select due.place
    from rooms cross join lateral (
        {_PICKED}
    ) due
),
claimed as (
    {_CLAIMED}
)
select claimed.account_id, endpoint.mode, claimed.id, claimed.endpoint_id, endpoint.dialect,
    coalesce(claimed.test_url, endpoint.url) as url, endpoint.secret,
    coalesce(claimed.test_type, event.announced[claimed.ordinal + 1]) as type,
    claimed.attempt, claimed.attempt - claimed.round_start as attempt_in_round,
    extract(epoch from now() - claimed.round_started_at)::float8 as round_seconds,
    coalesce(event.id, claimed.id) as event_id, claimed.ordinal,
    coalesce(event.occurred_at, claimed.created_at) as occurred_at,
    claimed.delivery_id, delivery.external_ref, delivery.reference, claimed.seq, delivery.metadata,
    event.status, event.milestone, claimed.test_url is null as is_own, rooms.failures,
    endpoint.next_secret, endpoint.headers, endpoint.format, endpoint.order_seconds,
    case when earlier.until is null then 0.0
        else greatest(extract(epoch from earlier.until - now()), 0.05) end::float8 as wait_seconds
from claimed
join rooms using (endpoint_id)
cross join lateral (
    select endpoints.mode, accounts.dialect, endpoints.headers, endpoints.format,
        case when endpoints.disabled_at is null then endpoints.url end as url,
        case when endpoints.next_secret_from <= now() then endpoints.next_secret
            else endpoints.secret end as secret,
        case when endpoints.next_secret_from > now() then endpoints.next_secret end as next_secret,
        coalesce(endpoints.order_seconds, ($6::json ->> accounts.dialect)::float8, 0)
            as order_seconds
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
cross join lateral (
    select max(case
        when before.leased_by is null then
            least(before.due_at, before.round_started_at + order_for)
        else least(before.due_at, now() + make_interval(secs => $7))
    end) as until
    from messages before
    cross join make_interval(secs => endpoint.order_seconds) as order_for
    where endpoint.order_seconds > 0 and (claimed.seq > 1 or claimed.ordinal > 0)
        and before.account_id = claimed.account_id and before.delivery_id = claimed.delivery_id
        and before.endpoint_id = claimed.endpoint_id and before.state not in ('delivered', 'dead')
        and (before.seq, before.ordinal) < (claimed.seq, claimed.ordinal)
        and before.round_started_at > now() - order_for
        and before.ctid <> all (array(select place from picked))
) earlier
order by claimed.seq, claimed.ordinal
"""  # noqa: S608 - the parts are constants
"""Its columns are the fields of `ClaimedMessage` in their order, the scope as two: they are read
thousands of times a second, and so by their positions."""


async def claim(
    connection: Connection,
    asked: Mapping[UUID, int],
    *,
    lease_seconds: float,
    worker: str,
    order: Mapping[str, float] = _NO_ORDER,
) -> list[ClaimedMessage]:
    """Leases due messages to `worker`, those of one delivery in the order of its events.

    At most `asked[endpoint]` of an endpoint, none of one that rests, one of one that has rested.
    Messages that other workers are claiming at this moment are passed over. `order` says for each
    dialect how many seconds a message waits for earlier ones of its delivery, where its endpoint
    does not say it.
    """
    found = await connection.fetch(
        CLAIM,
        list(asked),
        list(asked.values()),
        lease_seconds,
        worker,
        failures.OPENS_AFTER,
        orjson.dumps(order).decode(),
        _LOOK_AGAIN_SECONDS,
    )
    return [_claimed(row) for row in found]


_SHOWN: Final = ClaimedMessage._fields.index("metadata") + 1  # the scope is two columns
_MODES = {mode.value: mode for mode in Mode}
_STATUSES: dict[str | None, Status | None] = {None: None} | {each.value: each for each in Status}


def _claimed(row: asyncpg.Record) -> ClaimedMessage:
    fields = tuple(row)
    scope = Scope(fields[0], _MODES[fields[1]])
    metadata, status, milestone = fields[_SHOWN : _SHOWN + 3]
    known = metadata and orjson.loads(metadata)
    shown = known, _STATUSES[status], _STATUSES[milestone]
    return ClaimedMessage._make((scope, *fields[2:_SHOWN], *shown, *fields[_SHOWN + 3 :]))


class Finished(NamedTuple):
    """What came of an attempt.

    `began` is when, on this process's monotonic clock: what matters is how long ago that was.
    `retry_seconds` is the time from now to the next attempt of a message that is not delivered;
    None: it is dead. `tells` is whether it says anything of the endpoint: what was not sent, or
    went elsewhere, does not. `request` and `answer` are the beginnings of what was sent and
    received, where they are kept.
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
    request: bytes | None = None
    answer: bytes | None = None


RESULT: Final = Columns[Finished](
    {
        "account_id": ("uuid", lambda result: result.account_id),
        "message_id": ("uuid", lambda result: result.message_id),
        "attempt": ("integer", lambda result: result.attempt),
        "state": ("text", lambda result: _state(result)),
        "retry_seconds": ("float8", lambda result: result.retry_seconds),
        "age_seconds": ("float8", lambda result: time.monotonic() - result.began),
        "duration_ms": ("integer", lambda result: round(result.duration_seconds * 1000)),
        "outcome": ("text", lambda result: result.outcome),
        "http_status": ("smallint", lambda result: result.http_status),
        "error": ("text", lambda result: result.error),
        "endpoint_id": ("uuid", lambda result: result.endpoint_id),
        "tells": ("boolean", lambda result: result.tells),
        "request": ("bytea", lambda result: result.request),
        "answer": ("bytea", lambda result: result.answer),
    }
)
"""What is recorded of an attempt, and of the message that it tried."""


# (`not in`, not `= 'pending'`: the planner believes that hardly a message carries this worker's
# lease, and would look for it among all that are due.)
_RECORD = f"""
with input as (
    select * from {rows(RESULT)}
),
settled as (
    update messages set state = input.state, leased_by = null,
        due_at = now() + make_interval(secs => coalesce(input.retry_seconds, 0))
    from input
    where messages.account_id = input.account_id and messages.id = input.message_id
        and {QUEUE.fence("input.attempt", "= $15")}
        and messages.state not in ('delivered', 'dead')
    returning 1
),
kept as (
    {attempts.INSERTION}
),
{failures.COUNTING}
select count(*) from settled
"""  # noqa: S608 - the parts are constants


async def record(
    connection: Connection, results: Sequence[Finished], *, worker: str, again: bool = False
) -> int:
    """Keeps every attempt; settles the messages whose lease is still this worker's.

    `again` says that an earlier call with the same results may have been committed. Returns how
    many were settled: the others have been claimed anew, or sent anew by hand.
    """
    ordered = sorted(results, key=lambda result: (result.account_id, result.message_id))
    return await connection.fetchval(_RECORD, *RESULT.of(ordered), worker, again, *failures.RESTS)


def _state(result: Finished) -> str:
    if result.is_delivered:
        return "delivered"
    return "dead" if result.retry_seconds is None else "pending"


RELEASED: Final = Columns[ClaimedMessage](
    {
        "account_id": ("uuid", lambda message: message.scope.account_id),
        "message_id": ("uuid", lambda message: message.id),
        "attempt": ("integer", lambda message: message.attempt),
        "wait_seconds": ("float8", lambda message: message.wait_seconds),
    }
)
"""What is given back: a claim, and how long its message has to wait."""

_RELEASE = f"""
update messages set attempt = messages.attempt - 1, leased_by = null,
    due_at = now() + make_interval(secs => wait_seconds)
from {rows(RELEASED)}
where messages.account_id = input.account_id and messages.id = input.message_id
    and {QUEUE.fence("input.attempt", "= $5")}
    and messages.state not in ('delivered', 'dead')
"""  # noqa: S608 - the parts are constants


async def release(
    connection: Connection, claimed: Sequence[ClaimedMessage], *, worker: str
) -> None:
    """Gives back what was not sent, as if it had not been claimed, for as long as it has to wait.

    Never to be called twice for one claim: the token is given out anew.
    """
    ordered = sorted(claimed, key=lambda message: (message.scope.account_id, message.id))
    await connection.execute(_RELEASE, *RELEASED.of(ordered), worker)
