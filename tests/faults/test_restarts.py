"""Servers and databases that end in the middle of their work: what was acknowledged is there.

Callers create deliveries without pause and, as the contracts tell them, repeat with the same
idempotency key whatever was not answered, until it is.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from estafette.store.migrate import migrate
from estafette.up.postgres import EmbeddedPostgres
from tests.edges import EDGES, Call, Edge
from tests.faults.seeds import SEED
from tests.folders import own_folder
from tests.patience import until
from tests.processes import Process, ServerProcess, calling, lines_of
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, delivery_id
from tests.target import is_discreet

_CALLERS = 8
_ROUND = 40
"""How many deliveries are acknowledged before, between and after the faults, at least."""

each_edge = pytest.mark.parametrize("edge", EDGES, ids=str)


@dataclass
class Load:
    """Callers at work, and what they were told: deliveries by the idempotency key."""

    tenant: Tenant
    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    interrupted: int = 0
    _stopping: bool = False

    async def work(self, caller: int) -> None:
        """Creates deliveries one after the other, until told to stop."""
        edge, number = self.tenant.edge, 0
        while not self._stopping:
            number += 1
            key = f"{caller}-{number}"
            body = await self._body(f"order-{key}")
            call = Call("POST", edge.create_path, body)
            answer = await self._answered(call, {"Idempotency-Key": key})
            assert answer.status == edge.created_status, answer.body
            self.acknowledged[key] = edge.id_of(answer.told)

    async def _body(self, order: str) -> object:
        while True:
            try:
                return await self.tenant.body(order)
            except (aiohttp.ClientError, AssertionError):
                await self._interrupted()

    async def _answered(self, call: Call, headers: dict[str, str]) -> Answer:
        """The answer to a request that is repeated until there is one."""
        while True:
            try:
                answer = await self.tenant.call(call, headers)
            except aiohttp.ClientError:
                await self._interrupted()
                continue
            if answer.status < 500:
                return answer
            self.tenant.edge.check_error(answer.status, answer.headers, answer.body)
            assert answer.status == 503, answer.body
            assert int(answer.headers["Retry-After"]) > 0
            await self._interrupted()

    async def _interrupted(self) -> None:
        self.interrupted += 1
        await asyncio.sleep(0.1)  # as callers do, so as not to make it worse

    async def more(self, count: int = _ROUND) -> None:
        """Waits until so many more deliveries are acknowledged."""
        wanted = len(self.acknowledged) + count
        await until(lambda: self._has(wanted))

    async def _has(self, count: int) -> bool:
        return len(self.acknowledged) >= count

    async def hears_of(self, deliveries: set[UUID]) -> None:
        """Waits until these and no others are acknowledged."""

        async def heard() -> bool:
            return self.told() == deliveries

        await until(heard)

    def told(self) -> set[UUID]:
        """The deliveries that were acknowledged."""
        return {delivery_id(shown) for shown in self.acknowledged.values()}

    def turn_to(self, process: ServerProcess) -> None:
        """Lets the callers find the server where it is now."""
        server = self.tenant.server
        there = Server(server.platform, process.port, server.session)
        self.tenant = replace(self.tenant, server=there)

    def stop(self) -> None:
        """Lets every caller finish what it has begun, and begin no more."""
        self._stopping = True


@asynccontextmanager
async def _load(tenant: Tenant) -> AsyncGenerator[Load]:
    """Callers at work; all that they have begun is acknowledged in the end."""
    load = Load(tenant)
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for caller in range(_CALLERS):
            group.create_task(load.work(caller))
        yield load
        load.stop()


async def _deliveries(tenant: Tenant) -> set[UUID]:
    pool, where = tenant.server.platform.pool, {"account_id": tenant.account.id}
    return set(await tables.values(pool, "deliveries", "id", where))


async def _nothing_lost_or_doubled(load: Load) -> None:
    """Asserts that the deliveries are those acknowledged, each with all that belongs to it."""
    told = load.told()
    assert len(told) == len(load.acknowledged)
    assert await _deliveries(load.tenant) == told
    for table in ("idempotency", "sandbox_runs"):
        assert await load.tenant.count(table) == len(told)
    # couriers have moved some on meanwhile
    first = {"account_id": load.tenant.account.id, "seq": 1}
    assert await tables.count(load.tenant.server.platform.pool, "events", first) == len(told)


@each_edge
async def test_server_that_is_killed_or_stopped_under_load_loses_nothing(
    postgres_dsn: str, tmp_path: Path, edge: Edge
) -> None:
    process = ServerProcess(postgres_dsn, tmp_path)
    try:
        await asyncio.to_thread(process.come_up)
        async with calling(postgres_dsn, process) as (server,):
            async with _load(await server.tenant(edge)) as load:
                await load.more()
                process.kill()
                assert load.told() <= await _deliveries(load.tenant)
                await asyncio.to_thread(process.come_up)
                load.turn_to(process)
                await load.more()
                await asyncio.to_thread(process.stop)  # in order: all that was taken is answered
                await load.hears_of(await _deliveries(load.tenant))
                await asyncio.to_thread(process.come_up)
                load.turn_to(process)
                await load.more()
            assert load.interrupted > 0
            await _nothing_lost_or_doubled(load)
    finally:
        process.stop()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server for one test alone, not started; commits outlive its crash (not the machine's)."""
    with own_folder("estafette-restarts-") as folder:
        settings = {"synchronous_commit": "on"}
        postgres = EmbeddedPostgres(folder, durable=False, settings=settings)
        try:
            yield postgres
        finally:
            postgres.stop()


async def _is_ready(server: Server) -> bool:
    return (await server.request("GET", "/readyz")).status == 200


async def _is_not_ready(server: Server) -> bool:
    return (await server.request("GET", "/readyz")).status == 503


@each_edge
async def test_database_that_crashes_under_load_loses_nothing_and_is_found_again(
    own_postgres: EmbeddedPostgres, tmp_path: Path, edge: Edge
) -> None:
    dsn = await asyncio.to_thread(own_postgres.start)
    await migrate(dsn)
    process, worker = ServerProcess(dsn, tmp_path), Process("worker", dsn, tmp_path)
    try:
        await asyncio.to_thread(process.come_up)
        await asyncio.to_thread(worker.come_up)
        async with calling(dsn, process) as (server,):
            async with _load(await server.tenant(edge)) as load:
                for _ in range(2):
                    await load.more()
                    assert own_postgres.pid is not None
                    os.kill(own_postgres.pid, signal.SIGQUIT)  # immediate: nothing is finished
                    await until(lambda: _is_not_ready(server))
                    await asyncio.to_thread(own_postgres.stop)
                    assert await asyncio.to_thread(own_postgres.start) == dsn
                await load.more()
                await until(lambda: _is_ready(server))
            assert load.interrupted > 0
            await _nothing_lost_or_doubled(load)
            is_discreet(process.log.read_bytes(), load.tenant)
            assert process.is_alive
            assert worker.is_alive
            assert _told_once(process.log, incidents=2) > 0
            _told_once(worker.log, incidents=2)  # what happened between two looks it has not met
    finally:
        process.stop()
        worker.stop()


def _told_once(log: Path, incidents: int) -> int:
    """How often the log tells that the database is lost: at most once each time, with no crash."""
    lines = [json.loads(line) for line in lines_of(log)]
    bad = [
        line
        for line in lines
        if line["level"] in ("error", "critical", "warning")
        and line["event"] != "the event loop was held up"  # by the machine
    ]
    assert not [line for line in bad if "exception" in line]
    assert len(bad) <= 2 * incidents, bad
    losses = sum("cannot be used" in line["event"] for line in bad)
    assert losses <= incidents
    return losses


_FAULTS = 2
_FEW = 10
_LONGEST_PAUSE_SECONDS = 1.5


@pytest.mark.parametrize("seed", [SEED])
async def test_whatever_is_killed_or_frozen_when_what_was_acknowledged_is_there_once(
    own_postgres: EmbeddedPostgres, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    dsn = await asyncio.to_thread(own_postgres.start)
    await migrate(dsn)
    process, worker = ServerProcess(dsn, tmp_path), Process("worker", dsn, tmp_path)

    async def pause() -> None:
        await asyncio.sleep(dice.random() * _LONGEST_PAUSE_SECONDS)

    async def killed() -> None:
        victim = dice.choice([process, worker])
        victim.kill()
        await pause()
        await asyncio.to_thread(victim.come_up)

    async def frozen() -> None:
        victim = dice.choice([process, worker])
        victim.freeze()
        await pause()
        victim.thaw()

    async def stopped() -> None:
        victim = dice.choice([process, worker])
        await asyncio.to_thread(victim.stop)
        await asyncio.to_thread(victim.come_up)

    async def without_database() -> None:
        assert own_postgres.pid is not None
        os.kill(own_postgres.pid, signal.SIGQUIT)
        await asyncio.to_thread(own_postgres.stop)
        await pause()
        assert await asyncio.to_thread(own_postgres.start) == dsn

    try:
        await asyncio.to_thread(process.come_up)
        await asyncio.to_thread(worker.come_up)
        async with calling(dsn, process) as (server,):
            async with _load(await server.tenant(dice.choice(EDGES))) as load:
                for _ in range(_FAULTS):
                    await load.more(_FEW)
                    await dice.choice([killed, frozen, stopped, without_database])()
                await load.more(_FEW)
            await _nothing_lost_or_doubled(load)
            is_discreet(process.log.read_bytes(), load.tenant)
            assert process.is_alive
            assert worker.is_alive
    finally:
        process.stop()
        worker.stop()
