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
from estafette.usecases.deliveries.advance import Move, advance
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.personal_data import erase_what_is_over, index_phones
from estafette.usecases.deliveries.search import Indexer, index_some
from estafette.usecases.ends import remove_what_is_over
from estafette.usecases.money.close_books import close_books
from estafette.usecases.sandbox.simulate import tick
from tests.usecases.aged import age
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


async def spoil(shop: Shop, table: str, events: str, of: UUID) -> None:
    """Lets the database refuse what is written to a table for an account, or a delivery."""
    await shop.sql(
        "create or replace function refuse() returns trigger language plpgsql as $$"
        f" begin if to_jsonb(coalesce(old, new))::text like '%{of}%'"
        " then raise exception 'spoilt'; end if; return coalesce(new, old); end $$"
    )
    await shop.sql(
        f"create trigger spoilt before {events} on {table} for each row execute function refuse()"
    )


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
    await spoil(first, "personal_data_progress", "insert or update", first.account.id)
    with capture_logs() as logs:
        await index_phones(first.platform)
        assert await erase_what_is_over(first.platform, KEPT) == 1
    assert not await is_erased(first, spoilt)
    assert await is_erased(second, over)
    told = [(line["work"], line["account"]) for line in logs if line["event"] == "stumbled"]
    of_first = str(first.account.id)
    assert told == [("index of phones", of_first), ("personal data", of_first)]
    completed = "select completed_at from upkeep where name = 'personal_data'"
    assert await first.platform.pool.fetchval(completed) is None


async def test_one_account_whose_rows_cannot_be_removed_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    for shop in shops:
        await shop.sql(
            "insert into messages (account_id, id, endpoint_id, delivery_id, state, due_at,"
            " created_at) values ($1, $2, $2, $2, 'delivered', now(), now() - interval '40 days')",
            shop.account.id,
            new_id(),
        )
        await shop.sql("update messages set delivery_id = '00000000-0000-7000-8000-000000000001'")
    first, second = shops
    await spoil(first, "messages", "delete", first.account.id)
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
    await spoil(first, "ledger_closings", "insert", first.account.id)
    assert await close_books(first.platform) == 1
    assert [await one.count("ledger_closings") > 0 for one in (first, second)] == [False, True]


async def test_one_delivery_that_time_cannot_move_keeps_no_others(
    shops: tuple[Shop, Shop],
) -> None:
    first, second = shops
    spoilt, fine = (await first.create()).id, (await second.create()).id
    await spoil(first, "events", "insert", spoilt)
    first.change(watch_limits=WatchLimits(courier=timedelta(0)))
    await first.sql("update deliveries set watch_at = now() - interval '1 minute'")
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
    await spoil(first, "events", "insert", spoilt)
    await first.sql("update sandbox_runs set due_at = now()")
    while (await tick(first.platform)).done:
        pass  # what fails is put off, so this ends
    assert (await first.delivery(spoilt)).status is Status.PENDING
    assert (await second.delivery(fine)).status is Status.ASSIGNED


async def test_one_table_that_cannot_be_read_keeps_no_other_from_its_partitions(
    clean_database: str,
) -> None:
    connection = await asyncpg.connect(clean_database)
    try:
        await connection.execute(
            "create table attempts_of_old partition of attempts"
            " for values from ('-infinity') to ('2000-01-01')"
        )
        for table in ("idempotency", "quotes"):
            for row in await connection.fetch(
                "select relname from pg_class join pg_inherits on inhrelid = pg_class.oid"
                f" where inhparent = '{table}'::regclass and relname <> '{table}_default'"
            ):
                await connection.execute(f"drop table {row['relname']}")
        done = await keep_up(connection, Retention())  # pyright: ignore[reportArgumentType]
    finally:
        await connection.execute("drop table if exists attempts_of_old")
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
            await index_some(platform)
        indexed = await platform.pool.fetch("select distinct account_id from search_grams")
        assert {row["account_id"] for row in indexed} == {shop.account.id for shop in shops}
        while await index_some(platform):
            pass
        await spoil(last, "search_grams", "insert", last.account.id)
        await write_text(last)
        for shop in shops[:2]:
            await write_text(shop)
        indexer = Indexer(platform)
        assert await indexer.round() == (2, False)
        assert await indexer.round() == (0, False)  # who fails is left alone for a while
        await last.sql("drop function refuse cascade")


async def write_text(shop: Shop) -> None:
    """A text to be searched, of a delivery some seconds ago."""
    at = "clock_timestamp() - interval '3 seconds'"
    await shop.sql(
        "insert into search_texts (account_id, mode, created_at, delivery_id, content)"
        f" values ($1, 'live', {at}, $2, 'Rua Rainha Ginga')",
        shop.account.id,
        new_id(),
    )
    await shop.sql(
        "insert into delivery_references (account_id, mode, year, last, last_at)"
        f" values ($1, 'live', 2026, 1, {at})"
        " on conflict (account_id, mode, year) do update set last_at = excluded.last_at",
        shop.account.id,
    )
