"""However much one account asks for, the others are answered: places are counted, not seconds."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import pytest

from estafette.core.errors import Busy
from estafette.usecases.connections import Waits
from tests.edges import ENTREGA, Edge
from tests.patience import until
from tests.rows import database, tables
from tests.serving import Answer, Server, Tenant, running

POOL = 8
A_WHILE = Waits(list_turn=3.0, whole_list=6.0)
"""Longer than a machine stands still, in which whoever is not put off has a list."""


@pytest.fixture
async def server(fresh_database: str) -> AsyncGenerator[Server]:
    """A server alone in its database, where whoever waits for a lock is one of its own."""
    async with running(fresh_database, pool_size=POOL) as server:
        server.platform.catalog.trust(True)
        yield server


async def _is_served(tenant: Tenant, known: str) -> None:
    """Everything that an account does is answered, while another waits."""
    assert (await tenant.call(tenant.edge.get(known))).status == 200
    assert (await tenant.call(tenant.edge.list)).status == 200
    created = await tenant.create()
    assert (await tenant.call(tenant.edge.cancel(created))).status == 200


def _put_off(answer: Answer, edge: Edge) -> None:
    edge.check_error(answer.status, answer.headers, answer.body)
    assert int(answer.headers["Retry-After"]) >= 1


async def test_an_account_whose_work_waits_leaves_the_others_their_places(
    server: Server, edge: Edge, fresh_database: str
) -> None:
    greedy, other = await server.tenant(edge), await server.tenant(edge)
    wanted, known = await greedy.create(), await other.create()
    async with database.held_up(fresh_database) as (holder, looker):
        await tables.lock(holder, "deliveries", {"account_id": greedy.account.id})
        headers = {"Idempotency-Key": "one and the same"}
        asked = [asyncio.create_task(greedy.call(edge.cancel(wanted), headers)) for _ in range(120)]

        async def some_wait() -> bool:
            return await database.count_waiting(looker) > 0

        await until(some_wait)
        async with asyncio.timeout(60):
            await _is_served(other, known)
        assert await database.count_waiting(looker) < POOL / 2
    statuses = Counter(answer.status for answer in await asyncio.gather(*asked))
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0


async def test_lists_that_take_too_long_are_put_off_and_leave_the_others_their_places(
    fresh_database: str,
) -> None:
    async with running(fresh_database, pool_size=POOL, waits=A_WHILE) as server:
        await _others_have_lists_while_some_take_too_long(server, fresh_database)


async def _others_have_lists_while_some_take_too_long(server: Server, dsn: str) -> None:
    server.platform.catalog.trust(True)
    greedy, other = await server.tenant(ENTREGA), await server.tenant(ENTREGA)
    for _ in range(2):
        await greedy.create()
    known = await other.create()
    searched = "/v1/deliveries?search=a"
    async with database.held_up(dsn) as (holder, looker):
        await database.lock_table(holder, "search_texts")
        asked = [asyncio.create_task(greedy.get(searched)) for _ in range(60)]

        async def some_wait() -> bool:
            return await database.count_waiting(looker) > 0

        await until(some_wait)
        assert (await other.call(ENTREGA.get(known))).status == 200
        assert (await other.call(ENTREGA.list)).status == 200
        assert await database.count_waiting(looker) <= POOL / 3
        answers = await asyncio.gather(*asked)

        async def none_waits() -> bool:
            return await database.count_waiting(looker) == 0

        await until(none_waits)  # none is left behind in the database
    assert {answer.status for answer in answers} == {503}
    for answer in answers:
        _put_off(answer, ENTREGA)
    assert (await greedy.get(searched)).status == 200


async def test_visitors_of_public_pages_take_turns(server: Server) -> None:
    places = server.platform.connections
    order: list[str] = []
    both, release = asyncio.Event(), asyncio.Event()

    async def visit(address: str) -> None:
        async with places.public(address):
            order.append(address)
            if len(order) == 2:
                both.set()
            await release.wait()

    crowd = [asyncio.create_task(visit("192.0.2.1")) for _ in range(40)]
    other = asyncio.create_task(visit("192.0.2.2"))
    async with asyncio.timeout(60):
        await both.wait()
    assert order == ["192.0.2.1", "192.0.2.2"]  # one address never gets all places
    third = asyncio.create_task(visit("192.0.2.3"))
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(other, third, *crowd)
    assert order.index("192.0.2.3") <= 4  # of forty who came before


async def test_a_visitor_who_lets_too_much_wait_is_put_off_alone(server: Server) -> None:
    places = server.platform.connections

    async def visit(address: str) -> str:
        try:
            async with places.public(address):
                await asyncio.sleep(0)
                return "served"
        except Busy:
            return "put off"

    answers = await asyncio.gather(*(visit("192.0.2.1") for _ in range(200)), visit("192.0.2.2"))
    assert answers[-1] == "served"
    assert "put off" in answers[:-1]
