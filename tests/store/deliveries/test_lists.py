"""Lists of deliveries without references: what is on a page, and how little is read for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.store.deliveries import lists, search
from estafette.store.deliveries.lists import Filter, Position
from estafette.store.deliveries.search import ListFilter
from estafette.store.pool import open_pool
from tests.store.reading import PLANS, Reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNT = 20_000
LIMIT = 21
BLOCKS = 12 * LIMIT  # an index entry leads to its row through a look-up of three or four blocks

# Two of a second. One in twenty was cancelled, and they share eight references; five that are far
# apart are pending; one reference is of a live delivery and of two that were cancelled before.
_INSERT = """
insert into deliveries (account_id, id, mode, status, milestone, seq, external_ref, pickup, dropoff,
    parcel, fee, pickup_by, deliver_by, created_at, updated_at)
select $1, gen_random_uuid(), $2, state, state, 3,
    case when number % 20 = 3 then 'again-' || number / 20 % 8 when number = 9 then 'again-1'
        else 'order-' || number end,
    '{"address": "a"}', '{"address": "b"}', '{"weight_grams": 1}', 0, at, at, at, at
from (
    select number, $3::timestamptz + number / 2 * interval '1 second' as at,
        case when number % 4000 = 7 then 'pending' when number % 20 = 3 then 'cancelled'
            when number = 19990 then 'in_transit' else 'delivered' end as state
    from generate_series(0, $4 - 1) as number
) as made
"""


class Known(NamedTuple):
    id: UUID
    created_at: datetime
    milestone: str
    external_ref: str


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(new_id(), Mode.LIVE)


@pytest.fixture
async def stock(fresh_database: str, scope: Scope) -> list[Known]:
    """20,000 deliveries in a database where nothing else is, and nobody makes statistics."""
    query = (
        "select id, created_at, milestone, external_ref from deliveries where account_id = $1"
        " order by created_at desc, id desc"
    )
    connection = await asyncpg.connect(fresh_database)
    try:
        await connection.execute("alter table deliveries set (autovacuum_enabled = off)")
        await connection.execute(_INSERT, *scope, NOON, COUNT)
        found = await connection.fetch(query, scope.account_id)
    finally:
        await connection.close()
    return [Known(*row) for row in found]


def expected(stock: Sequence[Known], wanted: Filter, after: Position | None) -> list[UUID]:
    """The ids of the page, found without a database."""

    def fits(one: Known) -> bool:
        return (
            (wanted.milestones is None or one.milestone in wanted.milestones)
            and (wanted.external_ref is None or one.external_ref == wanted.external_ref)
            and (wanted.created_from is None or one.created_at >= wanted.created_from)
            and (wanted.created_to is None or one.created_at <= wanted.created_to)
            and (after is None or (one.created_at, one.id) < after)
        )

    return [one.id for one in islice(filter(fits, stock), LIMIT)]


MILESTONES = (
    None,
    [Status.PENDING],
    [Status.DELIVERED],
    [Status.IN_TRANSIT, Status.PENDING, Status.PENDING],
    [Status.STALLED],
    list(Status),
)
REFS = (None, "again-1", "order-4007", "order-9", "order-19990", "nobody's")
TIMES = (
    (None, None),
    (NOON + timedelta(seconds=5_000), None),
    (None, NOON + timedelta(seconds=2_000)),
    (NOON + timedelta(seconds=1_990), NOON + timedelta(seconds=2_010)),
    (NOON + timedelta(days=300), None),
)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("analyzed", [False, True])
async def test_every_page_of_every_filter_is_right_and_reads_no_more_than_it_shows(
    fresh_database: str,
    scope: Scope,
    stock: list[Known],
    plan: str,
    analyzed: bool,
) -> None:
    middle = stock[COUNT // 2]
    positions = (None, Position(middle.created_at, middle.id), Position(NOON, UUID(int=0)))
    async with await open_pool(fresh_database, size=1) as pool, pool.acquire() as connection:
        await connection.execute(f"set plan_cache_mode = {plan}")
        if analyzed:
            await connection.execute("analyze deliveries")
        for choice in product(MILESTONES, REFS, TIMES, positions):
            milestones, ref, (begin, end), after = choice
            wanted = Filter(milestones, ref, begin, end)
            reading: Any = Reading(connection)
            page = await lists.page(reading, scope, wanted, after, LIMIT)
            assert [one.id for one in page] == expected(stock, wanted, after), choice
            assert reading.blocks <= BLOCKS, choice


async def test_pages_that_follow_one_another_show_everything_once(
    fresh_database: str, scope: Scope, stock: list[Known]
) -> None:
    connection = await asyncpg.connect(fresh_database)
    for milestones, ref in ((None, None), ([Status.CANCELLED], None), (None, "again-1")):
        wanted = Filter(milestones, ref, created_from=NOON + timedelta(seconds=9_000))
        after, seen = None, list[UUID]()
        while page := await lists.page(connection, scope, wanted, after, LIMIT):
            seen += [one.id for one in page]
            after = Position(page[-1].created_at, page[-1].id)
        everything = [one for one in stock if one.created_at >= NOON + timedelta(seconds=9_000)]
        fitting = [
            one.id
            for one in everything
            if (ref is None or one.external_ref == ref)
            and (milestones is None or one.milestone in milestones)
        ]
        assert seen == fitting
    await connection.close()


_OTHERS = """
insert into deliveries (account_id, id, mode, status, milestone, seq, reference, pickup, dropoff,
    parcel, fee, pickup_by, deliver_by, created_at, updated_at)
select account, gen_random_uuid(), 'live', 'delivered', 'delivered', 3,
    case when number % 10 > 0 or $3 then gen_random_uuid()::text end, '{}', '{}', '{}', 0,
    at, at, at, at
from (select gen_random_uuid() as account from generate_series(1, $1)) as made
cross join lateral (
    select number, $4::timestamptz + number * interval '1 hour' as at
    from generate_series(1, $2) as number
) as those
"""


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    ("accounts", "each", "referenced"),
    [(3, 400, False), (30, 12, True), (200, 1, True)],
)
async def test_lists_read_no_more_than_they_show_whatever_the_statistics_were_made_of(
    fresh_database: str, plan: str, accounts: int, each: int, referenced: bool
) -> None:
    async with await open_pool(fresh_database, size=1) as pool, pool.acquire() as connection:
        await connection.execute("alter table deliveries set (autovacuum_enabled = off)")
        await connection.execute(_OTHERS, accounts, each, referenced, NOON)
        await connection.execute("vacuum analyze deliveries")
        scope, with_references = Scope(new_id(), Mode.LIVE), Scope(new_id(), Mode.LIVE)
        for one in (scope, with_references):
            await connection.execute(_INSERT, *one, NOON, COUNT)
        await connection.execute(
            "update deliveries set reference = id::text where account_id = $1",
            with_references.account_id,
        )
        await connection.execute(f"set plan_cache_mode = {plan}")
        early = NOON + timedelta(seconds=2_000)
        for wanted in (
            Filter(),
            Filter([Status.DELIVERED]),
            Filter([Status.DELIVERED], created_to=early),
            Filter(list(Status), "order-4007"),
            Filter([Status.CANCELLED], "again-1"),
        ):
            reading: Any = Reading(connection)
            assert await lists.page(reading, scope, wanted, None, LIMIT), wanted
            assert reading.blocks <= BLOCKS, wanted
        for listed in (
            ListFilter(limit=LIMIT),
            ListFilter(limit=LIMIT, inserted_to=early, descending=False),
            ListFilter([Status.DELIVERED], limit=LIMIT),
            ListFilter([Status.DELIVERED, Status.CANCELLED], inserted_to=early, limit=LIMIT),
        ):
            reading = Reading(connection)
            page, more = await search.page(reading, with_references, listed)
            assert (len(page), more) == (LIMIT, True), listed
            assert reading.blocks <= BLOCKS, listed


_FORGET = """
select pg_clear_relation_stats('public', relname::text)
from pg_class where oid = 'deliveries'::regclass
    or oid in (select indexrelid from pg_index where indrelid = 'deliveries'::regclass)
union all
select pg_clear_attribute_stats('public', 'deliveries', attname::text, false)
from pg_attribute where attrelid = 'deliveries'::regclass and attnum > 0 and not attisdropped
"""


@pytest.mark.parametrize("plan", PLANS)
async def test_page_by_offset_reads_no_more_than_it_shows_where_there_are_no_statistics(
    fresh_database: str, scope: Scope, stock: list[Known], plan: str
) -> None:
    async with await open_pool(fresh_database, size=1) as pool, pool.acquire() as connection:
        await connection.execute(f"set plan_cache_mode = {plan}")
        forgetting = connection.transaction()
        await forgetting.start()
        try:
            if connection.get_server_version().major >= 18:  # older ones cannot be told to forget
                await connection.execute(_FORGET)  # as after a restore
            reading: Any = Reading(connection)
            page, more = await search.page(reading, scope, ListFilter(limit=LIMIT))
        finally:
            await forgetting.rollback()
        assert [one.id for one in page] == [one.id for one in stock[:LIMIT]]
        assert more
        assert reading.blocks <= 2 * BLOCKS
