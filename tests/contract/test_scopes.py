"""Every operation of every contract, and of the sandbox, is an act that a key may lack."""

from typing import Any, cast

from estafette.core.accounts.account import Account
from estafette.core.accounts.acts import EVERY_ACT, Act
from tests.contracts import Operation, operations
from tests.documents import document_in
from tests.edges import Call, Edge
from tests.rows import tables
from tests.serving import Answer, Server, Tenant


async def _named_acts(server: Server, edge: Edge) -> dict[str, str]:
    """The act that each operation of the contract names, by the operation's name."""
    shown = await server.request("GET", edge.contract)
    paths = cast("dict[str, dict[str, Any]]", document_in(shown.body)["paths"])
    return {
        f"{method.upper()} {path}": operation["x-act"]
        for path, item in paths.items()
        for method, operation in item.items()
        if "x-act" in operation
    }


async def _allow(server: Server, account: Account, acts: frozenset[Act]) -> None:
    where = {"account_id": account.id}
    await tables.change(server.platform.pool, "api_keys", where, scopes=sorted(acts))


async def _try(tenant: Tenant, operation: Operation, delivery: str) -> Answer:
    call = operation.call(tenant.edge, delivery, b"{" if operation.needs_body else None)
    return await tenant.call(call, tenant.authorization(operation.name))


async def test_every_operation_names_its_act_and_needs_it(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    delivery = await tenant.create()
    named = await _named_acts(server, edge)
    keyed = [each for each in await operations(server, edge) if not each.is_public]
    assert keyed
    assert set(named) == {operation.name for operation in keyed}
    assert set(named.values()) <= set(Act)
    for operation in keyed:
        act = Act(named[operation.name])
        await _allow(server, tenant.account, EVERY_ACT - {act})
        answer = await _try(tenant, operation, delivery)
        assert answer.status == 403, (operation.name, answer.body)
        edge.check_error(answer.status, answer.headers, answer.body)
        assert f"with the scope {act}".encode() in answer.body
        await _allow(server, tenant.account, frozenset({act}))
        answer = await _try(tenant, operation, delivery)
        assert answer.status not in (401, 403), (operation.name, answer.body)


async def test_a_key_is_refused_from_a_foreign_address(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    delivery = await tenant.create()
    keyed = [each for each in await operations(server, edge) if not each.is_public]
    pool, where = server.platform.pool, {"account_id": tenant.account.id}
    for network, is_foreign in (("203.0.113.0/24", True), ("127.0.0.0/8", False)):
        await tables.change(pool, "api_keys", where, networks=[network])
        for operation in keyed:
            answer = await _try(tenant, operation, delivery)
            assert (answer.status == 403) is is_foreign, (operation.name, answer.body)
            if is_foreign:
                edge.check_error(answer.status, answer.headers, answer.body)
                assert b"127.0.0.1" in answer.body


async def test_the_sandbox_moves_deliveries_for_a_key_that_may(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    delivery = await tenant.create()
    await _allow(server, tenant.account, EVERY_ACT - {Act.MOVE})
    refused = await tenant.advance(delivery, {"status": "assigned"})
    assert (refused.status, refused.told["code"]) == (403, "forbidden")
    assert "with the scope move" in refused.told["message"]
    await _allow(server, tenant.account, frozenset({Act.MOVE}))
    assert (await tenant.advance(delivery, {"status": "assigned"})).status == 200
    where = {"account_id": tenant.account.id}
    await tables.change(server.platform.pool, "api_keys", where, networks=["203.0.113.0/24"])
    refused = await tenant.advance(delivery, {"status": "pickup_ready"})
    assert (refused.status, refused.told["code"]) == (403, "forbidden")


async def test_a_refused_request_changes_nothing(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    delivery = await tenant.create()
    body = await tenant.body()
    before = await tenant.count("events")
    await _allow(server, tenant.account, frozenset({Act.READ}))
    for call in (Call("POST", edge.create_path, body), edge.cancel(delivery)):
        assert (await tenant.call(call)).status == 403
    assert await tenant.count("events") == before
    assert (await tenant.call(edge.get(delivery))).status == 200
