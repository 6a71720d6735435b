"""What is done by hand through the sandbox's own API is written down, with the key and address."""

import asyncpg

from estafette.core.accounts.account import Mode
from tests.rows import tables
from tests.serving import Server, Tenant


async def test_a_move_by_hand_tells_the_key_and_the_address(
    server: Server, tenant: Tenant, connection: asyncpg.Connection
) -> None:
    id = await tenant.create()
    for body in (None, {"status": "out_for_delivery"}):
        answer = await tenant.post(f"/sandbox/v1/deliveries/{id}/advance", body)
        assert answer.status == 200
    moved = {"account_id": tenant.account.id, "act": "delivery.moved"}
    entries = await tables.read(connection, "audit", moved, order="at")
    assert [entry["changes"] for entry in entries] == [
        '{"status":["pending","assigned"]}',
        '{"status":["assigned","out_for_delivery"]}',
    ]
    where = {"account_id": tenant.account.id, "mode": Mode.SANDBOX, "kind": "secret"}
    key_id = await tables.value(connection, "api_keys", "id", where)
    for entry in entries:
        assert (entry["by_kind"], entry["by_name"]) == ("key", str(key_id))
        assert entry["by_address"] == "127.0.0.1"
        assert entry["mode"] == Mode.SANDBOX


async def test_a_move_that_is_refused_is_not_written_down(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    id = await tenant.create()
    answer = await tenant.post(
        f"/sandbox/v1/deliveries/{id}/advance", {"status": "awaiting_payment"}
    )
    assert answer.status == 409
    moved = {"account_id": tenant.account.id, "act": "delivery.moved"}
    assert await tables.count(connection, "audit", moved) == 0
