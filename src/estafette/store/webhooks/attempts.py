"""Attempts to send messages: what came of each, kept for some weeks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.pool import Connection

INSERTION: Final = """
insert into attempts (account_id, message_id, attempt, started_at, duration_ms, outcome,
    http_status, error, worker, endpoint_id, request, answer)
select account_id, message_id, attempt, now() - make_interval(secs => age_seconds),
    duration_ms, outcome, http_status, error, $15, endpoint_id, request, answer
from input
where not $16 or not exists (
    select from attempts
    where attempts.account_id = input.account_id and attempts.message_id = input.message_id
        and attempts.attempt = input.attempt and attempts.worker = $15
)
"""
"""Keeps the attempts of `input`, made by the worker $15; where $16, unless they are kept."""


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


class AttemptCursor(NamedTuple):
    """Where an attempt stands in a list, newest first."""

    started_at: datetime
    message_id: UUID
    attempt: int


class AttemptFilter(NamedTuple):
    """Which attempts: what is None is not asked.

    `delivered` is whether they went well. `statuses` are the first and the last of the HTTP
    statuses that are meant, (0, 0) those without any.
    """

    endpoint: str | None = None
    delivery_id: UUID | None = None
    delivered: bool | None = None
    statuses: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None


# Endpoint by endpoint, which an account has few of: each gives its newest attempts from its index.
_PAGE = f"""
with found as (
    select one.*
    from endpoints cross join lateral (
        select * from attempts
        where attempts.endpoint_id = endpoints.id and {{outcome}}
            and started_at >= $4 and started_at < $5
            and started_at <= coalesce($6::timestamptz, 'infinity')
            and ($6::timestamptz is null or (started_at, message_id, attempt) < ($6, $7, $8))
            and ($10::integer is null or coalesce(http_status, 0) between $10 and $11)
        order by started_at desc limit $9
    ) one
    where endpoints.account_id = $1 and endpoints.mode = $2
        and ($3::text is null or endpoints.name = $3)
    order by started_at desc, message_id desc, attempt desc limit $9
)
{_ATTEMPT}
from found attempts
join messages on messages.account_id = attempts.account_id and messages.id = attempts.message_id
{_AROUND}
order by attempts.started_at desc, attempts.message_id desc, attempts.attempt desc
"""  # noqa: S608 - the parts are constants
_OUTCOMES = {None: "true", True: "outcome = 'delivered'", False: "outcome <> 'delivered'"}
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)


async def page(
    connection: Connection,
    scope: Scope,
    wanted: AttemptFilter,
    after: AttemptCursor | None,
    limit: int,
) -> list[Attempt]:
    """Returns attempts of an account, newest first, those that follow `after`; at most `limit`.

    Of a delivery its own are read, of which there are few; otherwise those of each endpoint.
    """
    if wanted.delivery_id is not None:
        found = await of_delivery(connection, scope, wanted.delivery_id, _MOST_OF_DELIVERY)
        return [one for one in found if _is_wanted(one, wanted, after)][:limit]
    lowest, highest = wanted.statuses or (None, None)
    rows = await connection.fetch(
        _PAGE.format(outcome=_OUTCOMES[wanted.delivered]),
        *scope,
        wanted.endpoint,
        wanted.since or _LONG_AGO,
        wanted.until or _NEVER,
        *(after or (None, None, None)),
        limit,
        lowest,
        highest,
    )
    return [Attempt(**row) for row in rows]


_MOST_OF_DELIVERY = 1_000


def _is_wanted(one: Attempt, wanted: AttemptFilter, after: AttemptCursor | None) -> bool:
    place = AttemptCursor(one.started_at, one.message_id, one.attempt)
    lowest, highest = wanted.statuses or (0, 999)
    return (
        (after is None or place < after)
        and wanted.endpoint in (None, one.endpoint)
        and wanted.delivered in (None, one.outcome == "delivered")
        and lowest <= (one.http_status or 0) <= highest
        and (wanted.since is None or wanted.since <= one.started_at)
        and (wanted.until is None or one.started_at < wanted.until)
    )


class Exchange(NamedTuple):
    """An attempt with the beginnings of what was sent and received; None: they are not kept.

    `attempts` counts those of its message so far.
    """

    attempt: Attempt
    attempts: int
    request: bytes | None
    answer: bytes | None


_EXCHANGE = f"""
{_ATTEMPT}, messages.attempt as attempts, attempts.request, attempts.answer
from attempts
join messages on messages.account_id = attempts.account_id and messages.id = attempts.message_id
{_AROUND}
where attempts.account_id = $1 and attempts.message_id = $3 and attempts.attempt = $4
order by attempts.started_at desc limit 1
"""


async def exchange(
    connection: Connection, scope: Scope, message_id: UUID, attempt: int
) -> Exchange | None:
    """Returns one attempt, with what is kept of its exchange; None where there is none."""
    row = await connection.fetchrow(_EXCHANGE, *scope, message_id, attempt)
    if row is None:
        return None
    fields = dict(row)
    others = [fields.pop(name) for name in ("attempts", "request", "answer")]
    return Exchange(Attempt(**fields), *others)


class Awaited(NamedTuple):
    """A message: for which endpoint, of which type, and how it stands.

    It is tried next at `due_at`, None: not at all, or its endpoint is sent nothing. `attempts` were
    made, or begun.
    """

    endpoint: str
    type: str
    state: str
    due_at: datetime | None
    attempts: int


_AWAITED = f"""
select endpoints.name as endpoint, state,
    coalesce(test_type, events.announced[messages.ordinal + 1]) as type,
    case when messages.state = 'pending' and endpoints.disabled_at is null
        and endpoints.url is not null then messages.due_at end as due_at, attempt as attempts
from messages
{_AROUND}
where messages.account_id = $1 and messages.id = $3
"""  # noqa: S608 - the parts are constants


async def awaited(connection: Connection, scope: Scope, message_id: UUID) -> Awaited | None:
    """Returns how a message stands of which an attempt is awaited; None where there is none."""
    row = await connection.fetchrow(_AWAITED, *scope, message_id)
    return Awaited(**row) if row else None


class Health(NamedTuple):
    """How the newest attempts of an endpoint within a day went, and the last that failed.

    `tried` counts these attempts, `delivered` those of them that went well.
    """

    tried: int
    delivered: int
    failed_at: datetime | None
    outcome: str | None
    http_status: int | None
    error: str | None


_HEALTH = """
select endpoints.id, lately.tried, lately.delivered, last.started_at as failed_at, last.outcome,
    last.http_status, last.error
from endpoints
cross join lateral (
    select count(*) as tried, count(*) filter (where outcome = 'delivered') as delivered
    from (
        select outcome from attempts
        where attempts.endpoint_id = endpoints.id and started_at > now() - interval '24 hours'
        order by started_at desc limit $3
    ) newest
) lately
left join lateral (
    select started_at, outcome, http_status, error from attempts
    where attempts.endpoint_id = endpoints.id and outcome <> 'delivered'
    order by started_at desc limit 1
) last on true
where endpoints.account_id = $1 and endpoints.mode = $2 and removed_at is null
"""

MOST_NEWEST: Final = 1_000
"""So many of an endpoint's newest attempts its health is told by."""


async def health(connection: Connection, scope: Scope) -> dict[UUID, Health]:
    """Returns how an account's endpoints do, by their ids."""
    found = await connection.fetch(_HEALTH, *scope, MOST_NEWEST)
    return {row[0]: Health(*row[1:]) for row in map(tuple, found)}


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


_ERASE = """
update attempts set request = null, answer = null
from unnest($1::uuid[], $2::uuid[]) as gone (of_account, of_delivery)
cross join lateral (
    select id from messages where account_id = of_account and delivery_id = of_delivery limit 100000
) messages
where attempts.account_id = of_account and attempts.message_id = messages.id
    and (request is not null or answer is not null)
"""


async def erase(
    connection: Connection, accounts: Sequence[UUID], deliveries: Sequence[UUID]
) -> None:
    """Forgets what was sent and answered about deliveries, each with its account."""
    await connection.execute(_ERASE, accounts, deliveries)


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
