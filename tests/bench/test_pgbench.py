"""pgbench writes what a request writes, whatever that is at the time."""

from pathlib import Path

import asyncpg

from bench import order_vs_pgbench, pgbench
from estafette.usecases.deliveries.idempotency import Idempotency, Key
from tests.usecases.angola import Shop
from tests.usecases.stage import CREATE, Tenant

TABLES = ("deliveries", "events", "messages", "idempotency")


async def test_pgbench_inserts_the_rows_of_a_create(
    tenant: Tenant, connection: asyncpg.Connection, postgres_dsn: str, tmp_path: Path
) -> None:
    live = tenant.live()
    await live.set_endpoint()
    ref = "o1-00000000000000000001"
    id = await live.create(external_ref=ref, idempotency=live.key(ref))
    script = await pgbench.script_like(connection, id, ref)
    assert sorted(script.tables) == sorted(TABLES)
    await pgbench.run(script, postgres_dsn, tmp_path, number=1, transactions=1)
    await pgbench.run(script, postgres_dsn, tmp_path, number=2, transactions=1)
    expected = 1 + 2 * pgbench.CLIENTS
    assert [await live.count(table) for table in TABLES] == [expected] * len(TABLES)
    joined = await connection.fetchval(
        "select count(distinct messages.id) from messages join events"
        " using (account_id, delivery_id, seq) join deliveries d"
        " on d.account_id = messages.account_id and d.id = messages.delivery_id"
        " where d.account_id = $1 and d.pickup ->> 'name' = 'Warehouse'",
        live.account.id,
    )
    assert joined == expected


async def test_pgbench_gives_the_quotes_of_a_request(
    shop: Shop, connection: asyncpg.Connection, postgres_dsn: str, tmp_path: Path
) -> None:
    await shop.company("fast")
    await shop.company("cheap")
    quotes = await shop.quotes()
    script = await pgbench.script_of_quotes(connection, [quote.id for quote in quotes])
    assert script.tables == ["quotes", "quotes"]
    await pgbench.run(script, postgres_dsn, tmp_path, number=1, transactions=1)
    kept = await connection.fetch(
        "select company_id, count(*) from quotes where account_id = $1 group by company_id",
        shop.account.id,
    )
    assert {row["company_id"] for row in kept} == {quote.company_id for quote in quotes}
    assert [row["count"] for row in kept] == [1 + pgbench.CLIENTS] * 2


async def test_pgbench_uses_a_quote_for_each_numbered_delivery(
    shop: Shop, connection: asyncpg.Connection, postgres_dsn: str, tmp_path: Path
) -> None:
    await shop.company("fast")
    quote, key = await shop.quote(), "o1-00000000000000000001"
    answered = Idempotency(Key(shop.scope, CREATE, key), b"digest")
    delivery = await shop.create(quote, idempotency=answered)
    script = await order_vs_pgbench.script_like(connection, delivery.id, quote.id, key)
    assert sorted(script.tables) == sorted(
        [
            *("deliveries", "delivery_references", "events", "idempotency"),
            *("quotes", "search_texts"),
        ]
    )
    await order_vs_pgbench.give_quotes(connection, quote.id, 1, each=2)
    await pgbench.run(script, postgres_dsn, tmp_path, number=1, transactions=2)
    used = await connection.fetchval(
        "select count(distinct quotes.id) from quotes join deliveries on used_by = deliveries.id"
        " and deliveries.account_id = quotes.account_id and quote_id = quotes.id"
        " where quotes.account_id = $1",
        shop.account.id,
    )
    numbers = await connection.fetchval(
        "select count(distinct reference) from deliveries where account_id = $1", shop.account.id
    )
    assert used == numbers == 1 + 2 * pgbench.CLIENTS
