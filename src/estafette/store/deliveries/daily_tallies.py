"""How many deliveries were created each day, and how they ended: counted from events, afterwards.

A day is one of the clock of the account's market. Nothing is counted twice, and nothing that was
committed within `SETTLED` of when it happened is left out.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.store.old_rows import older
from estafette.store.pool import Connection

SETTLED = timedelta(seconds=60)
"""How long after an event it is counted: its transaction has ended by then."""

AT_ONCE = timedelta(minutes=10)
"""The events of how long are counted in one step at most."""

FIRST = timedelta(days=31)
"""How far back the first step begins: what was before is not counted."""

KEPT = timedelta(days=400)
"""How long the counts of a day are kept."""


class DayCount(NamedTuple):
    """How often something happened on a day: see `core/deliveries/figures.py` for `what`."""

    day: date
    what: str
    times: int


_LOCK = """
select counted_to, least(now() - $1::interval, counted_to + $2::interval) as until
from daily_tallies_progress for update skip locked
"""

_COUNT = """
insert into daily_tallies (account_id, mode, day, what, count)
select events.account_id, deliveries.mode, (occurred_at at time zone zone)::date, happened.what,
    count(*)
from events
join deliveries on deliveries.account_id = events.account_id
    and deliveries.id = events.delivery_id
join accounts on accounts.id = events.account_id
join unnest($3::text[], $4::text[]) as zones (code, zone) on code = market
cross join lateral (
    select 'created' as what where events.seq = 1
    union all
    select events.status where events.status in ('delivered', 'failed', 'stalled')
    union all
    select 'cancelled_by_' || events.actor where events.status = 'cancelled'
    union all
    select 'late' where events.status = 'delivered' and occurred_at > deliver_by
) happened
where occurred_at >= $1 and occurred_at < $2
group by 1, 2, 3, 4 order by 1, 2, 3, 4
on conflict (account_id, mode, day, what) do update
    set count = daily_tallies.count + excluded.count
"""


class Step(NamedTuple):
    """To when events are counted now, and whether more of them can be counted at once."""

    counted_to: datetime
    has_more: bool


async def count_next(connection: Connection, zones: Mapping[str, str]) -> Step | None:
    """Counts the events of the next minutes, in the caller's transaction; None while another does.

    `zones` are the time zones of markets by their codes.
    """
    if await counted_to(connection) is None:  # an insert waits for whoever counts now
        await connection.execute(
            "insert into daily_tallies_progress (counted_to) values (now() - $1::interval)"
            " on conflict do nothing",
            FIRST,
        )
    row = await connection.fetchrow(_LOCK, SETTLED, AT_ONCE)
    if row is None:
        return None
    begin, until = row["counted_to"], row["until"]
    if until <= begin:
        return Step(begin, has_more=False)
    await connection.execute(_COUNT, begin, until, list(zones), list(zones.values()))
    await connection.execute("update daily_tallies_progress set counted_to = $1", until)
    return Step(until, has_more=until - begin == AT_ONCE)


forget: Final = older("daily_tallies", "day")
"""Removes the counts of days so long ago."""


async def counted_to(connection: Connection) -> datetime | None:
    """Returns until when events are counted; None before any."""
    return await connection.fetchval("select counted_to from daily_tallies_progress")


async def of_account(connection: Connection, scope: Scope, since: date) -> list[DayCount]:
    """Returns the counts of an account and mode from a day on."""
    found = await connection.fetch(
        "select day, what, count from daily_tallies"
        " where account_id = $1 and mode = $2 and day >= $3 order by day, what",
        *scope,
        since,
    )
    return [DayCount(*row) for row in found]


async def of_all(connection: Connection, mode: Mode, since: date) -> list[DayCount]:
    """Returns the counts of all accounts together, in a mode, from a day on."""
    found = await connection.fetch(
        "select day, what, sum(count)::bigint from daily_tallies"
        " where day >= $2 and mode = $1 group by day, what order by day, what",
        mode,
        since,
    )
    return [DayCount(*row) for row in found]


async def busiest(
    connection: Connection, mode: Mode, since: date, limit: int
) -> list[tuple[UUID, int]]:
    """Returns the accounts that had most deliveries created from a day on, and how many."""
    found = await connection.fetch(
        "select account_id, sum(count)::bigint from daily_tallies"
        " where day >= $2 and mode = $1 and what = 'created'"
        " group by account_id order by 2 desc, 1 limit $3",
        mode,
        since,
        limit,
    )
    return [(row[0], row[1]) for row in found]
