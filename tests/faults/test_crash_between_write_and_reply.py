"""A server that is killed between its write and its reply: the caller asks again, and it was once.

Each test kills a process of its own with SIGKILL at a moment that is known, not guessed, and asks
another server over the same database.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest

from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind
from tests.edges import EDGES, Call, Edge
from tests.gate import commit_gate
from tests.patience import until
from tests.processes import ServerProcess, calling, server_process
from tests.rows import database, tables
from tests.serving import Answer, Server, Tenant, running
from tests.web.drivers import driver_stage
from tests.wire import request, wire

_KEY = {"Idempotency-Key": "k"}

each_edge = pytest.mark.parametrize("edge", EDGES, ids=str)


def _raw(tenant: Tenant, call: Call) -> bytes:
    headers = {**tenant.edge.authorize(tenant.key), **_KEY}
    body = b"" if call.body is None else json.dumps(call.body).encode()
    return request(call.method, call.path, headers, body)


def _at(tenant: Tenant, server: Server) -> Tenant:
    """The same tenant, calling another server."""
    return replace(tenant, server=server)


def _is_replay(answer: Answer, edge: Edge) -> bool:
    return answer.headers.get(edge.replay_header) == "true"


@each_edge
async def test_what_was_committed_is_repeated_although_its_server_never_knew(
    fresh_database: str, tmp_path: Path, edge: Edge
) -> None:
    async with commit_gate(fresh_database) as gate:
        process = ServerProcess(gate.dsn, tmp_path)
        try:
            await asyncio.to_thread(process.come_up)
            async with calling(fresh_database, process) as (server,):
                tenant = await server.tenant(edge)
                cancelled = edge.cancel(await tenant.create())
                created = Call("POST", edge.create_path, await tenant.body())
                gate.close()
                async with wire(process.port) as one, wire(process.port) as other:
                    one.send(_raw(tenant, created))
                    other.send(_raw(tenant, cancelled))
                    await gate.unheard(2)
                    process.kill()
                    assert await one.answer() is None
                    assert await other.answer() is None
        finally:
            process.kill()
    async with running(fresh_database) as server:
        again = _at(tenant, server)
        creations = await asyncio.gather(*(again.call(created, _KEY) for _ in range(5)))
        assert {answer.status for answer in creations} == {edge.created_status}
        assert all(_is_replay(answer, edge) for answer in creations)
        assert len({answer.body for answer in creations}) == 1
        cancellation = await again.call(cancelled, _KEY)
        assert cancellation.status == 200
        assert _is_replay(cancellation, edge)
        assert edge.status_of(cancellation.told) == "cancelled"
        assert await again.count("deliveries") == 2
        assert await again.count("events") == 3
        id = edge.id_of(creations[0].told)
        assert (await again.call(edge.get(id))).status == 200


@each_edge
async def test_creation_that_was_not_committed_leaves_nothing_and_can_be_repeated(
    fresh_database: str, tmp_path: Path, edge: Edge
) -> None:
    keeper = await asyncpg.connect(fresh_database)
    watcher = await asyncpg.connect(fresh_database)
    try:
        with server_process(fresh_database, tmp_path) as process:
            async with calling(fresh_database, process) as (server,):
                tenant = await server.tenant(edge)
                call = Call("POST", edge.create_path, await tenant.body())
                async with keeper.transaction(), wire(process.port) as connection:
                    # The delivery is written; the answer, in the same transaction, has to wait.
                    await database.forbid_writing(keeper, "idempotency")
                    connection.send(_raw(tenant, call))
                    await until(lambda: _waits(watcher))
                    process.kill()
                    assert await connection.answer() is None
                assert await tenant.count("deliveries") == 0
        async with running(fresh_database) as server:
            again = _at(tenant, server)
            answer = await again.call(call, _KEY)
            assert answer.status == edge.created_status
            assert not _is_replay(answer, edge)
            assert await again.count("deliveries") == 1
            assert _is_replay(await again.call(call, _KEY), edge)
    finally:
        await keeper.close()
        await watcher.close()


async def _waits(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether a transaction waits for the table of stored answers."""
    return await database.is_waited_for(connection, "idempotency")


@pytest.mark.parametrize("what", ["tap", "proof"])
async def test_what_a_driver_did_counts_once_although_the_server_died_before_its_answer(
    fresh_database: str, tmp_path: Path, what: str
) -> None:
    async with commit_gate(fresh_database) as gate:
        process = ServerProcess(gate.dsn, tmp_path, public_url="http://delivery.example")
        try:
            await asyncio.to_thread(process.come_up)
            async with calling(fresh_database, process) as (server,):
                stage = await driver_stage(server)
                await stage.demand(proof=Demand(dropoff=frozenset({ProofKind.NAME})))
                ze = await stage.driver_at_phone()
                cash = {"payment_method": "cod", "cash_collect_aoa": 3_000}
                given = await stage.given(ze.driver, await stage.order(**cash))
                for kind in ("arrived", "picked_up", "on_the_way"):
                    assert await ze.tap(kind, given.id) == ("done", "")
                proof = uuid4()
                if what == "tap":
                    await ze.proof(given.id, "name", proof, said="Ana")
                gate.close()
                tap = ze.made("handed_over", given.id, cash=3_000)
                unanswered = asyncio.create_task(
                    ze.send_taps(tap)
                    if what == "tap"
                    else ze.proof(given.id, "name", proof, said="Ana")
                )
                await until(lambda: _is_kept(server, what, UUID(tap["key"]), proof))
                process.kill()
                with pytest.raises(aiohttp.ClientError):
                    await unanswered
        finally:
            process.kill()
    async with running(fresh_database) as server:
        again = replace(ze, server=server)
        for _ in range(2):
            assert (await again.proof(given.id, "name", proof, said="Ana")).status == 200
            sent = await asyncio.gather(*(again.send_taps(tap) for _ in range(3)))
            assert [one.told["taps"][0]["outcome"] for one in sent] == ["done"] * 3
        pool, of = server.platform.pool, {"delivery_id": given.delivery_id}
        assert await tables.count(pool, "proofs", of) == 1
        assert await tables.count(pool, "events", {**of, "status": "delivered"}) == 1
        assert await tables.value(pool, "driver_cash", "in_hand") == 3_000
        assert await tables.value(pool, "assignments", "state", of) == "done"


async def _is_kept(server: Server, what: str, tap: UUID, proof: UUID) -> bool:
    """Whether what the server was sent is committed."""
    table, where = ("taps", {"key": tap}) if what == "tap" else ("proofs", {"id": proof})
    return await tables.count(server.platform.pool, table, where) == 1
