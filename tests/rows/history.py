"""What a history that was made for the benchmarks must hold to."""

from datetime import datetime
from typing import Any

import asyncpg

from tests.rows.tables import Database

_AGES = """
select name like 'large-%' as is_large, count(*), max($1 - deliveries.created_at) as oldest
from deliveries join accounts on accounts.id = account_id group by is_large
"""
# Each of these finds what must not be.
_WRONG = """
select 'a transfer does not sum to zero', delivery_id::text from ledger_entries
group by account_id, delivery_id, cause having sum(amount) <> 0
union all
select 'the last event is another', id::text from deliveries
where not exists (
    select from events where events.account_id = deliveries.account_id
        and delivery_id = deliveries.id and events.seq = deliveries.seq
        and events.status = deliveries.status and events.milestone = deliveries.milestone
)
union all
select 'a message has no event', id::text from messages
where not exists (
    select from events where events.account_id = messages.account_id
        and events.delivery_id = messages.delivery_id and events.seq = messages.seq
        and events.announced[ordinal + 1] is not null
)
union all
select 'a delivered message has no attempt', id::text from messages
where state = 'delivered' and not exists (
    select from attempts where attempts.account_id = messages.account_id
        and message_id = messages.id and outcome = 'delivered'
)
union all
select 'the last number is another', reference from deliveries
where reference is not null and substr(reference, 10)::integer > (
    select last from delivery_references
    where delivery_references.account_id = deliveries.account_id
        and delivery_references.mode = deliveries.mode
        and year = substr(reference, 5, 4)::smallint
)
union all
select 'numbers have gaps', account_id::text from deliveries where reference is not null
group by account_id, substr(reference, 5, 4)
having count(*) <> max(substr(reference, 10)::integer)
union all
select 'a quote binds nothing', id::text from quotes where digests is null
union all
select 'a used quote is of another delivery', id::text from quotes
where used_by is not null and not exists (
    select from deliveries where deliveries.account_id = quotes.account_id
        and deliveries.id = used_by and quote_id = quotes.id
)
"""


async def wrong(database: Database) -> list[tuple[Any, ...]]:
    """Return what must not be, each with the row in which it is."""
    return [tuple(row) for row in await database.fetch(_WRONG)]


async def ages(database: Database, until: datetime) -> list[asyncpg.Record]:
    """How many deliveries the large accounts and the others have, and the age of the oldest."""
    return await database.fetch(_AGES, until)
