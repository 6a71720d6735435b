"""Balances carried forward: the books of an account and mode as they stood at the ends of days."""

from datetime import datetime

from estafette.core.accounts.account import Scope
from estafette.store.pool import Connection

# Who is still at work may book with the time that its transaction began at.
_NEXT = """
with closing as (
    select max(closed_to) as at from ledger_closings where account_id = $1 and mode = $2
),
first as (
    select booked_at from ledger_entries
    where account_id = $1 and mode = $2
        and booked_at >= coalesce((select at from closing), '-infinity')
    order by booked_at limit 1
)
select date_trunc('day', booked_at, 'UTC') + interval '24 hours' from first
where date_trunc('day', booked_at, 'UTC') + interval '24 hours' <= least(
    now() - interval '1 hour',
    (
        select min(xact_start) from pg_stat_activity
        where datname = current_database() and backend_xid is not null
    )
)
"""

_CLOSE = """
with closing as (
    select max(closed_to) as at from ledger_closings where account_id = $1 and mode = $2
)
insert into ledger_closings (account_id, mode, closed_to, book, company_id, amount)
select $1::uuid, $2::text, $3::timestamptz, book, company_id, sum(amount) from (
    select book, company_id, amount from ledger_closings
    where account_id = $1 and mode = $2 and closed_to = (select at from closing)
    union all
    select book, company_id, amount::numeric from ledger_entries
    where account_id = $1 and mode = $2 and booked_at < $3
        and booked_at >= coalesce((select at from closing), '-infinity')
) as parts
group by book, company_id
"""


async def close_next(connection: Connection, scope: Scope) -> datetime | None:
    """Closes the next day that has entries; returns its end, None where none is to be closed.

    In the caller's transaction. A day is closed an hour after its end at the earliest.
    """
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 427021005669))",
        *scope,
    )
    end = await connection.fetchval(_NEXT, *scope)
    if end is not None:
        await connection.execute(_CLOSE, *scope, end)
    return end
