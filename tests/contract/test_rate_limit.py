"""How often a key may call, in every dialect, over HTTP."""

import asyncio
import math
import time

from estafette.core.accounts.account import Mode
from tests.edges import Edge
from tests.serving import Answer, Server, Tenant

# A token comes back every second: the tests that count are bounded by the time that they took.
_RATE, _BURST = 1, 5


async def _exhaust(tenant: Tenant) -> tuple[int, Answer]:
    """Calls until it is refused; gives how often it was served, and the refusal."""
    served = 0
    while (answer := await tenant.call(tenant.edge.list)).status != 429:
        assert answer.status == 200
        served += 1
    return served, answer


async def test_burst_is_granted_and_no_more(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    began = time.monotonic()
    served, _ = await _exhaust(tenant)
    earned = math.ceil((time.monotonic() - began) * _RATE)
    assert _BURST <= served <= _BURST + earned


async def test_parallel_requests_share_the_burst(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    began = time.monotonic()
    answers = await asyncio.gather(*(tenant.call(edge.list) for _ in range(40)))
    earned = math.ceil((time.monotonic() - began) * _RATE)
    served = sum(answer.status == 200 for answer in answers)
    assert _BURST <= served <= _BURST + earned


async def test_refusal_says_when_to_come_back(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=1)
    _, refusal = await _exhaust(tenant)
    edge.check_error(refusal.status, refusal.headers, refusal.body)
    assert refusal.headers["retry-after"] == "1"


async def test_tokens_come_back(server: Server, edge: Edge) -> None:
    # so slow that a busy machine asks more often than they come
    tenant = await server.tenant(edge, rate_per_second=2, burst=1)
    await _exhaust(tenant)
    async with asyncio.timeout(60):
        while (await tenant.call(edge.list)).status == 429:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


async def test_each_key_has_its_own_bucket(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    stranger = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    await _exhaust(tenant)
    for other in (tenant.in_mode(Mode.LIVE), stranger):
        assert (await other.call(edge.list)).status == 200


async def test_all_paths_of_a_key_share_its_bucket(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    body = await tenant.body()
    began = time.monotonic()
    await _exhaust(tenant)
    limited = [
        tenant.post(edge.create_path, body),
        tenant.post(edge.create_path, b"not even JSON"),
        tenant.call(edge.get(edge.unknown_id)),
        tenant.call(edge.cancel(edge.unknown_id)),
        *([] if edge.quote is None else [tenant.call(edge.quote)]),
        tenant.advance(edge.unknown_id),
    ]
    answers = await asyncio.gather(*limited)
    earned = math.ceil((time.monotonic() - began) * _RATE)
    assert sum(answer.status != 429 for answer in answers) <= earned


async def test_refused_keys_use_up_nobodys_tokens(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=_RATE, burst=_BURST)
    for _ in range(3 * _BURST):
        assert (await tenant.with_key(f"{tenant.key}x").call(edge.list)).status == 401
    assert (await tenant.call(edge.list)).status == 200
