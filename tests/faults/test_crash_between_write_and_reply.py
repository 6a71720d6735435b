"""A server that is killed between its write and its reply: the caller asks again, and it was once.

Each test kills a process of its own with SIGKILL at a moment that is known, not guessed, and asks
another server over the same database.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from estafette.core.delivery import Status
from tests.edges import EDGES, Call, Edge
from tests.gate import commit_gate
from tests.processes import ServerProcess, calling, server_process
from tests.serving import Answer, Server, Tenant, running
from tests.wire import request, wire

_KEY = {"Idempotency-Key": "k"}

each_edge = pytest.mark.parametrize("edge", EDGES, ids=str)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until the database says so."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - the database tells of no change
            await asyncio.sleep(0.01)


def _raw(tenant: Tenant, call: Call) -> bytes:
    headers = {**tenant.edge.authorize(tenant.key), **_KEY}
    body = b"" if call.body is None else json.dumps(call.body).encode()
    return request(call.method, call.path, headers, body)


def _at(tenant: Tenant, server: Server) -> Tenant:
    """The same tenant, calling another server."""
    return Tenant(server, tenant.edge, tenant.account, tenant.mode, tenant.keys)


async def _killed_after_commit(
    dsn: str, folder: Path, edge: Edge, prepare: Callable[[Tenant], Awaitable[Call]]
) -> tuple[Tenant, Call]:
    """Makes a request whose server is killed when it has been committed, and knows nothing of it.

    `prepare` tells which. Returns the tenant too.
    """
    async with commit_gate(dsn) as gate:
        process = ServerProcess(gate.dsn, folder)
        try:
            await asyncio.to_thread(process.start)
            async with calling(dsn, process) as (server,):
                tenant = await server.tenant(edge)
                call = await prepare(tenant)
                gate.close()
                async with wire(process.port) as connection:
                    connection.send(_raw(tenant, call))
                    async with asyncio.timeout(30):
                        await gate.has_committed.wait()
                    process.kill()
                    assert await connection.answer() is None
        finally:
            process.kill()
    return tenant, call


def _is_replay(answer: Answer, edge: Edge) -> bool:
    return answer.headers.get(edge.replay_header) == "true"


@each_edge
async def test_creation_that_was_committed_is_repeated(
    fresh_database: str, tmp_path: Path, edge: Edge
) -> None:
    async def creation(tenant: Tenant) -> Call:
        return Call("POST", edge.create_path, await tenant.body())

    tenant, call = await _killed_after_commit(fresh_database, tmp_path, edge, creation)
    async with running(fresh_database) as server:
        again = _at(tenant, server)
        answers = await asyncio.gather(*(again.call(call, _KEY) for _ in range(5)))
        assert {answer.status for answer in answers} == {edge.created_status}
        assert all(_is_replay(answer, edge) for answer in answers)
        assert len({answer.body for answer in answers}) == 1
        assert await again.count("deliveries") == 1
        assert await again.count("events") == 1
        id = edge.id_of(answers[0].told)
        assert (await again.call(edge.get(id))).status == 200


@each_edge
async def test_cancellation_that_was_committed_is_repeated(
    fresh_database: str, tmp_path: Path, edge: Edge
) -> None:
    async def cancellation(tenant: Tenant) -> Call:
        return edge.cancel(await tenant.create())

    tenant, call = await _killed_after_commit(fresh_database, tmp_path, edge, cancellation)
    async with running(fresh_database) as server:
        again = _at(tenant, server)
        answer = await again.call(call, _KEY)
        assert answer.status == 200
        assert _is_replay(answer, edge)
        assert edge.status_of(answer.told) == Status.CANCELLED
        assert await again.count("events") == 2


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
                    await keeper.execute("lock table idempotency in share mode")
                    connection.send(_raw(tenant, call))
                    await _until(lambda: _waits(watcher))
                    process.kill()
                    assert await connection.answer() is None
                answer_again = _at(tenant, server)
                assert await answer_again.count("deliveries") == 0
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
    query = (
        "select exists (select from pg_locks where not granted"
        " and relation = 'idempotency'::regclass"
        " and database = (select oid from pg_database where datname = current_database()))"
    )
    return await connection.fetchval(query)


@each_edge
async def test_reply_that_was_lost_on_its_way_is_repeated(
    fresh_database: str, tmp_path: Path, edge: Edge
) -> None:
    with server_process(fresh_database, tmp_path) as process:
        async with calling(fresh_database, process) as (server,):
            tenant = await server.tenant(edge)
            call = Call("POST", edge.create_path, await tenant.body())
            async with wire(process.port) as connection:
                connection.send(_raw(tenant, call))

                async def is_written() -> bool:
                    return await tenant.count("deliveries") > 0

                await _until(is_written)
                process.kill()
    async with running(fresh_database) as server:
        answer = await _at(tenant, server).call(call, _KEY)
        assert answer.status == edge.created_status
        assert _is_replay(answer, edge)
        assert await _at(tenant, server).count("deliveries") == 1
