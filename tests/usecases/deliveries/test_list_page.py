"""Lists by offset, of deliveries as they are created and moved."""

import asyncio
from datetime import timedelta

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.search import ListFilter, indexer, list_page, loop
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import BENGUELA, ENTREGA, VIANA, Shop


async def listed(shop: Shop, **wanted: object) -> list[str | None]:
    page, _ = await list_page(shop.platform, shop.scope, ListFilter()._replace(**wanted))
    return [delivery.reference for delivery in page]


async def test_a_delivery_is_found_as_soon_as_it_is_created(shop: Shop) -> None:
    await shop.company("fast")
    delivery = await shop.create()
    other = await shop.create(dropoff=BENGUELA)
    for piece in ("MAIÂNGA", "rua 7,", delivery.reference, "ainha ginga"):
        assert delivery.reference in await listed(shop, search=piece)
    assert await listed(shop, search="maianga") == [delivery.reference]
    assert await listed(shop, search="benguela") == [other.reference]
    assert await listed(shop, search=VIANA.name) == []  # of a person


async def test_a_delivery_is_listed_by_the_status_that_it_has_now(shop: Shop) -> None:
    await shop.company("fast")
    one, two = await shop.create(), await shop.create()
    await advance(
        shop.platform, shop.scope, ENTREGA, one.id, [Move(Status.ASSIGNED, Actor.COURIER)]
    )
    assert await listed(shop, statuses=[Status.ASSIGNED]) == [one.reference]
    assert await listed(shop, statuses=[Status.PENDING], search="maianga") == [two.reference]
    assert await listed(shop, statuses=[Status.FAILED]) == []


async def test_a_list_grows_at_its_newest_end_however_many_create_at_once(shop: Shop) -> None:
    await shop.company("fast")
    quotes = [await shop.quote() for _ in range(60)]
    creators = [Creator(shop.platform) for _ in range(3)]
    await asyncio.gather(
        *(creators[n % 3].create(shop.order(quote)) for n, quote in enumerate(quotes))
    )
    page, more = await list_page(shop.platform, shop.scope, ListFilter(descending=False, limit=100))
    assert not more
    # numbers are given one after another, each when those before it are there for all to see
    by_number = sorted(page, key=lambda delivery: delivery.reference or "")
    times = [delivery.created_at for delivery in by_number]
    assert times == sorted(times)


async def test_a_wrong_clock_dates_only_its_own_deliveries(shop: Shop) -> None:
    await shop.company("fast")
    first = await shop.create()
    far = first.created_at + timedelta(days=300)
    pool, mine = shop.platform.pool, {"account_id": shop.account.id}
    await tables.change(pool, "delivery_references", mine, last_at=far)
    await tables.add(pool, "search_progress", **shop.scope._asdict(), indexed_to=far)
    second, third = await shop.create(), await shop.create()
    assert first.created_at < second.created_at < third.created_at < far
    numbers = [int((one.reference or "")[-5:]) for one in (first, second, third)]
    assert numbers == [1, 2, 3]
    assert await tables.value(pool, "search_progress", "indexed_to", mine) < second.created_at


async def test_a_delivery_is_created_in_the_year_of_its_number(shop: Shop) -> None:
    await shop.company("fast")
    delivery = await shop.create()
    assert delivery.reference == f"DLV-{delivery.created_at.year}-00001"


async def test_a_clock_that_was_set_back_does_not_create_before_what_is_there(shop: Shop) -> None:
    await shop.company("fast")
    first = await shop.create()
    pool, mine = shop.platform.pool, {"account_id": shop.account.id}
    now = await tables.now(pool)
    ahead = now.replace(microsecond=now.microsecond // 1000 * 1000) + timedelta(seconds=4)
    await tables.change(pool, "delivery_references", mine, last_at=ahead)
    second = await shop.create()
    assert second.created_at == ahead + timedelta(milliseconds=1)
    assert await listed(shop) == [second.reference, first.reference]


async def test_the_worker_indexes_what_was_created(shop: Shop) -> None:
    await shop.company("fast")
    delivery = await shop.create()
    where, earlier = {"delivery_id": delivery.id}, timedelta(minutes=-1)
    await tables.shift(shop.platform.pool, "search_texts", where, created_at=earlier)
    while await shop.count("search_grams") == 0:
        assert (await indexer(shop.platform).round()).done
    assert await loop(shop.platform).once() > 0
