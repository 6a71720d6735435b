"""A disabled account's keys are answered as disabled ones are; what was under way goes on."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.store.accounts.removal import EMPTIED, KEPT, OF_COMPANIES, OWNED
from estafette.usecases.accounts.administration import (
    AccountHasWorkedError,
    AccountNotFoundError,
    disable_account,
    find_account,
    remove_account,
)
from estafette.usecases.accounts.keys import list_keys
from tests.edges import ENTREGA, Edge
from tests.rows import tables
from tests.serving import Server, running


@pytest.fixture
async def alone(fresh_database: str) -> AsyncGenerator[Server]:
    async with running(fresh_database) as server:
        yield server


async def test_all_keys_of_a_disabled_account_are_disabled_until_it_is_enabled(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    other = await server.tenant(edge)
    id = await tenant.create()
    await disable_account(server.platform, tenant.account.name, disabled=True)
    body = await other.body()
    for mode in Mode:
        answer = await tenant.in_mode(mode).call(edge.get(id))
        assert answer.status == edge.disabled_statuses[0]
        edge.check_error(answer.status, answer.headers, answer.body)
        assert (await tenant.in_mode(mode).post(edge.create_path, body)).status in (401, 403)
    assert (await tenant.advance(id)).status == 401
    assert (await other.call(edge.list)).status == 200

    await tenant.move(id, Status.ASSIGNED)  # its courier goes on
    assert (await server.request("GET", f"/track/{id}")).status == 200
    await disable_account(server.platform, tenant.account.name, disabled=False)
    assert (await tenant.call(edge.get(id))).status == 200


async def test_no_page_of_a_disabled_account_may_ask(server: Server) -> None:
    shop = await server.tenant(ENTREGA)
    headers = shop.authorization("GET /widget/couriers")
    assert (await server.request("GET", "/v1/widget/couriers", None, headers)).status == 200
    await disable_account(server.platform, shop.account.name, disabled=True)
    assert (await server.request("GET", "/v1/widget/couriers", None, headers)).status == 401


async def test_an_account_of_rehearsals_is_removed_with_all_that_it_has(
    alone: Server, edge: Edge
) -> None:
    tenant, other = await alone.tenant(edge), await alone.tenant(edge)
    ids = [await tenant.create(key=f"k-{number}") for number in range(3)]
    await tenant.move(ids[0], Status.ASSIGNED)
    kept = await other.create()
    assert await remove_account(alone.platform, tenant.account.name) == 3
    for table in (*EMPTIED, *OWNED):
        assert await tenant.count(table) == 0, table
    with pytest.raises(AccountNotFoundError):
        await find_account(alone.platform, tenant.account.name)
    assert (await tenant.call(edge.get(ids[0]))).status == 401
    assert (await alone.request("GET", f"/track/{ids[0]}")).status == 404
    assert (await other.call(edge.get(kept))).status == 200
    assert await list_keys(alone.platform, other.account)


async def test_an_account_that_has_worked_is_not_removed(alone: Server, edge: Edge) -> None:
    tenant = (await alone.tenant(edge)).in_mode(Mode.LIVE)
    id = await tenant.create()
    with pytest.raises(AccountHasWorkedError):
        await remove_account(alone.platform, tenant.account.name)
    assert (await tenant.call(edge.get(id))).status == 200


async def test_every_table_of_an_account_is_known_to_go_or_to_stay(
    connection: asyncpg.Connection,
) -> None:
    of_accounts = set(await tables.names(connection, "account_id"))
    assert of_accounts == {*EMPTIED, *OWNED, *KEPT}
    assert set(await tables.names(connection, "company_id")) - of_accounts == set(OF_COMPANIES)
