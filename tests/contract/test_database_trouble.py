"""What a database in trouble answers to callers, told once in the log: 503, and when to try again.

Each trouble is the real PostgreSQL's: a trigger raises what it raises itself when its disk is full,
or it is set to take nobody in, to be read alone, or to end our connections.
"""

from collections.abc import AsyncGenerator

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.edges import ENTREGA, KASPI, Call, Edge
from tests.rows import database
from tests.serving import Answer, Server, Tenant, running

_RAISED = {
    "53100": "could not extend file: No space left on device",
    "53200": "out of memory",
    "53300": "sorry, too many clients already",
    "40001": "could not serialize access",
    "40P01": "deadlock detected",
    "25006": "cannot execute INSERT in a read-only transaction",
    "57P01": "terminating connection due to administrator command",
    "58030": "could not write block",
    "55P03": "canceling statement due to lock timeout",
}


@pytest.fixture
async def alone(fresh_database: str) -> AsyncGenerator[Server]:
    async with running(fresh_database, public_url="http://delivery.example") as server:
        yield server


def _put_off(answer: Answer) -> None:
    assert answer.status == 503, answer.body
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize("state", _RAISED)
async def test_what_the_database_cannot_do_now_is_503_and_can_be_repeated(
    alone: Server, edge: Edge, state: str
) -> None:
    tenant = await alone.tenant(edge)
    body = await tenant.body("order-1")
    key = {"Idempotency-Key": "one"}
    pool = alone.platform.pool
    await database.fail_inserts(pool, "deliveries", state, _RAISED[state])
    with capture_logs() as logs:
        answer = await tenant.post(edge.create_path, body, key)
    _put_off(answer)
    edge.check_error(answer.status, answer.headers, answer.body)
    assert [line for line in logs if "exc_info" in line] == []
    await database.mend_inserts(pool, "deliveries")
    again = await tenant.post(edge.create_path, body, key)
    assert again.status == edge.created_status
    assert edge.replay_header not in {name.lower() for name in again.headers}
    assert await tenant.count("deliveries") == 1


def _everything(tenants: list[Tenant], ids: list[str]) -> list[tuple[Tenant, Call]]:
    calls: list[tuple[Tenant, Call]] = []
    for tenant, id in zip(tenants, ids, strict=True):
        edge = tenant.edge
        calls += [
            (tenant, edge.list),
            (tenant, edge.get(id)),
            (tenant, edge.cancel(id)),
            (tenant, Call("GET", f"/track/{id}")),
            (tenant, Call("GET", f"/track/{id}/events")),
        ]
        if edge.quote is not None:
            calls.append((tenant, edge.quote))
    return calls


async def test_every_part_says_503_while_the_database_is_away_and_the_log_says_it_once(
    fresh_database: str, alone: Server, connection: asyncpg.Connection
) -> None:
    tenants = [await alone.tenant(KASPI), await alone.tenant(ENTREGA)]
    ids = [await tenant.create() for tenant in tenants]
    bodies = [await tenant.body() for tenant in tenants]
    company = "0195602a-1d00-7abc-8def-0123456789ab"
    await database.shut(connection, fresh_database)
    with capture_logs() as logs:
        for tenant, call in _everything(tenants, ids):
            _put_off(await tenant.call(call))
        for tenant, id in zip(tenants, ids, strict=True):
            _put_off(await tenant.advance(id))
        for tenant, body in zip(tenants, bodies, strict=True):
            _put_off(await tenant.post(tenant.edge.create_path, body))
        shop = tenants[1]
        headers = shop.authorization("POST /widget/quotes")
        _put_off(await alone.request("POST", "/v1/widget/quotes", {}, headers))
        _put_off(await alone.request("GET", f"/v1/deliveries/{ids[1]}/tracking"))
        _put_off(await alone.request("POST", f"/upstream/{company}/webhooks", {}))
    troubles = [line for line in logs if line["log_level"] in ("warning", "error")]
    assert len(troubles) <= 1, troubles
    assert [line for line in logs if "exc_info" in line] == []
    await database.open_again(connection, fresh_database)
    for tenant, id in zip(tenants, ids, strict=True):
        assert (await tenant.call(tenant.edge.get(id))).status == 200


async def test_a_database_that_may_only_be_read_puts_off_until_it_can_be_written_to(
    fresh_database: str, alone: Server, connection: asyncpg.Connection
) -> None:
    tenant = await alone.tenant(KASPI)
    id, body = await tenant.create(), await tenant.body()
    await database.allow_reading_alone(connection, fresh_database)
    _put_off(await tenant.post(KASPI.create_path, body))
    _put_off(await tenant.call(KASPI.get(id)))
    await database.allow_writing(connection, fresh_database)
    assert (await tenant.post(KASPI.create_path, body)).status == KASPI.created_status
