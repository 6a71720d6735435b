"""Two server processes over one database: to callers they are one."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from estafette.usecases.accounts.keys import disable_key
from tests.edges import EDGES, Call, Edge
from tests.processes import ServerProcess, calling, server_process
from tests.serving import Answer, Server, Tenant, running

each_edge = pytest.mark.parametrize("edge", EDGES, ids=str)


@pytest.fixture(scope="module")
def process(
    postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    """One of the two; the other runs in the process of the tests."""
    folder = tmp_path_factory.mktemp("server")
    with server_process(postgres_dsn, folder, server_processes="2") as process:
        yield process


@asynccontextmanager
async def _tenants(
    dsn: str, process: ServerProcess, edge: Edge, rate: int = 10_000, burst: int | None = None
) -> AsyncGenerator[tuple[Tenant, Tenant]]:
    """One tenant, as a caller of each server."""
    async with calling(dsn, process) as (one,), running(dsn, processes=2) as other:
        tenant = await one.tenant(edge, rate_per_second=rate, burst=burst)
        yield tenant, _at(tenant, other)


def _at(tenant: Tenant, server: Server) -> Tenant:
    return replace(tenant, server=server)


async def _over_both(tenants: tuple[Tenant, Tenant], calls: list[tuple[Call, str]]) -> list[Answer]:
    """Makes all calls at the same time, with their idempotency keys, every other at each server."""
    return await asyncio.gather(
        *(
            tenants[number % 2].call(call, {"Idempotency-Key": key})
            for number, (call, key) in enumerate(calls)
        )
    )


@each_edge
async def test_parallel_duplicates_over_both_make_one_delivery(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge) as tenants:
        for _ in range(5):
            tenant = tenants[0]
            before = await tenant.count("deliveries")
            call = Call("POST", edge.create_path, await tenant.body())
            key = f"k-{before}"
            answers = await _over_both(tenants, [(call, key)] * 100)
            assert {answer.status for answer in answers} == {edge.created_status}
            assert len({answer.body for answer in answers}) == 1
            replays = [answer.headers.get(edge.replay_header) for answer in answers]
            assert replays.count("true") == 99
            assert await tenant.count("deliveries") == before + 1


@each_edge
async def test_parallel_payloads_under_one_key_over_both_are_one_and_conflicts(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge) as tenants:
        bodies = [await tenants[0].body() for _ in range(20)]
        calls = [(Call("POST", edge.create_path, body), "k") for body in bodies]
        answers = await _over_both(tenants, calls)
        statuses = [answer.status for answer in answers]
        assert statuses.count(edge.created_status) == 1
        assert statuses.count(409) == 19
        assert await tenants[0].count("deliveries") == 1


@each_edge
async def test_parallel_cancellations_over_both_cancel_once(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge) as tenants:
        cancel = edge.cancel(await tenants[0].create())
        keys = [f"k-{number}" for number in range(10)] * 2
        answers = await _over_both(tenants, [(cancel, key) for key in keys])
        first = [
            answer
            for answer in answers
            if answer.status == 200 and answer.headers.get(edge.replay_header) is None
        ]
        assert len(first) == 1
        assert {answer.status for answer in answers} == {200, 409}
        by_key: dict[str, set[bytes]] = {}
        for key, answer in zip(keys, answers, strict=True):
            by_key.setdefault(key, set()).add(answer.body)
        assert all(len(bodies) == 1 for bodies in by_key.values())
        assert await tenants[0].count("events") == 2


@each_edge
async def test_what_one_has_created_the_other_shows_and_repeats(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge) as (one, other):
        body = await one.body()
        first = await one.post(edge.create_path, body, {"Idempotency-Key": "k"})
        assert (await other.call(edge.get(edge.id_of(first.told)))).status == 200
        again = await other.post(edge.create_path, body, {"Idempotency-Key": "k"})
        assert again.headers[edge.replay_header] == "true"
        assert again.body == first.body


@each_edge
async def test_rate_limit_is_divided_between_both(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge, rate=1, burst=20) as tenants:
        began = time.monotonic()
        answers = await _over_both(tenants, [(edge.get(edge.unknown_id), "")] * 80)
        earned = math.ceil(time.monotonic() - began)
        for half in (answers[::2], answers[1::2]):
            served = sum(answer.status == 404 for answer in half)
            assert 10 <= served <= 10 + earned
        assert {answer.status for answer in answers} == {404, 429}


@each_edge
async def test_both_hear_that_a_key_is_disabled(
    postgres_dsn: str, process: ServerProcess, edge: Edge
) -> None:
    async with _tenants(postgres_dsn, process, edge) as tenants:
        looked = edge.get(edge.unknown_id)
        for tenant in tenants:
            assert (await tenant.call(looked)).status == 404  # and remembers the key
        one = tenants[0]
        await disable_key(one.server.platform, one.account, one.key)
        for tenant in tenants:
            answer = await tenant.call(looked)
            async with asyncio.timeout(60):
                while answer.status == 404:
                    answer = await tenant.call(looked)
            assert answer.status == edge.disabled_statuses[0]
