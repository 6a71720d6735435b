"""pgbench writes what a request writes, whatever that is at the time."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bench import order_vs_pgbench, pgbench
from estafette.usecases.deliveries.idempotency import Idempotency, Key
from tests.rows import database, tables
from tests.rows.webhooks import announcements
from tests.usecases.angola import Shop
from tests.usecases.stage import CREATE, Tenant

TABLES = ("deliveries", "events", "messages", "idempotency")


@pytest.fixture(autouse=True)
async def leaves_nothing(_worker_database: Any) -> AsyncIterator[None]:
    """Empties the tables: pgbench copies secrets, which no process could read in their copies."""
    yield
    await database.empty(_worker_database.dsn, _worker_database.emptied)


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
    ids = await tables.values(connection, "deliveries", "id", {"account_id": live.account.id})
    told = [
        message for id in ids for message in await announcements(connection, live.account.id, id)
    ]
    assert len(told) == expected


async def test_pgbench_gives_the_quotes_of_a_request(
    shop: Shop, connection: asyncpg.Connection, postgres_dsn: str, tmp_path: Path
) -> None:
    await shop.company("fast")
    await shop.company("cheap")
    quotes = await shop.quotes()
    script = await pgbench.script_of_quotes(connection, [quote.id for quote in quotes])
    assert script.tables == ["quotes", "quotes"]
    await pgbench.run(script, postgres_dsn, tmp_path, number=1, transactions=1)
    mine = {"account_id": shop.account.id}
    kept = Counter(await tables.values(connection, "quotes", "company_id", mine))
    assert kept == {quote.company_id: 1 + pgbench.CLIENTS for quote in quotes}


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
    mine = {"account_id": shop.account.id}
    stored = await tables.read(connection, "deliveries", mine)
    pairs = {(row["quote_id"], row["id"]) for row in stored}
    used = await tables.read(connection, "quotes", {**mine, "used_by": tables.PRESENT})
    assert {(row["id"], row["used_by"]) for row in used} == pairs
    numbers = {row["reference"] for row in stored}
    assert len(pairs) == len(numbers) == 1 + 2 * pgbench.CLIENTS
