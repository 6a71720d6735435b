"""What an account's log tells of its API requests, in every dialect."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from estafette.core.accounts.account import Mode, Scope
from estafette.usecases.accounts import keys
from estafette.usecases.accounts.administration import remove_account
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.request_log import (
    LoggedRequest,
    RequestFilter,
    RequestLog,
    RequestPage,
    list_requests,
)
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.platform import Platform
from tests.edges import KASPI, Edge
from tests.edges.edge import Call
from tests.rows import tables
from tests.serving import Server, Tenant

EVERYTHING = RequestFilter()


async def _logged(tenant: Tenant, count: int) -> list[LoggedRequest]:
    """The log of a tenant, once it has so many lines."""
    scope = Scope(tenant.account.id, Mode.SANDBOX)
    async with asyncio.timeout(60):
        while True:
            page = await list_requests(tenant.server.platform, scope, EVERYTHING)
            if len(page.requests) >= count:
                return page.requests
            await asyncio.sleep(0.05)


async def test_every_request_of_a_key_is_in_the_log_of_its_account_with_the_code_of_its_refusal(
    server: Server, edge: Edge
) -> None:
    tenant, other = await server.tenant(edge), await server.tenant(edge)
    id = f"order-{uuid4().hex}"
    await tenant.call(edge.list, {"X-Request-Id": id})
    await tenant.call(edge.get(edge.unknown_id))
    await other.call(edge.list, {"X-Request-Id": id})
    refused, listed = await _logged(tenant, 2)
    known = {key.id for key in await keys.list_keys(server.platform, tenant.account)}
    assert (listed.request_id, listed.status, listed.code) == (id, 200, None)
    assert listed.route == edge.list.path.partition("?")[0]
    assert (listed.method, refused.status) == ("GET", 404)
    assert refused.code == "not_found"
    assert edge.unknown_id not in refused.route
    assert {listed.key_id, refused.key_id} <= known
    scope = Scope(tenant.account.id, Mode.SANDBOX)
    for wanted, found in (
        (RequestFilter(request_id=id), [listed]),
        (RequestFilter(statuses=(400, 499)), [refused]),
        (RequestFilter(statuses=(200, 299)), [listed]),
        (RequestFilter(statuses=(500, 599)), []),
        (RequestFilter(until=listed.at), []),
    ):
        assert (await list_requests(server.platform, scope, wanted)).requests == found
    first = await list_requests(server.platform, scope, EVERYTHING, limit=1)
    assert first.requests == [refused]
    rest = await list_requests(server.platform, scope, EVERYTHING, first.next, limit=1)
    assert rest == RequestPage([listed], None, 0)
    live = scope._replace(mode=Mode.LIVE)
    assert (await list_requests(server.platform, live, EVERYTHING)).requests == []


async def test_a_request_without_a_good_key_is_in_nobodys_log(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    await tenant.with_key(f"{tenant.key}x").call(edge.list)
    await tenant.call(Call("GET", "/readyz"))
    await tenant.call(edge.list)
    assert len(await _logged(tenant, 1)) == 1


async def test_a_crowd_of_requests_leaves_room_for_others_and_what_is_missing_is_counted(
    server: Server,
) -> None:
    platform, since = server.platform, RequestFilter(since=datetime.now(UTC))
    log = RequestLog(platform.pool, most=90, gather_seconds=3600)
    tenants = [await server.tenant(KASPI), await server.tenant(KASPI)]
    crowd, shop = (Scope(one.account.id, Mode.LIVE) for one in tenants)
    keys_of = {one.account.id: await keys.list_keys(platform, one.account) for one in tenants}

    def note(scope: Scope, status: int = 200) -> None:
        key = keys_of[scope.account_id][0].id
        log.note(scope, key, uuid4().hex, "GET", "/x", status, None, 0.001)

    for _ in range(100):
        note(crowd)
    for _ in range(20):
        note(shop)
    note(crowd, 500)
    await log.write()
    busy, quiet = await _of(platform, crowd), await _of(platform, shop)
    assert (len(busy.requests), busy.missing) == (31, 70)
    assert (len(quiet.requests), quiet.missing) == (20, 0)
    assert busy.requests[0].status == 500
    note(shop)
    await log.write()
    assert len((await _of(platform, shop)).requests) == 21
    assert (await list_requests(platform, crowd, since)).missing == 70  # of the hour
    where = {"account_id": crowd.account_id}
    assert await tables.count(platform.pool, "api_request_gaps", where) == 1


async def test_of_an_account_that_was_removed_nothing_is_written_later(server: Server) -> None:
    platform, tenant = server.platform, await server.tenant(KASPI)
    log = RequestLog(platform.pool, most=3, gather_seconds=3600)
    uses = KeyUses(platform.pool, gather_seconds=3600)
    for _ in range(5):
        await tenant.call(KASPI.list)
        key = (await keys.list_keys(platform, tenant.account))[0]
        log.note(tenant.scope, key.id, uuid4().hex, "GET", "/x", 200, None, 0.001)
    credential = await platform.catalog.credential(key_hash(tenant.key))
    assert credential is not None
    uses.note(credential, None)
    await remove_account(platform, tenant.account.name)
    await log.write()
    await uses.write()
    for table in tables.WRITTEN_LATER:
        assert await tenant.count(table) == 0, table


async def _of(platform: Platform, scope: Scope) -> RequestPage:
    return await list_requests(platform, scope, EVERYTHING, limit=100)
