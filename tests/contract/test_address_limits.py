"""What a caller without a good key may do, by its address, in every dialect."""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.http.address import ClientAddresses
from estafette.http.limiter import AddressLimits
from estafette.http.pages import asset
from estafette.usecases.accounts import keys
from tests.edges import EDGES, Call, Edge
from tests.serving import Answer, Server, Tenant, running

_BURST = 20  # with one failure a second

_unknown: Iterator[str] = (f"sk_test_{number:032d}" for number in itertools.count())


@asynccontextmanager
async def _guarded(
    dsn: str, *, failures_per_second: float = 1000, requests_per_second: float = 1000
) -> AsyncGenerator[Server]:
    """A server with these limits, of which no token comes back, behind a trusted proxy.

    It hears of changes of its configuration, which nobody makes but this test.
    """
    async with running(
        dsn,
        pool_size=4,
        addresses=ClientAddresses([ip_network("127.0.0.0/8")]),
        limits=AddressLimits(
            failures_per_second=failures_per_second,
            requests_per_second=requests_per_second,
            clock=lambda: 0.0,
        ),
    ) as server:
        server.platform.catalog.trust(True)
        yield server


@asynccontextmanager
async def _statements(server: Server) -> AsyncGenerator[list[str]]:
    """The statements that look for keys over all connections of a server meanwhile."""
    pool = server.platform.pool
    made: list[str] = []

    def note(record: Any) -> None:
        if "api_keys" in record.query:
            made.append(record.query)

    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as taken:
            for _ in range(pool.get_max_size()):
                connection = await taken.enter_async_context(pool.acquire())
                raw = getattr(connection, "_con")  # noqa: B009 - the loggers of a proxy end with it
                stack.enter_context(raw.query_logger(note))
        yield made


async def _attack(tenant: Tenant, count: int, **headers: str) -> list[Answer]:
    """Shows as many wrong keys, a batch at a time."""
    wrong = [tenant.with_key(key) for key in itertools.islice(_unknown, count)]
    return await asyncio.gather(*(each.call(each.edge.list, headers) for each in wrong))


async def test_wrong_keys_at_speed_cost_no_statement_each_and_are_soon_refused(
    postgres_dsn: str, edge: Edge
) -> None:
    async with _guarded(postgres_dsn, failures_per_second=1) as server:
        tenant = await server.tenant(edge)
        await _attack(tenant, _BURST)
        async with _statements(server) as made:
            answers = await _attack(tenant, 100)
        assert {answer.status for answer in answers} == {429}
        assert len(made) <= 2
        for answer in answers[:3]:
            edge.check_error(answer.status, answer.headers, answer.body)
            assert answer.headers["retry-after"] == "1"


async def test_a_wrong_key_is_looked_up_once(postgres_dsn: str, edge: Edge) -> None:
    async with _guarded(postgres_dsn) as server:
        tenant = await server.tenant(edge)
        wrong = tenant.with_key(next(_unknown))
        async with _statements(server) as made:
            answers = [await wrong.call(edge.list) for _ in range(20)]
        assert {answer.status for answer in answers} == {401}
        assert len(made) == 1


async def test_a_good_key_is_let_in_from_an_address_that_tries_wrong_ones(
    postgres_dsn: str, edge: Edge
) -> None:
    async with _guarded(postgres_dsn, failures_per_second=1) as server:
        known, new = await server.tenant(edge), await server.tenant(edge)
        assert (await known.call(edge.list)).status == 200
        attack = asyncio.create_task(_attack(known, 3 * _BURST))
        for _ in range(10):
            assert (await known.call(edge.list)).status == 200
        await attack
        assert (await known.call(edge.list)).status == 200
        assert (await new.call(edge.list)).status == 200  # never seen before


async def test_other_addresses_are_not_held_liable(postgres_dsn: str, edge: Edge) -> None:
    async with _guarded(postgres_dsn, failures_per_second=0.05) as server:
        tenant = await server.tenant(edge)

        async def told(address: str) -> int:
            (answer,) = await _attack(tenant, 1, **{"X-Forwarded-For": address})
            return answer.status

        assert await told("203.0.113.7") == 401
        assert await told("203.0.113.7") == 429
        assert await told("127.0.0.1, 203.0.113.7") == 429  # its own words change nothing
        assert await told("203.0.113.8") == 401
        assert await told("2001:db8::1") == 401
        assert await told("2001:db8::ffff:1") == 429  # of the same network
        assert await told("2001:db8:0:1::1") == 401


async def test_disabled_keys_are_failures_too(postgres_dsn: str, edge: Edge) -> None:
    async with _guarded(postgres_dsn, failures_per_second=0.1) as server:
        tenant = await server.tenant(edge)
        await keys.disable_key(server.platform, tenant.account, tenant.key)
        server.platform.catalog.forget()
        statuses = [(await tenant.call(edge.list)).status for _ in range(4)]
        assert statuses == [edge.disabled_statuses[0]] * 2 + [429] * 2
        assert (await tenant.in_mode(Mode.LIVE).call(edge.list)).status == 200


async def test_the_sandboxs_own_api_counts_wrong_keys_too(postgres_dsn: str, edge: Edge) -> None:
    async with _guarded(postgres_dsn, failures_per_second=0.1) as server:
        tenant = await server.tenant(edge)
        statuses = [
            (await tenant.with_key(next(_unknown)).advance(edge.unknown_id)).status
            for _ in range(3)
        ]
        assert statuses == [401, 401, 429]


def _open_to_all(edge: Edge) -> list[Call]:
    """What anybody may ask for, without a key."""
    ours = [Call("GET", edge.contract), Call("GET", asset("product.css"))]
    if edge.origin is not None:
        ours.append(Call("OPTIONS", f"{edge.base}/widget/quotes"))
        ours.append(Call("GET", f"{edge.base}/deliveries/{edge.unknown_id}/tracking"))
        ours += [Call("GET", "/errors"), Call("GET", "/errors/conflict"), Call("GET", "/widget.js")]
    return [
        *ours,
        Call("GET", "/"),
        Call("GET", "/sandbox/docs"),
        Call("GET", "/sandbox/v1/scenarios"),
        Call("GET", f"/track/{edge.unknown_id}"),
        Call("GET", f"/track/{edge.unknown_id}/events"),
        Call("GET", "/track/static/x/tracking.css"),
    ]


async def test_what_needs_no_key_is_limited_by_address(postgres_dsn: str, edge: Edge) -> None:
    async with _guarded(postgres_dsn, requests_per_second=0.05) as server:
        tenant = await server.tenant(edge)
        for number, call in enumerate(_open_to_all(edge)):
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            first, second = [
                await server.request(call.method, call.path, None, headers) for _ in range(2)
            ]
            assert first.status != 429, call
            assert second.status == 429, call
            assert int(second.headers["retry-after"]) >= 1
            assert (await tenant.call(edge.list, headers)).status == 200
            if call.path.startswith(f"{edge.base}/"):
                edge.check_error(second.status, second.headers, second.body)


def _refused(tenant: Tenant) -> list[tuple[str, str, dict[str, str]]]:
    """What nobody is let in for, before it is known who asks."""
    edge = tenant.edge
    key = tenant.authorization("GET /x")
    (name,) = key
    found: list[tuple[str, str, dict[str, str]]] = [
        ("GET", edge.list.path, {}),
        ("GET", edge.list.path, {"Authorization": "Basic x"}),
        ("POST", f"/sandbox/v1/deliveries/{edge.unknown_id}/advance", {}),
        ("GET", f"{edge.base}/unknown", {}),
        ("DELETE", edge.list.path, key),
        ("GET", "/unknown", {}),
        ("GET", "/metrics", {}),
        ("GET", "/track", {}),
    ]
    if edge.origin is not None:
        page = {name: f"Bearer {tenant.page_keys[tenant.mode]}"}
        found += [
            ("GET", edge.list.path, page),
            ("GET", f"{edge.base}/widget/couriers", {**page, "Origin": "https://evil.example"}),
            ("GET", f"{edge.base}/widget/couriers", {"Origin": edge.origin}),
        ]
    return found


async def test_every_refusal_before_a_key_is_known_is_limited_by_address(
    postgres_dsn: str, edge: Edge
) -> None:
    limits = {"failures_per_second": 0.05, "requests_per_second": 0.05}
    async with _guarded(postgres_dsn, **limits) as server:
        tenant = await server.tenant(edge)
        for number, (method, path, headers) in enumerate(_refused(tenant)):
            from_there = {"X-Forwarded-For": f"203.0.113.{number}"}
            every = {**headers, **from_there}
            first, second = [await server.request(method, path, None, every) for _ in range(2)]
            assert first.status in (401, 403, 404, 405), (method, path)
            assert second.status == 429, (method, path)
            assert int(second.headers["retry-after"]) >= 1
            assert second.headers["x-content-type-options"] == "nosniff"
            assert (await tenant.call(edge.list, from_there)).status == 200
            if path.startswith(f"{edge.base}/"):
                edge.check_error(second.status, second.headers, second.body)


async def test_a_page_may_read_that_it_was_refused_too_often(postgres_dsn: str) -> None:
    edge = next(each for each in EDGES if each.origin is not None)
    async with _guarded(postgres_dsn, failures_per_second=0.05) as server:
        await server.tenant(edge)
        for status in (401, 429):
            headers = {"Origin": str(edge.origin)}
            answer = await server.request("GET", f"{edge.base}/widget/couriers", None, headers)
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == edge.origin


async def test_a_crowded_tracking_page_says_so_in_the_readers_language(postgres_dsn: str) -> None:
    async with _guarded(postgres_dsn, requests_per_second=0.05) as server:
        for language, told in {"en": "Too many", "ru": "Слишком", "pt": "Demasiados"}.items():
            headers = {"X-Forwarded-For": f"2001:db8:{ord(language[0])}::1"}
            path = f"/track/x?lang={language}"
            await server.request("GET", path, None, headers)
            crowded = await server.request("GET", path, None, headers)
            found = re.search("<h1[^>]*>(.*?)</h1>", crowded.body.decode(), re.DOTALL)
            assert found is not None
            assert told in found[1]


@pytest.mark.parametrize("company", [UUID(int=7).hex, str(UUID(int=7))])
async def test_webhooks_of_nobody_are_limited_by_address(postgres_dsn: str, company: str) -> None:
    async with _guarded(postgres_dsn, failures_per_second=0.1) as server:
        path = f"/upstream/{company}/webhooks"
        statuses = [(await server.request("POST", path, {})).status for _ in range(3)]
        assert statuses == [404, 404, 429]
