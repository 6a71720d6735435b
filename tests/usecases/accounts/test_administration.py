"""Opening accounts, and the life of their keys."""

from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from estafette.core.accounts.account import Account, KeyKind, Mode
from estafette.store.webhooks import endpoints
from estafette.usecases.accounts.administration import (
    AccountNotFoundError,
    AccountRefusedError,
    account_of,
    create_account,
    find_account,
    list_accounts,
    remove_account,
    set_rate,
)
from estafette.usecases.accounts.authenticate import authenticate
from estafette.usecases.accounts.keys import (
    IssuedKey,
    KeyRefusedError,
    create_key,
    disable_key,
    is_good,
    list_keys,
    revoke_key,
    rotate_key,
)
from estafette.usecases.couriers.companies import companies_of
from estafette.usecases.platform import Platform
from estafette.usecases.seed import demo_account, prepare_database
from tests.rows import tables
from tests.usecases.stage import Tenant, new_tenant


def _name() -> str:
    return f"t-{uuid4().hex}"


async def _account(platform: Platform, market: str = "KZ") -> tuple[Account, list[IssuedKey]]:
    return await create_account(platform, _name(), market)


async def _recognised(platform: Platform, key: str, dialect: str = "kaspi") -> bool:
    platform.catalog.forget()  # what the composition root does when the database tells of a change
    found = await authenticate(platform, key, dialect)
    return found is not None and not found.disabled


async def test_a_new_account_has_a_key_for_each_mode_that_works_at_once(platform: Platform) -> None:
    account, issued = await _account(platform)
    assert [(key.known.mode, key.known.kind) for key in issued] == [
        (Mode.LIVE, KeyKind.SECRET),
        (Mode.SANDBOX, KeyKind.SECRET),
    ]
    assert [key.key[:8] for key in issued] == ["kd_live_", "kd_test_"]
    for key in issued:
        assert await _recognised(platform, key.key)
    assert (await find_account(platform, account.name)) == account


async def test_an_account_in_angola_has_secret_and_publishable_keys(platform: Platform) -> None:
    _, issued = await _account(platform, "AO")
    assert sorted(key.key[:8] for key in issued) == [
        "pk_live_",
        "pk_test_",
        "sk_live_",
        "sk_test_",
    ]


async def test_a_new_account_has_an_endpoint_without_address_and_a_secret_in_each_mode(
    platform: Platform,
) -> None:
    account, _ = await _account(platform)
    async with platform.pool.acquire() as connection:
        found = await endpoints.every(connection, account.id)
    assert [(e.scope.mode, e.name, e.url) for e in found] == [
        (Mode.LIVE, "default", None),
        (Mode.SANDBOX, "default", None),
    ]
    secrets = {platform.cipher.decrypt(e.secret, e.id.bytes) for e in found}
    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") for secret in secrets)


@pytest.mark.parametrize("name", ["", "Shop", "a b", "-a", "a" * 64, "магазин"])
async def test_a_name_that_no_account_may_have_is_refused(platform: Platform, name: str) -> None:
    with pytest.raises(AccountRefusedError, match="lower-case"):
        await create_account(platform, name, "KZ")


async def test_a_taken_name_is_refused_and_leaves_no_keys(platform: Platform) -> None:
    account, issued = await _account(platform)
    with pytest.raises(AccountRefusedError, match="already"):
        await create_account(platform, account.name, "KZ")
    assert len(await list_keys(platform, account)) == len(issued)


async def test_an_unknown_market_is_refused_and_the_known_ones_are_named(
    platform: Platform,
) -> None:
    with pytest.raises(AccountRefusedError, match="AO, KZ"):
        await create_account(platform, _name(), "XX")


async def test_an_unknown_account_is_not_found(platform: Platform) -> None:
    with pytest.raises(AccountNotFoundError):
        await find_account(platform, "nobody-here")


async def test_accounts_are_listed_by_name(platform: Platform) -> None:
    made = {(await _account(platform))[0].name for _ in range(2)}
    names = [account.name for account in await list_accounts(platform)]
    assert made <= set(names)
    assert names == sorted(names)


async def test_a_new_account_has_the_rate_and_the_burst_that_it_is_given(
    platform: Platform,
) -> None:
    account, _ = await create_account(platform, _name(), "KZ", rate_per_second=5, burst=7)
    assert (account.rate_per_second, account.burst) == (5, 7)
    assert await find_account(platform, account.name) == account
    account, _ = await create_account(platform, _name(), "KZ", rate_per_second=5)
    assert account.burst == 10


async def test_a_rate_is_set_with_twice_as_much_burst(platform: Platform) -> None:
    account, _ = await _account(platform)
    changed = await set_rate(platform, account.name, 5)
    assert (changed.rate_per_second, changed.burst) == (5, 10)
    with pytest.raises(AccountRefusedError):
        await set_rate(platform, account.name, 0)


async def test_a_rotated_key_works_beside_the_new_one_until_the_overlap_ends(
    platform: Platform,
) -> None:
    account, issued = await _account(platform)
    old = issued[1]
    new = await rotate_key(platform, account, str(old.known.id), timedelta(hours=1))
    assert new.known.mode is old.known.mode
    assert await _recognised(platform, old.key)
    assert await _recognised(platform, new.key)
    newest = await rotate_key(platform, account, new.key, timedelta(0))
    assert not await _recognised(platform, new.key)
    assert await _recognised(platform, newest.key)


async def test_a_rotated_key_is_not_rotated_again(platform: Platform) -> None:
    account, issued = await _account(platform)
    await rotate_key(platform, account, issued[0].key)
    with pytest.raises(KeyRefusedError, match="already"):
        await rotate_key(platform, account, issued[0].key)


async def test_a_disabled_key_is_recognised_as_disabled(platform: Platform) -> None:
    account, issued = await _account(platform)
    disabled = await disable_key(platform, account, issued[0].known.hint)
    assert disabled.disabled_at is not None
    found = await authenticate(platform, issued[0].key, "kaspi")
    assert found is not None
    assert found.disabled
    assert not await is_good(platform, account, issued[0].key)


async def test_a_revoked_key_is_not_recognised(platform: Platform) -> None:
    account, issued = await _account(platform)
    await revoke_key(platform, account, issued[0].key)
    assert await authenticate(platform, issued[0].key, "kaspi") is None


async def test_a_key_of_another_account_is_not_found(platform: Platform) -> None:
    account, _ = await _account(platform)
    _, others = await _account(platform)
    for name in (others[0].key, str(others[0].known.id)):
        with pytest.raises(KeyRefusedError, match="no such key"):
            await disable_key(platform, account, name)


async def test_a_dialect_without_publishable_keys_gets_none(platform: Platform) -> None:
    account, _ = await _account(platform)
    with pytest.raises(KeyRefusedError, match="no publishable"):
        await create_key(platform, account, Mode.LIVE, KeyKind.PUBLISHABLE)


async def test_markets_are_seeded_once(fresh_database: str) -> None:
    first = await prepare_database(fresh_database)
    assert any("cities of KZ" in line for line in first)
    assert any("cities of AO" in line for line in first)
    assert any("tariffs of KZ" in line for line in first)
    assert await prepare_database(fresh_database) == []


async def test_the_demo_account_keeps_a_key_that_is_remembered_and_good(
    platform: Platform,
) -> None:
    first = await demo_account(platform, "kaspi", {})
    assert await demo_account(platform, "kaspi", first.keys) == first
    account = await find_account(platform, "kaspi")
    await disable_key(platform, account, first.keys["api_key"])
    second = await demo_account(platform, "kaspi", first.keys)
    assert set(second.keys) == {"api_key"}
    assert second.keys["api_key"] != first.keys["api_key"]
    assert second.webhook_secret == first.webhook_secret
    assert await _recognised(platform, second.keys["api_key"])


async def test_a_demo_account_with_keys_for_pages_has_both_kinds_and_trusts_this_machine(
    platform: Platform,
) -> None:
    first = await demo_account(platform, "entrega", {})
    assert set(first.keys) == {"secret_key", "publishable_key"}
    account = await find_account(platform, "entrega")
    await disable_key(platform, account, first.keys["publishable_key"])
    second = await demo_account(platform, "entrega", first.keys)
    assert second.keys["secret_key"] == first.keys["secret_key"]
    assert second.keys["publishable_key"] != first.keys["publishable_key"]
    assert "http://localhost:3000" in account.origins
    assert len(await companies_of(platform, account)) == 3


async def test_an_account_of_rehearsals_is_removed_with_all_that_it_has(
    platform: Platform, tenant: Tenant
) -> None:
    other = await new_tenant(platform)
    for one in (tenant, other):
        await one.set_endpoint()
        await one.create()
        await one.create()
    assert (await account_of(platform, tenant.account.id)).name == tenant.account.name
    assert await remove_account(platform, tenant.account.name) == 2
    for table in ("deliveries", "events", "messages", "sandbox_runs", "endpoints", "api_keys"):
        assert await tenant.count(table) == 0
    assert await other.count("deliveries") == 2
    assert await other.count("messages") > 0
    with pytest.raises(AccountNotFoundError):
        await find_account(platform, tenant.account.name)
    with pytest.raises(AccountNotFoundError):
        await remove_account(platform, tenant.account.name)
    removed = {"object": str(tenant.account.id), "act": "account.removed"}
    [entry] = await tables.read(platform.pool, "audit", removed)
    assert entry["account_id"] is None
    facts = {"name": tenant.account.name, "deliveries": 2}
    assert orjson.loads(entry["changes"]) == facts


async def test_an_account_with_live_deliveries_stays(platform: Platform) -> None:
    tenant = await new_tenant(platform, Mode.LIVE)
    await tenant.create()
    with pytest.raises(AccountRefusedError, match="has had live deliveries, which stay"):
        await remove_account(platform, tenant.account.name)
    assert await tenant.count("deliveries") == 1
    assert not (await find_account(platform, tenant.account.name)).is_disabled
