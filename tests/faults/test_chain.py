"""Two Estafettes in a chain tell and carry the same, whatever breaks in between."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from tests.conftest import DatabaseServer
from tests.faults.chain import LONGEST, Chain, chained, until
from tests.faults.estafettes import Estafette, ours_of
from tests.faults.seeds import SEED
from tests.processes import Process
from tests.rows import database, quotes, tables

_FINAL = {"delivered", "cancelled", "failed"}
_LIST = "GET /v1/deliveries"


@contextmanager
def _two_databases(server: DatabaseServer, template: str) -> Generator[tuple[str, str]]:
    near, far = (server.new_name() for _ in range(2))
    for name in (near, far):
        asyncio.run(database.create(server.dsn, name, template))
    yield server.database(near), server.database(far)
    for name in (near, far):
        asyncio.run(database.drop(server.dsn, name))


@pytest.fixture
def databases(database_server: DatabaseServer, migrated_template: str) -> Iterator[tuple[str, str]]:
    """Two migrated databases for one test alone."""
    with _two_databases(database_server, migrated_template) as both:
        yield both


@pytest.fixture(scope="module")
def shared_databases(
    database_server: DatabaseServer, migrated_template: str
) -> Iterator[tuple[str, str]]:
    """Two for all tests of `standing`."""
    with _two_databases(database_server, migrated_template) as both:
        yield both


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chain(
    shared_databases: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Chain]:
    """One for several tests: each start of its four processes takes seconds."""
    async with chained(shared_databases, tmp_path_factory.mktemp("chain"), poll="0.3") as chain:
        yield chain


@pytest_asyncio.fixture(loop_scope="module")
async def standing(shared_chain: Chain) -> AsyncIterator[Chain]:
    """That chain, whole; what stays in it are the deliveries of the tests before."""
    yield shared_chain
    shared_chain.wire.mend()


_MARGIN = 76 + 100
"""7.5 % of about 1,001, rounded up, and the fixed one, in kwanza."""

_on_standing = pytest.mark.asyncio(loop_scope="module")


async def test_a_delivery_is_quoted_with_a_margin_carried_and_followed_by_webhook(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    async with chained(databases, tmp_path) as chain:
        _, quote = await chain.quote()
        assert quote["fee_aoa"] == 1_001 + _MARGIN
        assert (quote["company_slug"], quote["eta_minutes"]) == ("far", 45)
        assert quote["require_delivery_pin"] is True

        ours = await chain.create(description="sandbox:courier_gives_back")
        assert ours["courier_fee_aoa"] == 1_177
        theirs = await chain.there(ours)
        assert theirs["courier_fee_aoa"] == 1_001
        assert theirs["options"]["metadata"] == {"estafette_delivery_id": ours["id"]}

        async def pin_is_shown() -> bool:
            return (await chain.merchant.get(ours["id"]))["delivery_pin"] is not None

        await until(pin_is_shown, chain)
        assert (await chain.merchant.get(ours["id"]))["delivery_pin"] == theirs["delivery_pin"]

        await chain.advance(theirs)
        await chain.comes_to(ours, "assigned")
        await chain.advance(theirs)
        await chain.comes_to(ours, "pending")
        for _ in range(3):
            await chain.advance(theirs)
        await chain.comes_to(ours, "in_transit")
        status, told = await chain.merchant.insist("DELETE", f"/v1/deliveries/{ours['id']}")
        assert status == 409, told
        for _ in range(2):
            await chain.advance(theirs)
        await chain.comes_to(ours, "delivered")
        assert await chain.merchant.statuses(ours["id"]) == await chain.upstream.statuses(
            theirs["id"]
        )


@_on_standing
async def test_a_delivery_is_called_off_at_both(standing: Chain) -> None:
    chain = standing
    ours = await chain.create()
    theirs = await chain.there(ours)
    await chain.advance(theirs)
    await chain.comes_to(ours, "assigned")
    status, told = await chain.merchant.insist("DELETE", f"/v1/deliveries/{ours['id']}")
    assert (status, told["data"]["status"]) == (200, "cancelled")
    assert (await chain.upstream.get(theirs["id"]))["status"] == "cancelled"

    ours = await chain.create()
    theirs = await chain.there(ours)
    await chain.comes_to(ours, "pending")
    await asyncio.to_thread(chain.far.server.kill)
    status, told = await chain.merchant.call("DELETE", f"/v1/deliveries/{ours['id']}")
    assert status == 503, told  # nobody knows what the far one would say
    assert (await chain.merchant.get(ours["id"]))["status"] == "pending"
    await asyncio.to_thread(chain.far.start)
    status, told = await chain.merchant.insist("DELETE", f"/v1/deliveries/{ours['id']}")
    assert (status, told["data"]["status"]) == (200, "cancelled")
    assert (await chain.upstream.get(theirs["id"]))["status"] == "cancelled"


async def test_without_webhooks_a_delivery_is_followed_by_looking(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    async with chained(databases, tmp_path, poll="0.2", webhooks=False, step="0.2") as chain:
        course, failing = await asyncio.gather(
            chain.create(), chain.create(description="sandbox:recipient_unavailable")
        )
        await chain.comes_to(course, "delivered")
        await chain.comes_to(failing, "failed")
        for ours in (course, failing):
            theirs = await chain.there(ours)
            there = await chain.upstream.statuses(theirs["id"])
            assert await chain.merchant.statuses(ours["id"]) == there


@_on_standing
@pytest.mark.parametrize("forgets_keys", [False, True], ids=["with-keys", "without-keys"])
async def test_a_worker_that_dies_when_its_delivery_is_there_places_it_no_second_time(
    standing: Chain, forgets_keys: bool
) -> None:
    chain, died = standing, asyncio.Event()
    asked_before = chain.wire.paths.count(_LIST)

    async def kills(request: web.Request) -> bool:
        if died.is_set() or (request.method, request.path) != ("POST", "/v1/deliveries"):
            return False
        died.set()  # it is written upstream, and nothing is known of it here
        await asyncio.to_thread(chain.near.worker.kill)
        return True

    chain.wire.breaks = kills
    chain.wire.forgets_keys = forgets_keys
    ours = await chain.create()
    await asyncio.wait_for(died.wait(), LONGEST)
    theirs = await chain.there(ours)
    await asyncio.to_thread(chain.near.worker.start)
    await chain.advance(theirs)
    await chain.comes_to(ours, "assigned")
    assert len(await chain.twins(ours)) == 1
    assert chain.wire.paths.count(_LIST) > asked_before  # it was looked up


@_on_standing
async def test_a_lost_answer_and_an_expired_quote_make_no_second_delivery(standing: Chain) -> None:
    chain, lost, let_pass = standing, asyncio.Event(), asyncio.Event()
    chain.wire.forgets_keys = True

    async def loses(request: web.Request) -> bool:
        if request.method == "GET" and request.path == "/v1/deliveries":
            await let_pass.wait()
        if lost.is_set() or (request.method, request.path) != ("POST", "/v1/deliveries"):
            return False
        lost.set()
        return True

    chain.wire.breaks = loses
    ours = await chain.create()
    await asyncio.wait_for(lost.wait(), LONGEST)
    await _expire_quotes(chain.far)
    let_pass.set()
    await chain.advance(await chain.there(ours))
    await chain.comes_to(ours, "assigned")
    assert len(await chain.twins(ours)) == 1


@_on_standing
async def test_a_quote_that_expired_on_the_way_is_asked_for_again_and_bound_by_its_fee(
    standing: Chain,
) -> None:
    chain = standing
    body, _ = await chain.quote()
    dearer, _ = await chain.quote()
    await _expire_quotes(chain.far)
    status, told = await chain.merchant.insist("POST", "/v1/deliveries", body)
    assert status == 201, told
    theirs = await chain.there(told["data"])
    assert theirs["courier_fee_aoa"] == 1_001
    await _set_fee(chain, 1_002)
    status, told = await chain.merchant.insist("POST", "/v1/deliveries", dearer)
    assert status == 201, told
    await chain.comes_to(told["data"], "stalled")
    assert await chain.twins(told["data"]) == []
    await _set_fee(chain, 1_001)


async def _set_fee(chain: Chain, fee: int) -> None:
    """Changes the price there, and waits until the server there has heard of it."""
    async with _connected(chain.far) as connection:
        await tables.change(connection, "companies", base_fee=fee)

    async def is_asked() -> bool:
        _, quote = await chain.quote()
        return quote["fee_aoa"] == fee + _MARGIN

    await until(is_asked, chain)


async def _expire_quotes(estafette: Estafette) -> None:
    async with _connected(estafette) as connection:
        await quotes.expire(connection)


@asynccontextmanager
async def _connected(estafette: Estafette) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the database of an Estafette."""
    connection = await asyncpg.connect(estafette.dsn)
    try:
        yield connection
    finally:
        await connection.close()


_SCENARIOS = (
    None,
    None,
    "sandbox:courier_gives_back",
    "sandbox:recipient_unavailable",
    "sandbox:stalled_then_recovers",
    "sandbox:webhook_duplicate",
    "sandbox:webhook_out_of_order",
    "sandbox:no_courier",
)
_MERCHANTS = 3
_EACH = 8
_FAULTS = 7


@pytest.mark.parametrize("seed", [SEED])
async def test_whatever_is_killed_when_nothing_is_lost_doubled_or_told_otherwise(
    databases: tuple[str, str], tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    async with chained(databases, tmp_path, poll="0.5", step="0.3") as chain:

        async def loses_some(request: web.Request) -> bool:
            return dice.random() < 0.15

        chain.wire.breaks = loses_some
        created: list[dict[str, Any]] = []

        async def orders(number: int) -> None:
            own = random.Random(seed * 100 + number)
            for _ in range(_EACH):
                scenario = own.choice(_SCENARIOS)
                ours = await chain.create(**({"description": scenario} if scenario else {}))
                created.append(ours)
                if own.random() < 0.25:
                    await asyncio.sleep(own.random())
                    await chain.merchant.insist("DELETE", f"/v1/deliveries/{ours['id']}")

        async def faults() -> None:
            processes = [*chain.near.processes, *chain.far.processes]
            for _ in range(_FAULTS):
                process: Process = dice.choice(processes)
                await asyncio.sleep(dice.random())
                await asyncio.to_thread(process.kill)
                await asyncio.sleep(dice.random() / 2)
                await asyncio.to_thread(process.start)

        async with asyncio.timeout(120):
            await asyncio.gather(faults(), *(orders(number) for number in range(_MERCHANTS)))

        await _ends_alike(chain, {one["id"] for one in created})


async def _ends_alike(chain: Chain, created: set[str]) -> None:
    """Asserts that each delivery is upstream once, or was called off before, and ended alike."""
    unlike: dict[str, tuple[str, list[str]]] = {}

    async def all_have_ended() -> bool:
        here, there = await chain.merchant.all(), await chain.upstream.all()
        unlike.clear()
        for one in here:
            twins = [each["status"] for each in there if str(ours_of(each)) == one["id"]]
            if one["status"] not in _FINAL or twins not in _alike(one["status"]):
                unlike[one["id"]] = one["status"], twins
        return not unlike

    try:
        await until(all_have_ended, chain)
    except AssertionError as error:
        raise AssertionError(f"{unlike}\n{error}") from None
    assert {one["id"] for one in await chain.merchant.all()} == created
    twins = Counter(str(ours_of(one)) for one in await chain.upstream.all())
    assert set(twins) <= created
    assert set(twins.values()) == {1}


def _alike(status: str) -> list[list[str]]:
    """How a delivery may be upstream that ended so: what was called off may never have come."""
    return [[status], []] if status == "cancelled" else [[status]]
