"""The outbox for the workers that send it: claim messages that are due, record their attempts.

Messages are claimed under a lease; see `store/claims.py`.
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
    """A message leased to a worker, with all that an attempt to send it needs.

    `url` is None where the endpoint has just been disabled, or has no address any more. `secret` is
    the secret that signs now, and `next_secret` the one that will sign when a rotation ends; both
    are encrypted, as are `headers`.
    `attempt` is the number of the attempt over all rounds. `attempt_in_round` counts this attempt
    and those of this round that were completed. `round_seconds` is the age of the round.

    `order_seconds` is how long a message may wait for earlier ones of its delivery; 0 means that it
    does not wait. Where `wait_seconds` is above 0, the message must not be sent now but released
    for that time, because an earlier one goes first.
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
        """Whether the message is a test of an endpoint, made by hand."""
        return self.delivery_id is None

    @property
    def key(self) -> tuple[UUID, UUID]:
        """The endpoint and the delivery: messages of the same key are sent one after another."""
        return self.endpoint_id, self.delivery_id or self.id


QUEUE: Final = Queue("messages", "due_at", lease="leased_by", id="id")

_NO_ORDER: Final[Mapping[str, float]] = {}
_LOOK_AGAIN_SECONDS: Final = 0.2
"""How long a message waits for an earlier one that a worker is sending."""

# At most as many messages of an endpoint are claimed as there is room for. Of an endpoint that
# failed again and again, one message is claimed after its rest, by the worker that locks the
# endpoint's row first and marks it. Rows are found again by their place (ctid) and joined by
# laterals with a limit, so that the planner cannot choose scans of whole tables. If a claimed
# message still has a lease, its last worker never reported: that attempt does not count in the
# schedule.
#
# Where an endpoint wants its messages in order, the claim computes how long each has to wait for
# earlier ones of its delivery that failed or are being sent, as long as their round is younger than
# the endpoint's bound. Messages that are claimed in the same statement are sent in order anyway.
# The first message of a delivery has none before it, so it costs nothing. Of an endpoint that
# failed again and again, the one message is chosen among those that need not wait. (`not in`
# instead of `= 'pending'`: so that the planner uses the index by delivery, not one by endpoint.)
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
"""Its columns are the fields of `ClaimedMessage` in their order, with the scope as two columns.
They are read by position, because that is faster and there are thousands of rows a second."""


async def claim(
    connection: Connection,
    asked: Mapping[UUID, int],
    *,
    lease_seconds: float,
    worker: str,
    order: Mapping[str, float] = _NO_ORDER,
) -> list[ClaimedMessage]:
    """Leases due messages to `worker`; those of a delivery are returned in the order of its events.

    At most `asked[endpoint]` messages of an endpoint are claimed: none while it rests after
    failures, and one after its rest. Messages that other workers are claiming at this moment are
    skipped. `order` has for each dialect how many seconds a message waits for earlier ones of its
    delivery, where its endpoint has no value of its own.
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
    """The result of an attempt.

    `began` is when it began, by this process's monotonic clock; only its age is used.
    `retry_seconds` is the time from now to the next attempt of a message that is not delivered;
    None: the message is dead. `tells` is whether the result counts for the health of the endpoint:
    a message that was not sent, or was sent to another URL, does not count. `request` and `answer`
    are the beginnings of the request and of the response, where they are kept.
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
"""The columns of a result: of the attempt, and of its message."""


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
    """Records every attempt, and settles the messages whose lease is still this worker's.

    `again` says that an earlier call with the same results may have been committed. Returns how
    many messages were settled. The others were claimed by another worker, or sent again by hand.
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
"""The columns of a release: the claim, and how long its message has to wait."""

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
    """Ends the claims of messages that were not sent, as if they had not been claimed.

    Each becomes due again after its `wait_seconds`. Never call this twice for one claim, because
    the next claim gets the same fencing token.
    """
    ordered = sorted(claimed, key=lambda message: (message.scope.account_id, message.id))
    await connection.execute(_RELEASE, *RELEASED.of(ordered), worker)
