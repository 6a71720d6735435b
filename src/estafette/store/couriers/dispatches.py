"""The outbox towards the platforms of courier companies: what to place there, what to look at.

A claim raises a row's `attempt`, which is its fencing token, and leases it. What comes of the
attempt is recorded only while the token is the same and the lease was not settled. The clock is
the database's. Who locks a delivery as well locks it first.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.store import signals
from estafette.store.deliveries import rows
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.rows import dump
from estafette.store.ends import Ending
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork

_OF_ENDED = deliveries.ENDED_BEFORE.format(table="dispatches")
ENDING: Final = Ending(
    "dispatches", f"(leased_until is null or leased_until < now()) and {_OF_ENDED}"
)
"""When dispatches have had their time."""


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


async def insert(work: UnitOfWork, new: Sequence[NewDispatch]) -> None:
    """Writes what is to be placed, in the transaction that creates the deliveries."""
    await _tell(
        work,
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


async def let_go(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """Lets deliveries be placed that waited for their payment."""
    await _tell(
        work,
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


async def end(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """Closes the dispatches of deliveries that have ended here, where they certainly never left.

    What is placed is looked at now, or when the attempt under way has ended.
    """
    await _tell(
        work,
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


class Room(NamedTuple):
    """How many dispatches may be claimed to be placed, and how many to be looked at."""

    placing: int
    looking: int


class Rooms(NamedTuple):
    """How many dispatches may be claimed now.

    At most `of` a company by its id, `unnamed` of each that is not there, `most` of all, and
    `in_all` for both. Of companies that are not in `proven` at most `unproven` for both.
    """

    of: Mapping[UUID, Room]
    unnamed: Room
    most: Room
    in_all: int
    proven: Collection[UUID] = ()
    unproven: int = 1_000


# Companies that have work: one descent of the index for each.
_WAITING = """
with recursive waiting (company_id) as (
    (
        select company_id from dispatches
        where next_at is not null order by company_id limit 1
    )
    union all
    select following.company_id
    from waiting cross join lateral (
        select company_id from dispatches
        where next_at is not null and company_id > waiting.company_id
        order by company_id limit 1
    ) following
),
rooms as (
    select company_id, coalesce(named.to_place, $4) as to_place,
        coalesce(named.to_look, $5) as to_look
    from waiting left join unnest($1::uuid[], $2::integer[], $3::integer[])
        as named (company_id, to_place, to_look) using (company_id)
)
"""

# Three queues of each company, each with an index of its own: what is to be placed; what there is
# news of, or is to be called off; what is only looked at now and then. Whoever waits for a courier
# waits for the first, so it goes before the others; a share of its own keeps it from starving them.
_PLACING = "state = 'waiting'"
_HEARD = "state = 'placed' and heard"
_LOOKING = "state = 'placed' and not heard"


def _first(queue: str, rank: int, room: str) -> str:
    """The first due of a queue, rows found again by their place."""
    return f"""
        select place, {rank} as rank from (
            select dispatches.ctid as place from dispatches
            where next_at is not null and {queue}
                and company_id = rooms.company_id and next_at <= now()
                and exists (
                    select from accounts where accounts.id = dispatches.account_id
                        and accounts.dialect = any($11)
                )
            order by next_at limit {room}
            for update of dispatches skip locked
        ) q{rank}
    """  # noqa: S608 - the parts are constants


# As in the outbox of webhooks: each company gives at most its room, so that one that is down holds
# up none of the others.
_CLAIM = f"""
{_WAITING},
due as materialized (
    select rooms.company_id, first.place, first.rank
    from rooms cross join lateral (
        {_first(_PLACING, 0, "rooms.to_place")}
        union all (
            {_first(_HEARD, 1, "rooms.to_look")}
            union all
            {_first(_LOOKING, 2, "rooms.to_look")}
            order by rank limit rooms.to_look
        )
    ) first
),
counted as (
    select place, rank,
        row_number() over (partition by rank = 0 order by rank, random()) as of_kind,
        not company_id = any($8::uuid[]) as unproven,
        row_number() over (partition by company_id = any($8::uuid[]) order by rank, random())
            as of_trust
    from due
),
picked as materialized (
    select place from counted
    where of_kind <= case when rank = 0 then $6::integer else $7::integer end
        and (not unproven or of_trust <= $9)
    order by rank limit $12
),
claimed as (
    update dispatches set attempt = attempt + 1, heard = false,
        leased_until = now() + $10::interval, next_at = now() + $10::interval,
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


def _named(rooms: Rooms) -> list[object]:
    return [
        list(rooms.of),
        [room.placing for room in rooms.of.values()],
        [room.looking for room in rooms.of.values()],
        *rooms.unnamed,
    ]


async def claim(
    connection: Connection, dialects: Sequence[str], lease: timedelta, rooms: Rooms
) -> list[Claimed]:
    """Leases due dispatches of accounts that speak one of `dialects`, as many as there is room for.

    Of each company what is to be placed, then what there is news of, then the rest.
    """
    found = await connection.fetch(
        _CLAIM,
        *_named(rooms),
        *rooms.most,
        list(rooms.proven),
        rooms.unproven,
        lease,
        dialects,
        rooms.in_all,
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


_DUE = f"""
{_WAITING}
select extract(epoch from min(due.next_at) - now())::float8
from rooms cross join lateral (
    (
        select next_at from dispatches where next_at is not null and {_PLACING}
            and company_id = rooms.company_id and rooms.to_place > 0 order by next_at limit 1
    )
    union all
    (
        select next_at from dispatches where next_at is not null and {_HEARD}
            and company_id = rooms.company_id and rooms.to_look > 0 order by next_at limit 1
    )
    union all
    (
        select next_at from dispatches where next_at is not null and {_LOOKING}
            and company_id = rooms.company_id and rooms.to_look > 0 order by next_at limit 1
    )
) due
"""  # noqa: S608 - the parts are constants


async def due_in_seconds(connection: Connection, rooms: Rooms) -> float | None:
    """In how many seconds the next dispatch of a company with room is due; None when none is."""
    return await connection.fetchval(_DUE, *_named(rooms))


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
    it now, if there is one at all. An `urgent` look is claimed as if a webhook had come.
    """

    state: str
    next_in: timedelta | None
    doubtful: bool | None = None
    upstream_id: str | None = None
    fee: int | None = None
    seen: str | None = None
    polls: int = 0
    error: str | None = None
    urgent: bool = False


_SETTLE = """
update dispatches set state = $3, leased_until = null,
    next_at = case when $4::interval is null then null when heard then now()
        else now() + $4::interval end,
    doubted_at = case when $5 then now() when not $5 then null else doubted_at end,
    upstream_id = coalesce($6, upstream_id), fee = coalesce($7, fee),
    seen = coalesce($8, seen), polls = case when heard then 0 else $9 end, last_error = $10,
    heard = heard or $11
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


async def look_now(work: UnitOfWork, account_id: UUID, delivery_id: UUID) -> None:
    """Lets a dispatch be looked at now, or when the attempt under way has ended.

    One that is not known to be placed is in doubt then, also if it was refused before.
    """
    await _tell(work, _LOOK_NOW, account_id, delivery_id)


async def _tell(work: UnitOfWork, statement: str, *arguments: object) -> None:
    """Runs a statement after which there may be something to place or to look at."""
    status = await work.connection.execute(statement, *arguments)
    if not status.endswith(" 0"):
        work.signal(signals.DISPATCHES)


async def dispute(connection: Connection, account_id: UUID, delivery_id: UUID, error: str) -> None:
    """Marks a dispatch as one that only people can put right."""
    await connection.execute(
        "update dispatches set state = 'disputed', next_at = null, last_error = $3"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
        error,
    )


_STORED = """
select state, upstream_id, offer, last_error, created_at from dispatches
where account_id = $1 and delivery_id = $2
"""


async def stored(
    connection: Connection, account_id: UUID, delivery_id: UUID
) -> Mapping[str, Any] | None:
    """What is stored of a delivery's way to another platform; None when it has none."""
    row = await connection.fetchrow(_STORED, account_id, delivery_id)
    return None if row is None else {**row, "offer": orjson.loads(row["offer"])}


async def erase(
    connection: Connection, accounts: Sequence[UUID], deliveries: Sequence[UUID]
) -> None:
    """Erases what was offered of deliveries: their accounts, and their ids."""
    await connection.execute(
        "update dispatches set offer = '{}', last_error = null"
        " from unnest($1::uuid[], $2::uuid[]) as gone (account_id, delivery_id)"
        " where dispatches.account_id = gone.account_id"
        " and dispatches.delivery_id = gone.delivery_id",
        accounts,
        deliveries,
    )
