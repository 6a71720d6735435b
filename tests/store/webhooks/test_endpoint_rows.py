"""What is done to one endpoint changes no other; a removed one is kept while messages wait."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.errors import EndpointMissing
from estafette.store.webhooks import endpoints
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import (
    MOST_ENDPOINTS,
    finish_rotation,
    list_endpoints,
    rotate,
    set_enabled,
    set_endpoint,
)
from estafette.usecases.webhooks.options import choose, set_header
from estafette.usecases.webhooks.remove import remove_endpoint
from tests.usecases.stage import Tenant, new_tenant, platform_over

URL = "https://hooks.example/x"
HOUR = timedelta(hours=1)


@pytest.fixture
async def tenant(postgres_dsn: str) -> AsyncIterator[Tenant]:
    """An account with two endpoints in live mode and one in the sandbox."""
    async with platform_over(postgres_dsn) as platform:
        tenant = await new_tenant(platform, Mode.LIVE)
        for scope, name in (
            (tenant.scope, "default"),
            (tenant.scope, "other"),
            (sandbox(tenant), "default"),
        ):
            await set_endpoint(platform, scope, URL, name)
        yield tenant


def sandbox(tenant: Tenant) -> Scope:
    return tenant.scope._replace(mode=Mode.SANDBOX)


async def rows(tenant: Tenant) -> dict[tuple[str, str], str]:
    """The account's endpoints as they are stored, by mode and name."""
    found = await tenant.platform.pool.fetch(
        "select mode, name, e::text as row from endpoints e where account_id = $1",
        tenant.account.id,
    )
    return {(each["mode"], each["name"]): each["row"] for each in found}


Change = Callable[[Platform, Scope, str], Awaitable[object]]


async def rotated(platform: Platform, scope: Scope, name: str) -> None:
    await rotate(platform, scope, HOUR, name)
    await finish_rotation(platform, scope, name)


CHANGES: dict[str, Change] = {
    "address": lambda platform, scope, name: set_endpoint(platform, scope, URL + "/y", name),
    "disabled": lambda platform, scope, name: set_enabled(platform, scope, name, enabled=False),
    "rotation": lambda platform, scope, name: rotate(platform, scope, HOUR, name),
    "rotated": rotated,
    "order": lambda platform, scope, name: choose(platform, scope, name, order_seconds=7),
    "header": lambda platform, scope, name: set_header(platform, scope, name, "X-Tenant", "1"),
    "removed": remove_endpoint,
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_of_one_endpoint_changes_no_other(tenant: Tenant, what: str) -> None:
    before = await rows(tenant)
    await CHANGES[what](tenant.platform, tenant.scope, "default")
    after = await rows(tenant)
    changed = before.pop(("live", "default"))
    assert after.get(("live", "default")) != changed
    assert before.items() <= after.items()


@pytest.mark.parametrize("what", [what for what in CHANGES if what != "address"])
async def test_what_is_not_there_in_this_mode_or_any_more_is_not_changed(
    tenant: Tenant, what: str
) -> None:
    with pytest.raises(EndpointMissing):
        await CHANGES[what](tenant.platform, sandbox(tenant), "other")
    await remove_endpoint(tenant.platform, tenant.scope, "other")
    before = await rows(tenant)
    with pytest.raises(EndpointMissing):
        await CHANGES[what](tenant.platform, tenant.scope, "other")
    assert await rows(tenant) == before


async def test_a_removed_endpoint_leaves_neither_secrets_nor_its_place(tenant: Tenant) -> None:
    platform, scope = tenant.platform, tenant.scope
    await set_header(platform, scope, "other", "X-Tenant", "1")
    await rotate(platform, scope, HOUR, "other")
    query = "select * from endpoints where account_id = $1 and mode = 'live' and name like 'other%'"
    [old] = await platform.pool.fetch(query, tenant.account.id)
    await remove_endpoint(platform, scope, "other")
    [gone] = await platform.pool.fetch(query, tenant.account.id)
    assert gone["secret"] not in (old["secret"], old["next_secret"])
    assert [gone[name] for name in ("url", "next_secret", "next_secret_from", "headers")] == (
        [None] * 4
    )
    names = {(each.scope.mode, each.name) for each in await list_endpoints(platform, scope[0])}
    assert names == {(Mode.LIVE, "default"), (Mode.SANDBOX, "default")}
    for number in range(MOST_ENDPOINTS - 1):
        await set_endpoint(platform, scope, None, f"number-{number}")
    assert len(await list_endpoints(platform, scope.account_id)) == MOST_ENDPOINTS + 1


async def test_a_removed_endpoint_is_forgotten_in_time_and_while_nothing_waits_for_it(
    tenant: Tenant,
) -> None:
    platform = tenant.platform
    await remove_endpoint(platform, tenant.scope, "other")
    query = "select id from endpoints where account_id = $1 and removed_at is not null"

    async def left() -> list[Any]:
        return [row["id"] for row in await platform.pool.fetch(query, tenant.account.id)]

    [id] = await left()
    now = datetime.now(UTC)
    async with platform.pool.acquire() as connection:
        await endpoints.forget_removed(connection, now - HOUR)
        assert await left() == [id]
        await connection.execute(
            "insert into messages (account_id, id, endpoint_id, due_at)"
            " values ($1, gen_random_uuid(), $2, now())",
            tenant.account.id,
            id,
        )
        await endpoints.forget_removed(connection, now + HOUR)
        assert await left() == [id]
        await connection.execute("update messages set state = 'dead' where endpoint_id = $1", id)
        await endpoints.forget_removed(connection, now + HOUR)
    assert await left() == []


async def test_an_event_is_for_the_endpoints_of_its_mode_that_can_be_sent_to(
    tenant: Tenant,
) -> None:
    platform = tenant.platform
    await set_endpoint(platform, tenant.scope, URL, "disabled")
    await set_enabled(platform, tenant.scope, "disabled", enabled=False)
    await set_endpoint(platform, tenant.scope, None, "nowhere")
    await remove_endpoint(platform, tenant.scope, "other")
    id = await tenant.create()
    query = (
        "select endpoints.mode, endpoints.name from messages"
        " join endpoints on endpoints.id = endpoint_id where delivery_id = $1"
    )
    found = await platform.pool.fetch(query, id)
    assert [(row["mode"], row["name"]) for row in found] == [("live", "default")]
