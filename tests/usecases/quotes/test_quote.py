"""Quoting a delivery, and creating one from a quote."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Delivery, Parcel, Stop
from estafette.core.errors import OutOfCoverage, QuoteExpired, QuoteMismatch, QuoteNotFound, Refusal
from estafette.core.ids import new_id
from estafette.core.quotes.quote import VALIDITY, Quote
from estafette.seeds.cities import cities_of
from estafette.seeds.tariffs import tariffs_of
from estafette.store import pool
from estafette.store.quotes import catalog
from estafette.store.quotes import table as quotes
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.quotes.quote import Quoter
from tests.rows import tables
from tests.usecases.stage import Tenant, new_tenant, platform_over, refused_in

PAYLOAD = {"parcel": {"weightGrams": 1200}, "pickup": {"address": "Almaty"}}


async def stored_quote(tenant: Tenant, age: timedelta = timedelta()) -> Quote:
    """A quote for PAYLOAD that was given `age` ago."""
    async with tenant.platform.pool.acquire() as connection:
        created_at = await pool.now(connection) - age
        quote = Quote(
            id=new_id(),
            scope=tenant.scope,
            bound=quotes.digests(PAYLOAD),
            fee=990,
            pickup_within=timedelta(hours=2),
            delivery_within=timedelta(hours=10),
            created_at=created_at,
            expires_at=created_at + VALIDITY,
        )
        await quotes.insert(connection, [quote])
    return quote


@pytest.fixture
async def priced(fresh_database: str) -> AsyncIterator[Tenant]:
    """An account where Kazakhstan has its cities and its price list."""
    async with platform_over(fresh_database) as platform:
        async with platform.pool.acquire() as connection:
            await catalog.insert_cities(connection, cities_of("KZ"))
            await catalog.replace_tariffs(connection, "KZ", tariffs_of("KZ"))
        platform.catalog.forget()
        yield await new_tenant(platform)


async def quoted(tenant: Tenant, dropoff: str, weight_grams: int = 1200) -> Quote:
    return await Quoter(tenant.platform).quote(
        tenant.scope,
        tenant.account.market,
        Stop("21 Zhibek Zholy, Almaty"),
        Stop(dropoff),
        Parcel(weight_grams),
        PAYLOAD,
    )


async def test_a_quote_binds_fee_and_promise_whatever_the_tariffs_become(priced: Tenant) -> None:
    quote = await quoted(priced, "Абая 1, Алматы")
    assert quote.fee > 0
    assert quote.expires_at - quote.created_at == VALIDITY
    async with priced.platform.pool.acquire() as connection:
        await catalog.replace_tariffs(connection, "KZ", [])
    priced.platform.catalog.forget()
    id = await priced.create(quote_id=quote.id, quoted_payload=PAYLOAD)
    delivery = await priced.delivery(id)
    assert delivery.fee == quote.fee
    assert delivery.pickup_by == delivery.created_at + quote.pickup_within
    assert delivery.deliver_by == delivery.pickup_by + quote.delivery_within


async def test_a_delivery_without_a_quote_gets_the_price_of_its_route(priced: Tenant) -> None:
    quote = await quoted(priced, "17 Abylay Khan Ave, Almaty")
    delivery = await priced.delivery(await priced.create())
    assert delivery.fee == quote.fee
    assert (delivery.pickup.city, delivery.dropoff.city) == ("Almaty", "Almaty")


async def test_parallel_quotes_are_different_quotes(priced: Tenant) -> None:
    quoter = Quoter(priced.platform)
    stop, market = Stop("Almaty"), priced.account.market
    found = await asyncio.gather(
        *(quoter.quote(priced.scope, market, stop, stop, Parcel(100), {}) for _ in range(100))
    )
    assert len({quote.id for quote in found}) == await priced.count("quotes") == 100


@pytest.mark.parametrize(("place", "grams"), [("Paris", 1200), ("Almaty", 10**9)])
async def test_what_no_tariff_serves_is_out_of_coverage(
    priced: Tenant, place: str, grams: int
) -> None:
    with pytest.raises(OutOfCoverage):
        await quoted(priced, place, grams)


async def test_a_quote_is_used_once_under_two_hundred_parallel_creates(tenant: Tenant) -> None:
    quote = await stored_quote(tenant)
    creators = [tenant.creator, Creator(tenant.platform)]
    order = tenant.order(quote_id=quote.id, quoted_payload=PAYLOAD)
    answers = await asyncio.gather(
        *(creator.create(order) for _ in range(100) for creator in creators)
    )
    assert sorted(answer.reply.status for answer in answers) == [201] + [409] * 199
    assert await tenant.count("deliveries") == 1


async def test_a_used_quote_is_a_conflict_that_names_the_delivery(tenant: Tenant) -> None:
    def naming(outcome: Delivery | Refusal) -> Reply:
        return Reply(409, str(getattr(outcome, "delivery_id", None)).encode())

    quote = await stored_quote(tenant)
    id = await tenant.create(quote_id=quote.id, quoted_payload=PAYLOAD)
    order = tenant.order(quote_id=quote.id, quoted_payload=PAYLOAD, render=naming)
    assert (await tenant.creator.create(order)).reply.body.decode() == str(id)


async def test_an_expired_quote_is_refused_and_leaves_the_key_unused(tenant: Tenant) -> None:
    quote = await stored_quote(tenant, age=VALIDITY)
    order = tenant.order(
        quote_id=quote.id, quoted_payload=PAYLOAD, idempotency=tenant.key("k", "with the quote")
    )
    with pytest.raises(QuoteExpired):
        await tenant.creator.create(order)
    assert await tenant.count("idempotency") == 0
    assert await tenant.create(idempotency=tenant.key("k", "without"))


async def test_a_quote_is_good_until_its_last_moment(tenant: Tenant) -> None:
    quote = await stored_quote(tenant, age=VALIDITY - timedelta(minutes=1))
    assert await tenant.create(quote_id=quote.id, quoted_payload=PAYLOAD)


async def test_a_quote_of_another_account_or_mode_is_not_found(tenant: Tenant) -> None:
    quote = await stored_quote(tenant)
    for stranger in (tenant.live(), await new_tenant(tenant.platform)):
        with pytest.raises(QuoteNotFound):
            await stranger.create(quote_id=quote.id, quoted_payload=PAYLOAD)
    assert await tenant.create(quote_id=quote.id, quoted_payload=PAYLOAD)


async def test_a_quote_of_another_payload_is_refused_naming_the_fields(tenant: Tenant) -> None:
    quote = await stored_quote(tenant)
    other = PAYLOAD | {"parcel": {"weightGrams": 1300}, "unquoted": 1}
    with pytest.raises(QuoteMismatch) as refused:
        await tenant.create(quote_id=quote.id, quoted_payload=other)
    assert refused.value.fields == ("parcel",)
    assert await tenant.count("deliveries") == 0


async def test_a_conflict_of_orders_leaves_the_quote_unused(tenant: Tenant) -> None:
    quote = await stored_quote(tenant)
    await tenant.create(external_ref="order-1")
    order = tenant.order(external_ref="order-1", quote_id=quote.id, quoted_payload=PAYLOAD)
    assert refused_in(await tenant.creator.create(order)) == "OrderConflict"
    assert await tenant.creator.create(replace(order, external_ref="order-2"))
    assert await tenant.count("deliveries") == 2


async def test_a_refused_quote_leaves_the_order_number_free(tenant: Tenant) -> None:
    quote = await stored_quote(tenant, age=VALIDITY)
    with pytest.raises(QuoteExpired):
        await tenant.create(external_ref="order-1", quote_id=quote.id, quoted_payload=PAYLOAD)
    assert await tenant.create(external_ref="order-1")


async def test_a_quote_of_the_version_before_is_compared_by_its_payload(tenant: Tenant) -> None:
    quote = await stored_quote(tenant)
    where = {"id": quote.id}
    payload = '{"parcel": {"weightGrams": 1200.0}, "pickup": {"address": "Almaty"}}'
    await tables.change(tenant.platform.pool, "quotes", where, payload=payload, digests=None)
    other = PAYLOAD | {"parcel": {"weightGrams": 1300}}
    with pytest.raises(QuoteMismatch):
        await tenant.create(quote_id=quote.id, quoted_payload=other)
    assert await tenant.create(quote_id=quote.id, quoted_payload=PAYLOAD)
