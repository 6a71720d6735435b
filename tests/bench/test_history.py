"""The bench's year of deliveries is one that Estafette itself could have written."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from bench.history import LARGE_AO, LARGE_KZ, Shape, load, merchants
from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.search import grams_of
from estafette.store.deliveries import events, lists, search
from estafette.store.deliveries.search import ListFilter
from estafette.usecases.accounts.administration import find_account
from tests.usecases.stage import platform_over

SHAPE = Shape(total=4_000, days=80)


async def _made(dsn: str, shape: Shape, until: datetime) -> None:
    async with platform_over(dsn) as platform:
        await load(platform, dsn, shape, until)


async def test_a_history_fits_the_schema_and_can_be_read(fresh_database: str) -> None:
    await _made(fresh_database, SHAPE, datetime.now(UTC))
    connection = await asyncpg.connect(fresh_database)
    try:
        assert await connection.fetchval("select count(*) from deliveries") == SHAPE.total
        wrong = await connection.fetch(_WRONG)
        assert [tuple(row) for row in wrong] == []
        filled = [table for table in _FILLED if not await connection.fetchval(_COUNT % table)]
        assert filled == []
        mine = await connection.fetchval(
            "select count(*) from deliveries join accounts on accounts.id = account_id"
            " where accounts.name = $1",
            LARGE_AO,
        )
        assert mine * 1_000 == SHAPE.total * merchants()[0].share
    finally:
        await connection.close()
    async with platform_over(fresh_database) as platform, platform.pool.acquire() as connection:
        large = Scope((await find_account(platform, LARGE_AO)).id, Mode.LIVE)
        newest, more = await search.page(connection, large, ListFilter())
        assert (len(newest), more) == (20, True)
        one = newest[-1]
        assert one.reference is not None
        found, _ = await search.page(connection, large, ListFilter(search=one.reference))
        assert [each.id for each in found] == [one.id]
        told = await events.of_delivery(connection, large, one.id)
        assert told[-1].status is one.progress.status
        assert [event.seq for event in told] == [*range(1, one.progress.seq + 1)]
        text = await connection.fetchrow(
            "select content, grams from search_grams where delivery_id = $1", one.id
        )
        assert text is not None
        assert set(text["grams"]) == grams_of(large, text["content"])
        kz = Scope((await find_account(platform, LARGE_KZ)).id, Mode.LIVE)
        [first, *_] = await lists.page(connection, kz, lists.Filter(), None, 20)
        wanted = lists.Filter(external_ref=first.external_ref)
        assert await lists.page(connection, kz, wanted, None, 20) == [first]


async def test_a_young_history_is_the_end_of_an_aged_one(fresh_database: str) -> None:
    young = SHAPE.young()
    until = datetime.now(UTC)
    await _made(fresh_database, young, until)
    connection = await asyncpg.connect(fresh_database)
    try:
        assert [tuple(row) for row in await connection.fetch(_WRONG)] == []
        ages = await connection.fetch(_AGES, until)
    finally:
        await connection.close()
    of = {row["is_large"]: row for row in ages}
    step = timedelta(days=SHAPE.days) / SHAPE.total
    for is_large, days in ((True, 30), (False, 1)):
        assert of[is_large]["oldest"] == pytest.approx(timedelta(days=days), abs=step * 5)
    assert of[True]["count"] == pytest.approx(SHAPE.total * 0.4 * 30 / SHAPE.days, rel=0.05)
    assert of[True]["count"] + of[False]["count"] == pytest.approx(young.rows(), rel=0.05)


_AGES = """
select name like 'large-%' as is_large, count(*), max($1 - deliveries.created_at) as oldest
from deliveries join accounts on accounts.id = account_id group by is_large
"""
_FILLED = (
    *("deliveries", "events", "messages", "attempts", "idempotency", "quotes", "dispatches"),
    *(
        "ledger_entries",
        "ledger_closings",
        "search_texts",
        "search_grams",
        "delivery_references",
        "search_progress",
    ),
)
_COUNT = "select count(*) from %s"

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
