"""Work in the background: what a round of each does."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import orjson
import pytest
from structlog.testing import capture_logs

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.core.retention import Retention
from estafette.loops import Loop
from estafette.store.deliveries.under_way import StatusCount
from estafette.store.ends import Removed
from estafette.usecases import ends
from estafette.usecases.deliveries import count_open, due_moves, personal_data, search
from estafette.usecases.money import close_books
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import gone
from tests.patience import until
from tests.rows import database, tables
from tests.rows import webhooks as webhook_rows
from tests.usecases.angola import Shop
from tests.usecases.stage import platform_over
from tests.usecases.test_one_account_fails import ended


async def test_what_has_had_its_time_is_removed_and_counted(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    pool, old = shop.platform.pool, timedelta(days=-40)
    of = {"account_id": shop.account.id, "id": new_id(), "endpoint_id": new_id()}
    await tables.add(pool, "messages", **of, state="delivered", due_at=old, created_at=old)
    observed: list[Removed] = []

    await ends.loop(shop.platform, Retention(), observed.append).once()
    assert await shop.count("messages") == 0
    assert "messages" in {one.name for one in observed}


async def test_personal_data_is_erased(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    over, kept = await ended(shop, 11), await ended(shop, 9)
    await personal_data.loop(shop.platform, timedelta(days=10)).once()
    assert (await shop.delivery(over)).dropoff.name == "erased"
    assert (await shop.delivery(kept)).dropoff.name != "erased"
    assert await shop.count("phone_index") == 1


async def test_days_are_closed(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    await ended(shop, 3)
    await close_books.loop(shop.platform).once()
    assert await shop.count("ledger_closings") > 0


async def test_deliveries_under_way_are_counted(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    await shop.create()
    observed: list[Mapping[Status, StatusCount]] = []
    await count_open.loop(shop.platform, observed.append).once()
    assert {status: of.deliveries for status, of in observed[0].items() if of.deliveries} == {
        Status.PENDING: 1
    }
    assert len(observed) == 1


async def test_endpoints_that_are_gone_are_disabled(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    pool, mine = shop.platform.pool, {"account_id": shop.account.id}
    endpoint_id = await webhook_rows.add_endpoint(pool, shop.scope)
    told = {"failures": 99, "rest_seconds": 5, "gone": 99, "gone_since": timedelta(days=-2)}
    await tables.add(pool, "endpoint_failures", **mine, endpoint_id=endpoint_id, **told)
    await gone.loop(shop.platform).once()
    assert await tables.value(pool, "endpoints", "disabled_why", mine) == "gone"
    disabled = {**mine, "act": "endpoint.disabled"}
    changes = orjson.loads(await tables.value(pool, "audit", "changes", disabled))
    assert 172_800 <= changes.pop("for_seconds") < 180_000
    assert changes == {"name": "default", "why": "it answered 410 Gone", "times": 99}


async def test_what_waits_to_be_searched_is_indexed(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    await shop.create()
    earlier = timedelta(minutes=-1)
    await tables.shift(shop.platform.pool, "search_texts", created_at=earlier)
    await search.loop(shop.platform).once()
    assert await shop.count("search_grams") == 1


LOOPS: dict[str, Callable[[Platform], Loop]] = {
    "ends": lambda platform: ends.loop(platform, Retention()),
    "personal data": lambda platform: personal_data.loop(platform, timedelta(days=9)),
    "books": close_books.loop,
    "search": search.loop,
    "overdue deliveries": due_moves.loop,
    "counting deliveries": lambda platform: count_open.loop(platform, lambda _: None),
    "endpoints that are gone": gone.loop,
}


@pytest.mark.parametrize("work", LOOPS)
async def test_work_that_fails_is_told_by_its_name_and_tried_again(
    fresh_database: str, work: str
) -> None:
    stop = asyncio.Event()
    async with platform_over(fresh_database) as platform:
        for table in ("accounts", "deliveries", "delivery_references", "endpoint_failures"):
            await database.hide(platform.pool, table)
        with capture_logs() as logs:

            async def is_done() -> bool:
                return len([line for line in logs if line["event"] == "stumbled"]) > 1

            running = asyncio.create_task(LOOPS[work](platform).run(stop))
            await until(is_done)
            stop.set()
            await running
    assert {line["work"] for line in logs if line["event"] == "stumbled"} == {work}
