"""What fails on one account or delivery keeps no other from what is done in the background."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.retention import LONGEST_DAYS, Retention
from estafette.store.partitions import keep_up
from estafette.usecases.accounts.administration import keep_personal_data
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.personal_data import erase_what_is_over, index_phones
from estafette.usecases.deliveries.search import indexer
from estafette.usecases.ends import remove_what_is_over
from estafette.usecases.money.close_books import close_books
from estafette.usecases.sandbox.simulate import tick
from tests.moving import advance
from tests.rows import database, tables
from tests.rows import deliveries as delivery_rows
from tests.rows.deliveries import age
from tests.usecases.angola import ENTREGA, VIANA, Shop, angola_over, new_shop

KEPT = timedelta(days=180)
NAMED = replace(VIANA, name="Teresa M.", phone="923 444 555", phone_e164="+244923444555")
TO_THE_END = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


async def ended(shop: Shop, days: float) -> UUID:
    """A delivery that was delivered so many days ago."""
    id = (await shop.create(dropoff=NAMED)).id
    moves = [Move(status, Actor.COURIER) for status in TO_THE_END]
    await advance(shop.platform, shop.scope, ENTREGA, id, moves)
    async with shop.platform.pool.acquire() as connection:
        return await age(connection, id, days)  # pyright: ignore[reportArgumentType] - a proxy of one


async def is_erased(shop: Shop, id: UUID) -> bool:
    return (await shop.delivery(id)).dropoff.name == "erased"


@pytest.mark.parametrize("days", [20_900, LONGEST_DAYS])
async def test_an_account_that_keeps_personal_data_for_good_stops_no_others_erasing(
    shops: tuple[Shop, Shop], days: int
) -> None:
    first, second = shops
    await keep_personal_data(first.platform, first.account.name, days)
    kept, over = await ended(first, 182), await ended(second, 182)
    assert await erase_what_is_over(first.platform, KEPT) == 1
    assert not await is_erased(first, kept)
    assert await is_erased(second, over)


async def test_an_installation_may_keep_personal_data_as_long_as_its_setting_allows(
    shops: tuple[Shop, Shop],
) -> None:
    id = await ended(shops[0], 182)
    assert await erase_what_is_over(shops[0].platform, timedelta(days=LONGEST_DAYS)) == 0
    assert not await is_erased(shops[0], id)


async def test_one_account_that_cannot_be_erased_or_indexed_is_logged_and_the_others_are(
    shops: tuple[Shop, Shop],
) -> None:
    first, second = shops
    spoilt, over = await ended(first, 182), await ended(second, 182)
    await database.refuse_writing(
        first.platform.pool, "personal_data_progress", "insert or update", first.account.id
    )
    with capture_logs() as logs:
        await index_phones(first.platform)
        assert await erase_what_is_over(first.platform, KEPT) == 1
    assert not await is_erased(first, spoilt)
    assert await is_erased(second, over)
    told = [(line["work"], line["account"]) for line in logs if line["event"] == "stumbled"]
    of_first = str(first.account.id)
    assert told == [("index of phones", of_first), ("personal data", of_first)]
    upkeep = {"name": "personal_data"}
    assert await tables.value(first.platform.pool, "upkeep", "completed_at", upkeep) is None


async def test_one_account_whose_rows_cannot_be_removed_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    for shop in shops:
        pool, old = shop.platform.pool, timedelta(days=-40)
        of = {"account_id": shop.account.id, "id": new_id(), "endpoint_id": new_id()}
        long_ago = UUID("00000000-0000-7000-8000-000000000001")
        is_over = {"state": "delivered", "due_at": timedelta(), "created_at": old}
        await tables.add(pool, "messages", **of, delivery_id=long_ago, **is_over)
    first, second = shops
    await database.refuse_writing(first.platform.pool, "messages", "delete", first.account.id)
    with capture_logs() as logs:
        await remove_what_is_over(first.platform, Retention())
    assert [await first.count("messages"), await second.count("messages")] == [1, 0]
    assert [line["account"] for line in logs if line["event"] == "stumbled"] == [
        str(first.account.id)
    ]


async def test_one_account_whose_books_cannot_be_closed_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    first, second = shops
    for shop in shops:
        await ended(shop, 3)
    await database.refuse_writing(
        first.platform.pool, "ledger_closings", "insert", first.account.id
    )
    assert await close_books(first.platform) == 1
    assert [await one.count("ledger_closings") > 0 for one in (first, second)] == [False, True]


async def test_one_delivery_that_time_cannot_move_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    first, second = shops
    spoilt, fine = (await first.create()).id, (await second.create()).id
    await database.refuse_writing(first.platform.pool, "events", "insert", spoilt)
    first.change(watch_limits=WatchLimits(courier=timedelta(0)))
    await tables.change(first.platform.pool, "deliveries", watch_at=timedelta(minutes=-1))
    with capture_logs() as logs:
        while (await look_after(first.platform)).done:
            pass  # what fails is put off, so this ends
    assert (await first.delivery(spoilt)).status is Status.PENDING
    assert (await second.delivery(fine)).status is Status.STALLED
    assert [line["work"] for line in logs if line["event"] == "stumbled"] == ["overdue deliveries"]


async def test_one_simulated_delivery_that_cannot_move_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    for shop in shops:
        shop.mode = Mode.SANDBOX
    first, second = shops
    spoilt, fine = (await first.create()).id, (await second.create()).id
    await database.refuse_writing(first.platform.pool, "events", "insert", spoilt)
    await tables.change(first.platform.pool, "sandbox_runs", due_at=timedelta())
    while (await tick(first.platform)).done:
        pass  # what fails is put off, so this ends
    assert (await first.delivery(spoilt)).status is Status.PENDING
    assert (await second.delivery(fine)).status is not Status.PENDING


async def test_one_table_that_cannot_be_read_keeps_no_other_from_its_partitions(
    clean_database: str,
) -> None:
    connection = await asyncpg.connect(clean_database)
    try:
        await database.spoil_partitions(connection, "attempts")
        for table in ("idempotency", "quotes"):
            await database.drop_partitions(connection, table)
        done = await keep_up(connection, Retention())  # pyright: ignore[reportArgumentType]
    finally:
        await database.mend_partitions(connection, "attempts")
        await connection.close()
    assert {name.partition("_")[0] for name in done.made} >= {"idempotency", "quotes"}
    assert "attempts" in done.failed


async def test_every_busy_account_has_its_turn_in_the_index_of_searches(
    clean_database: str,
) -> None:
    async with angola_over(clean_database) as platform:
        shops = [await new_shop(platform) for _ in range(22)]
        last = max(shops, key=lambda shop: shop.account.id)
        for _ in range(3):  # each has new texts before every round
            for shop in shops:
                await write_text(shop)
            await indexer(platform).round()
        indexed = await tables.values(platform.pool, "search_grams", "account_id")
        assert set(indexed) == {shop.account.id for shop in shops}
        while (await indexer(platform).round()).done:
            pass
        await database.refuse_writing(last.platform.pool, "search_grams", "insert", last.account.id)
        await write_text(last)
        for shop in shops[:2]:
            await write_text(shop)
        texts = indexer(platform)
        assert await texts.round() == (2, False)
        assert await texts.round() == (0, False)  # who fails is left alone for a while
        await database.let_write_again(last.platform.pool)


async def write_text(shop: Shop) -> None:
    """A text to be searched, of a delivery some seconds ago."""
    at = timedelta(seconds=-3)
    await delivery_rows.add_search_text(shop.platform.pool, shop.scope, "Rua Rainha Ginga", at)
