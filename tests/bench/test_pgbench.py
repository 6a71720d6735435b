"""pgbench writes what a create writes, whatever that is at the time."""

from pathlib import Path

import asyncpg

from bench import pgbench
from tests.usecases.stage import Tenant

TABLES = ("deliveries", "events", "messages", "idempotency")


async def test_pgbench_inserts_the_rows_of_a_create(
    tenant: Tenant, connection: asyncpg.Connection, postgres_dsn: str, tmp_path: Path
) -> None:
    live = tenant.live()
    await live.set_endpoint()
    ref = "o1-00000000000000000001"
    id = await live.create(external_ref=ref, idempotency=live.key(ref))
    script = await pgbench.script_like(connection, id)
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
