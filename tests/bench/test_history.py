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
from tests.rows import history, tables
from tests.usecases.stage import platform_over

SHAPE = Shape(total=4_000, days=80)


async def _made(dsn: str, shape: Shape, until: datetime) -> None:
    async with platform_over(dsn) as platform:
        await load(platform, dsn, shape, until)


async def test_a_history_fits_the_schema_and_can_be_read(fresh_database: str) -> None:
    await _made(fresh_database, SHAPE, datetime.now(UTC))
    connection = await asyncpg.connect(fresh_database)
    try:
        assert await tables.count(connection, "deliveries") == SHAPE.total
        assert await history.wrong(connection) == []
        empty = [table for table in _FILLED if not await tables.count(connection, table)]
        assert empty == []
        account_id = await tables.value(connection, "accounts", "id", {"name": LARGE_AO})
        mine = await tables.count(connection, "deliveries", {"account_id": account_id})
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
        (text,) = await tables.read(connection, "search_grams", {"delivery_id": one.id})
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
        assert await history.wrong(connection) == []
        ages = await history.ages(connection, until)
    finally:
        await connection.close()
    of = {row["is_large"]: row for row in ages}
    step = timedelta(days=SHAPE.days) / SHAPE.total
    for is_large, days in ((True, 30), (False, 1)):
        assert of[is_large]["oldest"] == pytest.approx(timedelta(days=days), abs=step * 5)
    assert of[True]["count"] == pytest.approx(SHAPE.total * 0.4 * 30 / SHAPE.days, rel=0.05)
    assert of[True]["count"] + of[False]["count"] == pytest.approx(young.rows(), rel=0.05)


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
