"""Webhook messages as an account sees them: a test, what was tried, sending it again."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Scope
from estafette.store import signals
from estafette.store.accounts import table as accounts
from estafette.store.columns import Columns
from estafette.store.ends import Ending
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork

_MINUTES_FOR_MANY = 10


class Sending(NamedTuple):
    """How the messages of an event are sent: how much later, and how many times over.

    Both are the sandbox's faults on demand.
    """

    delay_seconds: float = 0
    copies: int = 1


AS_IT_IS: Final = Sending()

SENDING: Final = Columns[Sending](
    {
        "delay_seconds": ("float8", lambda sending: float(sending.delay_seconds)),
        "copies": ("integer", lambda sending: sending.copies),
    }
)
"""How the messages of an event are sent."""

INSERTION: Final = """
insert into messages (account_id, id, endpoint_id, delivery_id, seq, ordinal, due_at)
select input.account_id, gen_random_uuid(), endpoints.id, input.id, input.seq,
    announcement.ordinal - 1, now() + make_interval(secs => input.delay_seconds)
from input
join endpoints on endpoints.account_id = input.account_id and endpoints.mode = input.mode
    and endpoints.url is not null and endpoints.disabled_at is null
join lateral string_to_table(input.announced, ',') with ordinality as announcement (type, ordinal)
    on endpoints.types is null or announcement.type = any (endpoints.types)
cross join lateral generate_series(1, input.copies)
"""
"""Puts what the events of `input` announce into the outbox, for each endpoint that is sent
webhooks: `copies` times, `delay_seconds` from now."""


async def insert_test(
    work: UnitOfWork, scope: Scope, id: UUID, endpoint: str, type: str, url: str | None
) -> bool:
    """Puts a test into the outbox, signed with that endpoint's secret; False: nowhere to go.

    It goes before whatever waits for the endpoint: somebody is looking whether it works.
    """
    status = await work.connection.execute(
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
    return _made(work, status) == 1


# What a worker holds at this moment is left to it: it is being sent.
_AGAIN = """
update messages set state = 'pending', due_at = now(), leased_by = null,
    round_start = attempt, round_started_at = null
from endpoints
where endpoints.account_id = messages.account_id and endpoints.id = messages.endpoint_id
    and messages.account_id = $1 and endpoints.mode = $2
    and (messages.state <> 'pending' or messages.leased_by is null)
"""


async def resend_event(work: UnitOfWork, scope: Scope, delivery_id: UUID, event_id: UUID) -> int:
    """Begins a new round for every message of an event; returns how many."""
    status = await work.connection.execute(
        f"{_AGAIN} and messages.delivery_id = $3 and messages.seq ="  # noqa: S608 - a constant
        " (select seq from events where account_id = $1 and delivery_id = $3 and id = $4)",
        *scope,
        delivery_id,
        event_id,
    )
    return _made(work, status)


async def resend_message(work: UnitOfWork, scope: Scope, message_id: UUID) -> int:
    """Begins a new round for one message; returns 1, or 0 when there is none or it is under way."""
    status = await work.connection.execute(f"{_AGAIN} and messages.id = $3", *scope, message_id)
    return _made(work, status)


async def resend_since(
    work: UnitOfWork,
    scope: Scope,
    span: tuple[datetime, datetime],
    endpoint: str | None = None,
    *,
    dead_only: bool,
) -> int:
    """Begins a new round for the messages made in a span of time, or the dead ones of them.

    Of every endpoint, or of the one of that name. Tests are not sent again. Returns how many; may
    take minutes for millions.
    """
    states = ["dead"] if dead_only else ["dead", "delivered", "pending"]
    connection = work.connection
    async with work.apart():
        await connection.execute(f"set local statement_timeout = '{_MINUTES_FOR_MANY}min'")
        status = await connection.execute(
            f"{_AGAIN} and messages.created_at >= $3 and messages.created_at < $4"
            " and messages.state = any($5::text[])"
            " and messages.delivery_id is not null and ($6::text is null or endpoints.name = $6)",
            *scope,
            *span,
            states,
            endpoint,
            timeout=_MINUTES_FOR_MANY * 60,
        )
    return _made(work, status)


# By two reads of the index, neither of which meets what has been changed already. What a scenario
# holds back, and nobody has tried, keeps its time.
_BEGIN_ANEW = """
update messages set due_at = $2, round_start = attempt, round_started_at = null
where ctid = any (array(
    (
        select ctid from messages
        where state = 'pending' and endpoint_id = $1 and due_at < $2 and leased_by is null
        order by due_at limit $3
    )
    union all
    (
        select ctid from messages
        where state = 'pending' and endpoint_id = $1 and due_at > $2 and leased_by is null
            and attempt > round_start
        order by due_at limit $3
    )
)) and state = 'pending' and leased_by is null
"""


async def begin_anew(connection: Connection, endpoint_id: UUID, at: datetime, limit: int) -> int:
    """Lets what waits for an endpoint that is sent nothing be due `at`, with a fresh round.

    All at the same time: so they are sent in the order of their events. Returns how many were
    changed, at most twice `limit`; 0: all have been.
    """
    return _count(await connection.execute(_BEGIN_ANEW, endpoint_id, at, limit))


async def end_waiting(connection: Connection, endpoint_id: UUID, limit: int) -> int:
    """Lets messages that wait for an endpoint be dead; returns how many, at most `limit`."""
    return _count(
        await connection.execute(
            "update messages set state = 'dead', leased_by = null where ctid = any (array("
            " select ctid from messages where state = 'pending' and endpoint_id = $1"
            " order by due_at limit $2 for update skip locked)) and state = 'pending'",
            endpoint_id,
            limit,
        )
    )


# What an account's endpoints of now have never been told of the events of a page of deliveries: for
# whatever reason no message was made. One that is made twice at the same time would be sent twice,
# so the account's row is locked by who calls this.
_MISSED = """
with page as (
    select id from deliveries
    where account_id = $1 and id > $3 and ($4::uuid is null or id <= $4) and mode = $2
        and updated_at >= $5
)
{}
from page
join endpoints on endpoints.account_id = $1 and endpoints.mode = $2 and endpoints.url is not null
    and endpoints.disabled_at is null and ($6::text is null or endpoints.name = $6)
cross join lateral (
    select seq, announced from events
    where events.account_id = $1 and events.delivery_id = page.id and occurred_at >= $5
    limit 1000
) events
join lateral unnest(events.announced) with ordinality as announcement (type, ordinal)
    on endpoints.types is null or announcement.type = any (endpoints.types)
where not exists (
    select from messages
    where messages.account_id = $1 and messages.delivery_id = page.id
        and messages.endpoint_id = endpoints.id
        and messages.seq = events.seq and messages.ordinal = announcement.ordinal - 1
)
"""
_ENQUEUE_MISSED = _MISSED.format("""
insert into messages (account_id, id, endpoint_id, delivery_id, seq, ordinal, due_at)
select $1, gen_random_uuid(), endpoints.id, page.id, events.seq, announcement.ordinal - 1, now()
""")
_COUNT_MISSED = f"select count(*) from ({_MISSED.format('select')} limit $7) as counted"  # noqa: S608 - constants
_COUNT_AGAIN = """
select count(*) from (
    select from messages join endpoints on endpoints.account_id = messages.account_id
        and endpoints.id = messages.endpoint_id
    where messages.account_id = $1 and endpoints.mode = $2 and messages.created_at >= $3
        and (messages.state = 'dead' or not $4 and messages.state in ('delivered', 'pending'))
        and messages.delivery_id is not null and ($5::text is null or endpoints.name = $5)
    limit $6
) as counted
"""


class ToSend(NamedTuple):
    """How many messages a replay would send again, and how many events it would tell first.

    None: more than could be counted within the time.
    """

    again: int | None
    missed: int | None


async def count_to_send(
    connection: Connection,
    scope: Scope,
    since: datetime,
    endpoint: str | None,
    *,
    dead_only: bool,
    most: int,
    seconds: float,
) -> ToSend:
    """Counts what `resend_since` and `enqueue_missed` would send, each as far as `most`.

    In the caller's transaction; each count takes `seconds` at most.
    """
    again = await _counted(
        connection, seconds, _COUNT_AGAIN, *scope, since, dead_only, endpoint, most
    )
    beginning = UUID(int=0)
    missed = await _counted(
        connection, seconds, _COUNT_MISSED, *scope, beginning, None, since, endpoint, most
    )
    return ToSend(again, missed)


async def _counted(
    connection: Connection, seconds: float, query: str, *arguments: object
) -> int | None:
    try:
        async with connection.transaction():
            await connection.execute(f"set local statement_timeout = '{seconds}s'")
            return await connection.fetchval(query, *arguments)
    except asyncpg.QueryCanceledError:
        return None


_END_OF_PAGE = """
select id from deliveries where account_id = $1 and id > $2 order by id offset $3 limit 1
"""


class Missed(NamedTuple):
    """How many messages a page gave, and the delivery that it came to; None: it was the last."""

    messages: int
    after: UUID | None


async def enqueue_missed(
    work: UnitOfWork,
    scope: Scope,
    since: datetime,
    after: UUID,
    deliveries: int,
    endpoint: str | None,
) -> Missed:
    """Makes the messages that were never made of the events since a time, one page of deliveries.

    A page are the next so many deliveries of the account after one. For every endpoint that is sent
    webhooks now, or for the one of that name. In the caller's transaction, which keeps others from
    doing the same for this account.
    """
    connection = work.connection
    await accounts.lock(connection, scope.account_id)
    last = await connection.fetchval(_END_OF_PAGE, scope.account_id, after, deliveries - 1)
    status = await connection.execute(_ENQUEUE_MISSED, *scope, after, last, since, endpoint)
    return Missed(_made(work, status), last)


_KEPT_WAITING: Final = timedelta(hours=24)
"""How long a message waits past its time for an endpoint that rests: as long as a message is tried
by the longest published schedule. Then it is dead: kept, shown, and sent again by hand."""

_MOST_GIVEN_UP: Final = 1_000

_GIVE_UP = """
update messages set state = 'dead', leased_by = null
where ctid = any (array(
    select late.place from endpoint_failures
    join endpoints on endpoints.account_id = endpoint_failures.account_id
        and endpoints.id = endpoint_id and disabled_at is null and url is not null
    cross join lateral (
        select ctid as place from messages
        where state = 'pending' and endpoint_id = endpoints.id and due_at < now() - $1::interval
        order by due_at limit $2
        for update skip locked
    ) late
    where rests_until is not null limit $2
)) and state = 'pending'
"""

# What its removal did not come to end, and what was being made meanwhile.
_END_REMOVED = """
update messages set state = 'dead', leased_by = null
where ctid = any (array(
    select left_over.place from endpoints cross join lateral (
        select ctid as place from messages
        where state = 'pending' and endpoint_id = endpoints.id
        order by due_at limit $1
        for update skip locked
    ) left_over
    where removed_at is not null limit $1
)) and state = 'pending'
"""


async def give_up(connection: Connection) -> int:
    """Lets messages be dead that have waited for a day for endpoints that only fail.

    And those that wait for endpoints that were removed. What waits for one that is disabled or has
    no URL stays. Returns how many, at most `_MOST_GIVEN_UP` of each at a time.
    """
    late = await connection.execute(_GIVE_UP, _KEPT_WAITING, _MOST_GIVEN_UP)
    left_over = await connection.execute(_END_REMOVED, _MOST_GIVEN_UP)
    return sum(int(status.rpartition(" ")[2]) for status in (late, left_over))


def _made(work: UnitOfWork, status: str) -> int:
    """How many messages a statement lets wait; those who send them are told."""
    count = _count(status)
    if count:
        work.signal(signals.OUTBOX)
    return count


# What waits for an endpoint that is sent nothing ends as what was given up does.
_MESSAGE_IS_OVER = """(
    state = 'delivered' and created_at < {delivered}
    or state = 'dead' and created_at < {dead}
    or state = 'pending' and created_at < {dead} and leased_by is null and exists (
        select from endpoints where endpoints.account_id = messages.account_id
            and endpoints.id = messages.endpoint_id and (disabled_at is not null or url is null)
    )
)"""

ENDING: Final = Ending("messages", _MESSAGE_IS_OVER.format(delivered="$4", dead="$5"))
"""When messages have had their time."""

_IS_OVER_OF_TEST = _MESSAGE_IS_OVER.format(delivered="$2", dead="$3")
_REMOVE_TESTS = f"""
delete from messages where ctid = any (array(
    select ctid from messages
    where account_id = $1 and delivery_id is null and {_IS_OVER_OF_TEST}
    limit $4
)) and {_IS_OVER_OF_TEST}
"""  # noqa: S608 - constants


async def remove_tests(
    connection: Connection, account_id: UUID, over: tuple[datetime, datetime], limit: int
) -> int:
    """Removes at most `limit` messages of an account that were tests and are over; counts them."""
    return _count(await connection.execute(_REMOVE_TESTS, account_id, *over, limit))


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


_PROGRESS = """
select asked.delivery_id,
    concat_ws('-', count(*), sum(attempt), count(*) filter (where state <> 'pending'),
        extract(epoch from max(due_at))) as progress
from unnest($1::uuid[], $2::uuid[]) as asked (account_id, delivery_id)
cross join lateral (
    select attempt, state, due_at from messages
    where account_id = asked.account_id and delivery_id = asked.delivery_id limit $3
) sent
group by asked.delivery_id
"""

_MOST_OF_DELIVERY = 1_000


async def progress_of(
    connection: Connection, deliveries: Collection[tuple[UUID, UUID]]
) -> dict[UUID, str]:
    """Returns how far the messages of deliveries are, as a text that differs after each attempt.

    Each is asked by its account and its id; those without messages are missing.
    """
    accounts, ids = [one for one, _ in deliveries], [one for _, one in deliveries]
    found = await connection.fetch(_PROGRESS, accounts, ids, _MOST_OF_DELIVERY)
    return {row["delivery_id"]: row["progress"] for row in found}
