"""What is done for an account leaves another's rows alone, even those with the very same ids.

Ids are made so that no two are the same. A statement asks for the account all the same: then no
mistake with an id can reach what is another's. Here another account has a copy of every row.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.accounts.page_orders import OrderTally
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.money.books import Book, Cause
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.store.accounts import page_tallies
from estafette.store.accounts.page_tallies import Counted
from estafette.store.couriers import dispatches
from estafette.store.deliveries import (
    due_moves,
    idempotency,
    looking,
    personal_data,
    references,
)
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.idempotency import Key, StoredAnswer
from estafette.store.deliveries.references import Series
from estafette.store.money import books, closings
from estafette.store.quotes import table as quotes
from estafette.store.sandbox import plans
from estafette.usecases.couriers.dispatch import Placement, followed, lost, note_webhook, placed
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.privacy import erase_phone
from estafette.usecases.deliveries.search import indexer
from estafette.usecases.money.payments import confirm_payment
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, Shop, new_shop
from tests.usecases.deliveries.test_personal_data import DROPOFF, PHONE, PICKUP
from tests.usecases.far import Far, told
from tests.usecases.money.test_close_books import COMPANIES, add, added_up, opening
from tests.usecases.stage import DIALECT, Merchant, Tenant, new_tenant, render

COPIED = (
    *("deliveries", "events", "quotes", "sandbox_runs", "dispatches", "idempotency"),
    *("search_texts", "search_grams", "phone_index", "delivery_references"),
)


async def rows(merchant: Merchant) -> set[tuple[str, str]]:
    """Every row of the tables that are copied, by table."""
    found: set[tuple[str, str]] = set()
    for table in COPIED:
        mine = {"account_id": merchant.account.id}
        found |= {(table, row) for row in await tables.texts(merchant.platform.pool, table, mine)}
    return found


async def copy(of: Merchant, to: Merchant) -> None:
    for table in COPIED:
        await tables.copy_account(of.platform.pool, table, of.account.id, to.account.id)


@asynccontextmanager
async def beside_a_twin(merchant: Merchant) -> AsyncGenerator[Merchant]:
    """Another account has what the merchant has now, and keeps it as it is."""
    if isinstance(merchant, Shop):
        twin: Merchant = await new_shop(merchant.platform, merchant.mode)
    else:
        twin = await new_tenant(merchant.platform, merchant.mode)
    await copy(merchant, twin)
    before = await rows(twin)
    assert before
    yield twin
    assert await rows(twin) == before


async def test_a_deliverys_moves_and_its_end(tenant: Tenant) -> None:
    one, other = await tenant.create(), await tenant.create()
    async with beside_a_twin(tenant):
        moves = [Move(Status.ASSIGNED, Actor.COURIER), Move(Status.STALLED, Actor.SYSTEM)]
        await advance(tenant.platform, tenant.scope, DIALECT, one, moves)
        await cancel(tenant.platform, Cancellation(tenant.scope, DIALECT, other, render))
        async with tenant.platform.pool.acquire() as connection:
            await plans.stop(connection, tenant.account.id, one)
            await plans.QUEUE.put_off(connection, tenant.account.id, other)
            await due_moves.QUEUE.put_off(connection, tenant.account.id, one)
            await deliveries.set_pin_failures(connection, tenant.account.id, one, 2)
            await due_moves.look_again(
                connection, [await tenant.delivery(one)], tenant.platform.watch_limits
            )
            assert await plans.step(connection, tenant.account.id, one) is not None


async def test_a_quote_that_is_used(shop: Shop) -> None:
    await shop.company("moto")
    quote = await shop.quote()
    async with beside_a_twin(shop):
        delivery = await shop.create(quote)
    mine = {"account_id": shop.account.id, "id": quote.id}
    assert await tables.value(shop.platform.pool, "quotes", "used_by", mine) == delivery.id


async def test_what_becomes_of_a_dispatch(far: Far) -> None:
    platform = far.shop.platform
    delivery = await far.create(payment=BY_TRANSFER)
    async with beside_a_twin(far.shop):
        await confirm_payment(platform, far.shop.scope, ENTREGA, delivery.id)
        errand = await far.errand()
        assert await placed(platform, errand, Placement("up-1", "123456", 900), timedelta())
        errand = await far.errand()
        assert await followed(platform, errand, told(Status.ASSIGNED), timedelta(minutes=9))
        assert await note_webhook(platform, far.company.id, "up-1", None)
        far.answers = [Recalled.CANCELLED]
        await far.cancel(delivery.id)
    assert (await far.row(delivery.id))["state"] == "closed"


async def test_a_dispatch_that_is_lost_or_closed(far: Far) -> None:
    platform = far.shop.platform
    lost_one, closed = [await far.create(payment=BY_TRANSFER) for _ in range(2)]
    async with beside_a_twin(far.shop):
        await confirm_payment(platform, far.shop.scope, ENTREGA, lost_one.id)
        errand = await far.errand_placed()
        await far.by_hand(closed.id, Status.CANCELLED)
        far.answers = [Recalled.REFUSED]
        async with platform.pool.acquire() as connection:
            key = (far.shop.account.id, lost_one.id)
            await dispatches.mark_recalled(connection, *key, recalled=True)
        assert await lost(platform, errand, "gone")
        async with platform.pool.acquire() as connection:
            await dispatches.dispute(connection, far.shop.account.id, closed.id, "it is there")
    assert (await far.row(closed.id))["state"] == "disputed"


async def test_an_erasure(far: Far) -> None:
    shop = far.shop
    delivery = await far.create(
        pickup=PICKUP, dropoff=DROPOFF, payment=Payment(PaymentMethod.COD, cash_collect=5)
    )
    await far.by_hand(delivery.id, Status.CANCELLED)
    pool = shop.platform.pool
    await tables.change(pool, "dispatches", last_error="for Teresa")
    await tables.shift(pool, "search_texts", created_at=timedelta(minutes=-1))
    await indexer(shop.platform).round()
    async with beside_a_twin(shop):
        assert (await erase_phone(shop.platform, PHONE, shop.account)).erased == 1
    assert (await shop.delivery(delivery.id)).dropoff.name == "erased"


async def test_what_is_asked_for_by_an_id(far: Far) -> None:
    """Of the account that asks, and of nobody else."""
    shop = far.shop
    quote = await shop.quote()
    delivery = await far.create(dropoff=DROPOFF)
    stranger = (await new_shop(shop.platform)).scope
    mine, theirs = shop.scope, stranger
    rehearsed = mine._replace(mode=Mode.SANDBOX)
    async with shop.platform.pool.acquire() as connection:
        for scope in (theirs, rehearsed):
            wanted = [(scope, delivery.id)]
            assert await deliveries.find(connection, *wanted[0]) is None
            assert await deliveries.find_many(connection, wanted) == {}
            assert await quotes.lock(connection, [(scope, quote.id)]) == {}
            assert (
                await deliveries.find_by_reference(connection, scope, delivery.reference or "")
                is None
            )
        assert await deliveries.lock(connection, [(theirs, delivery.id)]) == {}
        assert await dispatches.find(connection, theirs.account_id, delivery.id) is None
        assert await dispatches.lock(connection, theirs.account_id, delivery.id) is None
        assert await plans.step(connection, theirs.account_id, delivery.id) is None
        assert await dispatches.stored(connection, theirs.account_id, delivery.id) is None
        for scope, young in ((theirs, []), (mine, [delivery.id])):
            after = await personal_data.indexed_to(connection, scope.account_id)
            assert young == await deliveries.naming_after(
                connection, scope.account_id, after, PHONE, seconds=5
            )
        year = delivery.created_at.year
        numbered = {"year": year, "last": 9}
        await tables.add(connection, "delivery_references", **theirs._asdict(), **numbered)
        given = await references.lock(connection, [Series(mine, year), Series(rehearsed, year)])
        assert {one.number for one in given.values()} == {0, 1}


async def test_a_quote_is_not_locked_for_another_account(shop: Shop) -> None:
    await shop.company("moto")
    quote = await shop.quote()
    stranger = (await new_shop(shop.platform)).scope
    pool = shop.platform.pool
    async with pool.acquire() as one, one.transaction():
        assert await quotes.lock(one, [(stranger, quote.id)]) == {}
        async with pool.acquire() as other, other.transaction():
            await tables.lock(other, "quotes", {"id": quote.id})


async def test_what_is_asked_for_by_a_key_or_a_reference(far: Far) -> None:
    shop = far.shop
    delivery = await far.create(external_ref="order-7")
    mine, theirs = shop.scope, (await new_shop(shop.platform)).scope
    rehearsed = mine._replace(mode=Mode.SANDBOX)
    answer = StoredAnswer(b"f", 201, b"{}")
    key = Key(mine, "POST /v1/deliveries", "k-1")
    others = [
        key._replace(scope=theirs),
        key._replace(scope=rehearsed),
        key._replace(endpoint="POST /v1/quotes"),
        key._replace(key="k-2"),
    ]
    keys = [*others, key]
    refs = [(theirs, "order-7"), (rehearsed, "order-7"), (mine, "order-8"), (mine, "order-7")]
    async with shop.platform.pool.acquire() as connection, connection.transaction():
        await idempotency.insert(connection, [(key, answer)])
        assert await idempotency.find(connection, keys) == {key: answer}
        seen = await looking.look(connection, [], keys, refs)
        assert seen.answers == {key: answer}
        assert seen.taken == {(mine, "order-7"): delivery.id}
        kept = timedelta(hours=24, seconds=1)
        await tables.shift(connection, "idempotency", created_at=-kept)
        assert await idempotency.find(connection, keys) == {}
        assert (await looking.look(connection, [], keys, refs)).answers == {}
    await far.by_hand(delivery.id, Status.CANCELLED)
    async with shop.platform.pool.acquire() as connection, connection.transaction():
        assert (await looking.look(connection, [], keys, refs)).taken == {}


async def test_what_pages_have_ordered_is_counted_by_key_and_source(tenant: Tenant) -> None:
    of = Counted(tenant.account.id, new_id(), b"here")
    others = [
        of._replace(account_id=new_id()),
        of._replace(key_id=new_id()),
        of._replace(source=b"there"),
    ]
    tally = OrderTally().at(datetime.now(UTC)).plus_one()
    async with tenant.platform.pool.acquire() as connection:
        await page_tallies.write(connection, {of: tally})
        assert await page_tallies.read(connection, [*others, of]) == {of: tally}


async def test_the_books_of_an_account_and_mode(shop: Shop) -> None:
    """What another account, or the other mode, has booked is in no statement, sum or closing."""
    await shop.company("bank", capabilities=WITH_BANK)
    awaited = await shop.create(payment=BY_TRANSFER)
    other, rehearsed = await new_shop(shop.platform), replace(shop, mode=Mode.SANDBOX)
    await add(shop, timedelta(days=3), 100)
    await add(rehearsed, timedelta(days=3), 30)
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(minutes=1)
    paid = books.BookedPayment(new_id(), Cause.SETTLED, Book.CASH, COMPANIES[0], 5, "R-1")
    pool = shop.platform.pool
    async with pool.acquire() as connection, connection.transaction():
        await books.book_payment(connection, shop.scope, paid)
        assert await books.payment(connection, shop.scope, "R-1") == paid
        for scope in (other.scope, rehearsed.scope):
            assert await books.payment(connection, scope, "R-1") is None
        assert await books.balances(connection, other.scope, end) == []
        assert await books.entries(connection, other.scope, begin, end, None, 9) == []
        assert len(await books.entries(connection, rehearsed.scope, begin, end, None, 9)) == 2
        [entry, *_] = await books.entries(connection, shop.scope, begin, end, None, 9)
        assert await books.balances(connection, shop.scope, entry.booked_at) == []
        start = (begin, UUID(int=0))
        awaiting = deliveries.awaiting_transfer
        waiting = await awaiting(connection, "live", shop.account.id, 9, start)
        assert [delivery.id for delivery in waiting] == [awaited.id]
        assert await awaiting(connection, "live", other.account.id, 9, start) == []
        assert await awaiting(connection, "sandbox", shop.account.id, 9, start) == []
        assert await closings.close_next(connection, other.scope) is None
    await add(other, timedelta(days=3), 70)
    async with pool.acquire() as connection, connection.transaction():
        for of in (shop, other, rehearsed):
            assert await closings.close_next(connection, of.scope) is not None
    for of in (shop, other, rehearsed):
        assert await opening(of, end) == await added_up(of, end)
        assert await opening(of, begin) == {}  # which was before all closings
