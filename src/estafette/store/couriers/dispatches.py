"""The outbox towards the platforms of courier companies: what to place there, what to look at.

They are claimed under a lease, see `store/claims.py`. Who locks a delivery as well locks it first.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from estafette.core.couriers.dispatch import (
    Claimed,
    Elsewhere,
    Known,
    NewDispatch,
    Outcome,
    Rooms,
    Standing,
)
from estafette.core.deliveries.delivery import Delivery
from estafette.store import columns, signals
from estafette.store.claims import Queue
from estafette.store.columns import Columns, insertion
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

QUEUE: Final = Queue("dispatches", "next_at", lease="leased_until")

NEW: Final = Columns[NewDispatch](
    {
        "account_id": ("uuid", lambda new: new.account_id),
        "delivery_id": ("uuid", lambda new: new.delivery_id),
        "mode": ("text", lambda new: new.mode),
        "company_id": ("uuid", lambda new: new.company_id),
        "offer": ("json", lambda new: dump(new.offer)),
    }
)
"""What is written of new dispatches."""

_AWAITED = Columns[NewDispatch]({"is_awaited": ("boolean", lambda new: new.is_awaited)})
_INSERT = insertion(
    "dispatches",
    NEW.types,
    columns.rows(NEW, _AWAITED),
    next_at="case when not is_awaited then now() end",
)


async def insert(work: UnitOfWork, new: Sequence[NewDispatch]) -> None:
    """Writes what is to be placed, in the transaction that creates the deliveries."""
    await _tell(work, _INSERT, *NEW.of(new), *_AWAITED.of(new))


def _keys(deliveries: Sequence[Delivery]) -> tuple[list[UUID], list[UUID]]:
    return [each.scope.account_id for each in deliveries], [each.id for each in deliveries]


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
        *_keys(deliveries),
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
        *_keys(deliveries),
    )


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
    first = QUEUE.due(
        "dispatches.ctid as place",
        where=f"""
            {queue} and company_id = rooms.company_id and exists (
                select from accounts where accounts.id = dispatches.account_id
                    and accounts.dialect = any($11)
            )
        """,
        limit=room,
    )
    return f"select place, {rank} as rank from ({first}) q{rank}"  # noqa: S608 - constants


_LEASED = QUEUE.leasing(
    "$10::interval",
    heard="false",
    leased_until="now() + $10::interval",
    doubted_at="case when state = 'waiting' then greatest(doubted_at, leased_until) end",
    first_tried_at="coalesce(first_tried_at, now())",
)

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
    {_LEASED}
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


def _next(queue: str, room: str) -> str:
    """When the first of a queue is due, where there is room for it."""
    return f"""(
        select next_at from dispatches where next_at is not null and {queue}
            and company_id = rooms.company_id and {room} > 0 order by next_at limit 1
    )"""  # noqa: S608 - the parts are constants


_DUE = f"""
{_WAITING}
select extract(epoch from min(due.next_at) - now())::float8
from rooms cross join lateral (
    {_next(_PLACING, "rooms.to_place")}
    union all {_next(_HEARD, "rooms.to_look")}
    union all {_next(_LOOKING, "rooms.to_look")}
) due
"""  # noqa: S608 - the parts are constants


async def due_in_seconds(connection: Connection, rooms: Rooms) -> float | None:
    """In how many seconds the next dispatch of a company with room is due; None when none is."""
    return await connection.fetchval(_DUE, *_named(rooms))


_LOCK = f"""
select state, attempt, upstream_id, coalesce(leased_until > clock_timestamp(), false) as is_leased,
    leased_until is not null as is_unsettled,
    coalesce({QUEUE.fence("$3::integer", "is not null")}, false) as is_held,
    doubted_at is not null as doubtful,
    recalled_at is not null as recalled,
    heard, seen, polls
from dispatches where account_id = $1 and delivery_id = $2 for update
"""  # noqa: S608 - the parts are constants


async def lock(
    connection: Connection, account_id: UUID, delivery_id: UUID, attempt: int | None = None
) -> Standing | None:
    """How the dispatch of a delivery stands, locked for this transaction; None without one.

    `attempt` is the number of the attempt that asks whether it `is_held` still.
    """
    row = await connection.fetchrow(_LOCK, account_id, delivery_id, attempt)
    return Standing(**row) if row else None


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
    outcome_of = outcome._asdict() | {"doubt": outcome.doubt.value}
    await connection.execute(_SETTLE, account_id, delivery_id, *outcome_of.values())


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


async def find(connection: Connection, account_id: UUID, delivery_id: UUID) -> Elsewhere | None:
    """How a delivery stands with another platform; None when none carries it."""
    row = await connection.fetchrow(
        "select state, upstream_id, last_error as error from dispatches"
        " where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
    )
    return Elsewhere(**row) if row else None


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
    return Known(**row) if row else None


async def known_here_as(
    connection: Connection, company_id: UUID, delivery_id: UUID
) -> Known | None:
    """The dispatch to a company of one of our deliveries.

    By the delivery's id alone: the platform does not know whose it is here.
    """
    row = await connection.fetchrow(_BY_OUR_ID, company_id, delivery_id)
    return Known(**row) if row else None


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


async def close_disputed(connection: Connection, account_id: UUID, delivery_id: UUID) -> bool:
    """Ends a dispute that people have put right; False where there is none."""
    status = await connection.execute(
        "update dispatches set state = 'closed'"
        " where account_id = $1 and delivery_id = $2 and state = 'disputed'",
        account_id,
        delivery_id,
    )
    return not status.endswith(" 0")


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
