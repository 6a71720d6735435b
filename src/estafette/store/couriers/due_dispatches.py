"""Dispatches that are due: claimed by who places them with companies' platforms, or looks there.

They are claimed under a lease, see `store/claims.py`; each company gives what it has room for.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg
import orjson

from estafette.core.couriers.dispatch import Claimed, Rooms
from estafette.store.claims import Queue
from estafette.store.deliveries import rows
from estafette.store.pool import Connection

QUEUE: Final = Queue("dispatches", "next_at", lease="leased_until")

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
