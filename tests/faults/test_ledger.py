"""A ledger over workers that die and freeze: what was acknowledged is told, and told by its owner.

A client notes every delivery and move that was acknowledged, a receiver every webhook. Workers in
processes of their own are killed, and stopped past their leases, under load.
"""

import asyncio
import signal
from collections import Counter, defaultdict
from functools import partial
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.usecases.accounts.secrets import new_cipher_key
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests import serving
from tests.edges import EDGES, Edge
from tests.faults.workers import SECONDS, sending, two_workers
from tests.patience import until
from tests.receivers import Connection, ReceivedRequest, Receiver, answer
from tests.rows import tables, webhooks
from tests.usecases.stage import Tenant, new_tenant, platform_over
from tests.webhooks.stage import is_signed_by, listen_at, messages, move, said

FAULTS = (signal.SIGKILL, signal.SIGSTOP) * 3
LINES = 16


class Client:
    """Makes deliveries, moves them on, and notes what was acknowledged."""

    STEPS = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._last_arrived: dict[str, asyncio.Event] = {}
        self.acknowledged: set[tuple[UUID, int]] = set()

    async def answer(self, request: ReceivedRequest, connection: Connection) -> bool:
        """What the receiver does: takes a moment, so that requests are always under way."""
        await connection.idle(0.02)
        told = said(request)
        if told["seq"] == 1 + len(self.STEPS):
            self._last_arrived[told["deliveryId"]].set()
        return await answer()(request, connection)

    async def has(self, count: int) -> bool:
        """Whether so many deliveries and moves were acknowledged."""
        return len(self.acknowledged) >= count

    async def work(self, enough: asyncio.Event) -> None:
        """One delivery after another; the next once the last of this one has been heard of."""
        while not enough.is_set():
            id = await self._tenant.create()
            arrived = self._last_arrived[str(id)] = asyncio.Event()
            self.acknowledged.add((id, 1))
            for seq, step in enumerate(self.STEPS, 2):
                await move(self._tenant, id, step)
                self.acknowledged.add((id, seq))
            await arrived.wait()


async def test_every_event_arrives_although_workers_are_killed_and_frozen(
    fresh_database: str,
) -> None:
    key = new_cipher_key()
    enough = asyncio.Event()
    async with platform_over(fresh_database, key=key) as platform:
        await webhooks.watch_claims(platform.pool)
        tenant = await new_tenant(platform, Mode.LIVE)
        client = Client(tenant)
        async with (
            Receiver(client.answer) as receiver,
            two_workers(platform, sending(fresh_database, key, "plain")) as workers,
        ):
            endpoint = await listen_at(tenant, receiver.url)
            lines = [asyncio.create_task(client.work(enough)) for _ in range(LINES)]
            for number, fault in enumerate(FAULTS, 1):
                # Each strikes amid the load: not all of them within the first deliveries.
                await until(partial(client.has, number * 2 * LINES), SECONDS)
                await workers.suffer(fault)
            enough.set()
            await asyncio.gather(*lines)
            await until(lambda: all_are_delivered(tenant), SECONDS)
            assert await workers.stop() == [0, 0]
        assert await webhooks.broken_claims(platform.pool) == []
        await compare(tenant, client.acknowledged, receiver.requests, endpoint.secret)


async def all_are_delivered(tenant: Tenant) -> bool:
    found = await messages(tenant)
    return all(message["state"] == "delivered" for message in found)


async def compare(
    tenant: Tenant,
    acknowledged: set[tuple[UUID, int]],
    requests: list[ReceivedRequest],
    secret: str,
) -> None:
    """The ledger's two sides."""
    where = {"account_id": tenant.scope.account_id}
    stored = await tables.read(tenant.platform.pool, "events", where)
    events = {(row["delivery_id"], row["seq"]): str(row["id"]) for row in stored}
    assert len(acknowledged) > LINES * 4
    assert set(events) == acknowledged
    assert all(is_signed_by(request, secret) for request in requests)
    assert {said(request)["eventId"] for request in requests} == set(events.values())

    # A message arrives once for each claim at most, and each claim has a number of its own.
    arrived = Counter(said(request)["messageId"] for request in requests)
    claims = {str(message["id"]): message["attempt"] for message in await messages(tenant)}
    assert all(arrived[id] <= claims[id] for id in arrived)
    numbers = Counter((said(each)["messageId"], said(each)["attempt"]) for each in requests)
    assert set(numbers.values()) == {1}
    assert any(count > 1 for count in claims.values())  # or nothing was put to the test


class Shop:
    """Orders through a dialect's API, and notes the webhooks that it is sent."""

    STEPS = (Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)

    def __init__(self, tenant: serving.Tenant) -> None:
        self._tenant = tenant
        self._more = asyncio.Condition()
        self.secret = ""
        self.owed: dict[str, int] = {}
        self.heard: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """The types by the events, by the deliveries."""

    async def answer(self, request: ReceivedRequest, connection: Connection) -> bool:
        """What its receiver does: takes a moment, so that requests are always under way."""
        await connection.idle(0.02)
        heard = self._tenant.edge.heard(request.headers, request.body, self.secret)
        async with self._more:
            known = self.heard[heard.delivery].setdefault(heard.event, heard.type)
            assert known == heard.type
            self._more.notify_all()
        return await answer()(request, connection)

    async def work(self, enough: asyncio.Event) -> None:
        """One delivery after another; the next once all webhooks of this one have come."""
        while not enough.is_set():
            id = await self._tenant.create()
            await self._tenant.move(id, *self.STEPS)
            pool = self._tenant.server.platform.pool
            where = {"delivery_id": serving.delivery_id(id)}
            self.owed[id] = await tables.count(pool, "messages", where)
            async with self._more:
                await self._more.wait_for(lambda id=id: len(self.heard[id]) == self.owed[id])


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_every_webhook_of_every_dialect_arrives_although_workers_are_killed_and_frozen(
    fresh_database: str, edge: Edge
) -> None:
    key, enough = new_cipher_key(), asyncio.Event()
    async with serving.running(fresh_database, key=key) as server:
        platform = server.platform
        await webhooks.watch_claims(platform.pool)
        tenant = (await server.tenant(edge)).in_mode(Mode.LIVE)
        shop = Shop(tenant)
        async with (
            Receiver(shop.answer) as receiver,
            two_workers(platform, sending(fresh_database, key, "dialects")) as workers,
        ):
            endpoint = await set_endpoint(platform, tenant.scope, receiver.url)
            shop.secret = endpoint.secret
            lines = [asyncio.create_task(shop.work(enough)) for _ in range(LINES)]
            for fault in FAULTS[:2]:
                await workers.suffer(fault)
            enough.set()
            await asyncio.gather(*lines)
            assert await workers.stop() == [0, 0]
        assert await webhooks.broken_claims(platform.pool) == []
    assert min(shop.owed.values()) >= 2  # the creation, and what its dialect tells of the steps
    assert {id: len(events) for id, events in shop.heard.items()} == shop.owed
    events = [event for of_one in shop.heard.values() for event in of_one]
    assert len(events) == len(set(events))
    assert len(receiver.requests) >= len(events)
