"""The outbox towards the platforms of courier companies: what to place there, what to look at.

A claim raises a row's `attempt`, which is its fencing token, and leases it. What comes of the
attempt is recorded only while the token is the same and the lease was not settled. The clock is
the database's. Who locks a delivery as well locks it first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.account import Mode
from estafette.core.delivery import Delivery
from estafette.store import rows
from estafette.store.pool import Connection
from estafette.store.rows import dump
from estafette.store.terms import terms_json


class NewDispatch(NamedTuple):
    """A delivery to be placed at a company; not before it is paid, if that `is_awaited`."""

    account_id: UUID
    delivery_id: UUID
    mode: Mode
    company_id: UUID
    offer: Mapping[str, Any]
    is_awaited: bool


_INSERT = """
insert into dispatches (account_id, delivery_id, mode, company_id, offer, next_at)
select account_id, delivery_id, mode, company_id, offer::json,
    case when not is_awaited then now() end
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::boolean[])
    as input (account_id, delivery_id, mode, company_id, offer, is_awaited)
"""


async def insert(connection: Connection, new: Sequence[NewDispatch]) -> None:
    """Writes what is to be placed, in the transaction that creates the deliveries."""
    await connection.execute(
        _INSERT,
        [one.account_id for one in new],
        [one.delivery_id for one in new],
        [one.mode for one in new],
        [one.company_id for one in new],
        [dump(one.offer) for one in new],
        [one.is_awaited for one in new],
    )


_PAID = """
update dispatches set next_at = now()
from unnest($1::uuid[], $2::uuid[]) as paid (account_id, delivery_id)
where dispatches.account_id = paid.account_id and dispatches.delivery_id = paid.delivery_id
    and state = 'waiting' and attempt = 0
"""


async def let_go(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Lets deliveries be placed that waited for their payment."""
    await connection.execute(
        _PAID,
        [delivery.scope.account_id for delivery in deliveries],
        [delivery.id for delivery in deliveries],
    )


_ENDED = """
update dispatches set
    state = case when state = 'waiting' then 'closed' else state end,
    heard = state = 'placed',
    next_at = case when state = 'waiting' then null
        when leased_until > clock_timestamp() then next_at else now() end
from unnest($1::uuid[], $2::uuid[]) as ended (account_id, delivery_id)
where dispatches.account_id = ended.account_id and dispatches.delivery_id = ended.delivery_id
    and (state = 'placed'
        or state = 'waiting' and doubted_at is null and leased_until is null)
"""


async def end(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Closes the dispatches of deliveries that have ended here, where they certainly never left.

    What is placed is looked at now, or when the attempt under way has ended.
    """
    await connection.execute(
        _ENDED,
        [delivery.scope.account_id for delivery in deliveries],
        [delivery.id for delivery in deliveries],
    )


class Claimed(NamedTuple):
    """A dispatch leased to a worker, its delivery, and its account's dialect and market.

    `trying_for` is the time since it was first claimed to be placed. `doubt` is how long ago a
    request may last have left that nobody knows the end of; None: there is no such doubt.
    """

    delivery: Delivery
    dialect: str
    market: str
    company_id: UUID
    offer: Mapping[str, Any]
    upstream_id: str | None
    attempt: int
    doubt: timedelta | None
    recalled: bool
    first_tried_at: datetime
    trying_for: timedelta
    seen: str | None
    polls: int


# Companies that have work, each with the time of its first: one descent of the index for each.
_WAITING = """
with recursive waiting (company_id, next_at) as (
    (
        select company_id, next_at from dispatches
        where next_at is not null order by company_id, next_at limit 1
    )
    union all
    select following.company_id, following.next_at
    from waiting cross join lateral (
        select company_id, next_at from dispatches
        where next_at is not null and company_id > waiting.company_id
        order by company_id, next_at limit 1
    ) following
),
rooms as (
    select company_id, next_at, $1::integer - coalesce(busy.number, 0) as room
    from waiting left join unnest($2::uuid[], $3::integer[]) as busy (company_id, number)
        using (company_id)
    where $1::integer > coalesce(busy.number, 0)
)
"""

# As in the outbox of webhooks: each company gives at most its room, so that one that is down holds
# up none of the others, and rows are found again by their place.
_CLAIM = f"""
{_WAITING},
picked as materialized (
    select due.place
    from (select * from rooms where next_at <= now() order by random()) open
    cross join lateral (
        select dispatches.ctid as place from dispatches
        where next_at is not null and company_id = open.company_id and next_at <= now()
            and exists (
                select from accounts where accounts.id = dispatches.account_id
                    and accounts.dialect = any($6)
            )
        order by next_at limit open.room
        for update of dispatches skip locked
    ) due
    limit $4
),
claimed as (
    update dispatches set attempt = attempt + 1, heard = false,
        leased_until = now() + $5::interval, next_at = now() + $5::interval,
        doubted_at = case when state = 'waiting' then greatest(doubted_at, leased_until) end,
        first_tried_at = coalesce(first_tried_at, now())
    where ctid = any (array(select place from picked)) and next_at <= now()
    returning *
)
select claimed.company_id as claimed_company, claimed.offer, claimed.upstream_id, claimed.attempt,
    now() - claimed.doubted_at as doubt, claimed.recalled_at is not null as recalled,
    claimed.first_tried_at,
    now() - claimed.first_tried_at as trying_for, claimed.seen, claimed.polls,
    accounts.dialect, accounts.market, deliveries.*
from claimed
join deliveries on deliveries.account_id = claimed.account_id
    and deliveries.id = claimed.delivery_id
join accounts on accounts.id = claimed.account_id
"""  # noqa: S608 - the parts are constants


async def claim(
    connection: Connection,
    dialects: Sequence[str],
    lease: timedelta,
    at_once: int,
    per_company: int,
    busy: Mapping[UUID, int],
) -> list[Claimed]:
    """Leases at most `at_once` due dispatches of accounts that speak one of `dialects`.

    At most `per_company` of one company, less those that the caller is `busy` with.
    """
    found = await connection.fetch(
        _CLAIM, per_company, list(busy), list(busy.values()), at_once, lease, dialects
    )
    return [_claimed(row) for row in found]


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        delivery=rows.delivery(row),
        dialect=row["dialect"],
        market=row["market"],
        company_id=row["claimed_company"],
        offer=orjson.loads(row["offer"]),
        upstream_id=row["upstream_id"],
        attempt=row["attempt"],
        doubt=row["doubt"],
        recalled=row["recalled"],
        first_tried_at=row["first_tried_at"],
        trying_for=row["trying_for"],
        seen=row["seen"],
        polls=row["polls"],
    )


async def due_in_seconds(
    connection: Connection, per_company: int, busy: Mapping[UUID, int]
) -> float | None:
    """In how many seconds the next dispatch of a company with room is due; None when none is."""
    return await connection.fetchval(
        f"{_WAITING} select extract(epoch from min(next_at) - now())::float8 from rooms",  # noqa: S608 - a constant
        per_company,
        list(busy),
        list(busy.values()),
    )


class Standing(NamedTuple):
    """How a dispatch stands, its row locked.

    `is_leased`: a worker is busy with it; `is_unsettled`: one was and has not said what came of it.
    """

    state: str
    attempt: int
    upstream_id: str | None
    is_leased: bool
    is_unsettled: bool
    doubtful: bool
    recalled: bool
    heard: bool
    seen: str | None
    polls: int


_LOCK = """
select state, attempt, upstream_id, coalesce(leased_until > clock_timestamp(), false) as is_leased,
    leased_until is not null as is_unsettled, doubted_at is not null as doubtful,
    recalled_at is not null as recalled,
    heard, seen, polls
from dispatches where account_id = $1 and delivery_id = $2 for update
"""


async def lock(connection: Connection, account_id: UUID, delivery_id: UUID) -> Standing | None:
    """How the dispatch of a delivery stands, locked for this transaction; None without one."""
    row = await connection.fetchrow(_LOCK, account_id, delivery_id)
    return Standing(*row) if row else None


class Outcome(NamedTuple):
    """What becomes of a dispatch whose row the caller has locked; None keeps what is there.

    `doubtful` True begins a doubt that is not over before a look-up; False ends any.
    `next_in` is the time to the next look, None: never. A webhook that came since the claim makes
    it now, if there is one at all.
    """

    state: str
    next_in: timedelta | None
    doubtful: bool | None = None
    upstream_id: str | None = None
    fee: int | None = None
    seen: str | None = None
    polls: int = 0
    error: str | None = None


_SETTLE = """
update dispatches set state = $3, leased_until = null,
    next_at = case when $4::interval is null then null when heard then now()
        else now() + $4::interval end,
    doubted_at = case when $5 then now() when not $5 then null else doubted_at end,
    upstream_id = coalesce($6, upstream_id), fee = coalesce($7, fee),
    seen = coalesce($8, seen), polls = case when heard then 0 else $9 end, last_error = $10
where account_id = $1 and delivery_id = $2
"""


async def settle(
    connection: Connection, account_id: UUID, delivery_id: UUID, outcome: Outcome
) -> None:
    """Records what came of an attempt, or of a cancellation; the lease ends."""
    await connection.execute(_SETTLE, account_id, delivery_id, *outcome)


async def mark_recalled(
    connection: Connection, account_id: UUID, delivery_id: UUID, *, recalled: bool
) -> None:
    """Notes that the merchant wants the delivery cancelled there, or that this was refused."""
    await connection.execute(
        "update dispatches set recalled_at = case when $3 then now() end"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
        recalled,
    )


class Elsewhere(NamedTuple):
    """How a delivery stands with another platform, for the operator.

    `error` is why the last try came to nothing; part of it is the platform's own text.
    """

    state: str
    upstream_id: str | None
    error: str | None


async def find(connection: Connection, account_id: UUID, delivery_id: UUID) -> Elsewhere | None:
    """How a delivery stands with another platform; None when none carries it."""
    row = await connection.fetchrow(
        "select state, upstream_id, last_error from dispatches"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
    )
    return Elsewhere(*row) if row else None


class Known(NamedTuple):
    """A dispatch that a platform speaks of, its row locked."""

    account_id: UUID
    delivery_id: UUID
    state: str
    upstream_id: str | None
    attempt: int


_BY_THEIR_ID = """
select account_id, delivery_id, state, upstream_id, attempt from dispatches
where company_id = $1 and upstream_id = $2 for update
"""
_BY_OUR_ID = """
select account_id, delivery_id, state, upstream_id, attempt from dispatches
join (select account_id as of_account, id from deliveries where id = $2) named
    on account_id = of_account and delivery_id = id
where company_id = $1 for update of dispatches
"""


async def known_as(connection: Connection, company_id: UUID, upstream_id: str) -> Known | None:
    """The dispatch to a company that calls the delivery so."""
    row = await connection.fetchrow(_BY_THEIR_ID, company_id, upstream_id)
    return Known(*row) if row else None


async def known_here_as(
    connection: Connection, company_id: UUID, delivery_id: UUID
) -> Known | None:
    """The dispatch to a company of one of our deliveries.

    By the delivery's id alone: the platform does not know whose it is here.
    """
    row = await connection.fetchrow(_BY_OUR_ID, company_id, delivery_id)
    return Known(*row) if row else None


_LOOK_NOW = """
update dispatches set heard = true, polls = 0,
    doubted_at = case when state <> 'placed' then now() end,
    state = case when state = 'refused' then 'waiting' else state end,
    next_at = case when leased_until > clock_timestamp() then next_at else now() end
where account_id = $1 and delivery_id = $2
"""


async def look_now(connection: Connection, account_id: UUID, delivery_id: UUID) -> None:
    """Lets a dispatch be looked at now, or when the attempt under way has ended.

    One that is not known to be placed is in doubt then, also if it was refused before.
    """
    await connection.execute(_LOOK_NOW, account_id, delivery_id)


async def dispute(connection: Connection, account_id: UUID, delivery_id: UUID, error: str) -> None:
    """Marks a dispatch as one that only people can put right."""
    await connection.execute(
        "update dispatches set state = 'disputed', next_at = null, last_error = $3"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
        error,
    )


async def set_terms(connection: Connection, delivery: Delivery) -> None:
    """Keeps what the platform said of a delivery's fee and PIN; its row is locked by the caller."""
    await connection.execute(
        "update deliveries set terms = $3::json where account_id = $1 and id = $2",
        delivery.scope.account_id,
        delivery.id,
        terms_json(delivery),
    )
