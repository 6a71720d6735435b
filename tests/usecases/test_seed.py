"""What `up` makes of a database before it serves."""

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.store.audit import AuditFilter
from estafette.usecases.accounts.administration import disable_account, find_account
from estafette.usecases.accounts.secrets import WrongSecretKeyError, new_cipher_key
from estafette.usecases.audit import list_entries
from estafette.usecases.seed import prepare_demo
from estafette.usecases.webhooks.endpoints import list_endpoints
from estafette.usecases.webhooks.remove import remove_endpoint
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.stage import platform_over


async def test_a_demo_is_prepared_once_and_told_of_when_it_is_not_wanted_any_more(
    fresh_database: str,
) -> None:
    assert (await prepare_demo(fresh_database, [CIPHER_KEY], None)).accounts == {}
    first = await prepare_demo(fresh_database, [CIPHER_KEY], {})
    assert first.done == []  # the cities and tariffs are there
    assert {name: set(of.keys) for name, of in first.accounts.items()} == {
        "kaspi": {"api_key"},
        "entrega": {"secret_key", "publishable_key"},
    }
    keys = {name: of.keys for name, of in first.accounts.items()}
    again = await prepare_demo(fresh_database, [CIPHER_KEY], keys)
    assert (again.done, again.accounts) == (first.done, first.accounts)
    assert again.people.keys() == first.people.keys()  # with a fresh link each, until it is used
    async with platform_over(fresh_database) as platform:
        account = await find_account(platform, "kaspi")
        entries = (await list_entries(platform, AuditFilter(account.id))).entries
        assert {entry.by for entry in entries} == {By.process("up")}
        shown = [
            endpoint.secret
            for endpoint in await list_endpoints(platform, account.id)
            if endpoint.scope.mode is Mode.SANDBOX
        ]
        assert shown == [first.accounts["kaspi"].webhook_secret]
        await disable_account(platform, "entrega", disabled=True)
    left = await prepare_demo(fresh_database, [CIPHER_KEY], None)
    assert left.done == [
        "the demo account kaspi is here from before:"
        " `estafette accounts remove kaspi --yes` removes it"
    ]


async def test_a_demo_whose_endpoint_was_removed_has_another(fresh_database: str) -> None:
    first = (await prepare_demo(fresh_database, [CIPHER_KEY], {})).accounts["kaspi"]
    async with platform_over(fresh_database) as platform:
        account = await find_account(platform, "kaspi")
        [scope] = [
            endpoint.scope
            for endpoint in await list_endpoints(platform, account.id)
            if endpoint.scope.mode is Mode.SANDBOX
        ]
        await remove_endpoint(platform, scope, "default")
    keys = {"kaspi": first.keys}
    second = (await prepare_demo(fresh_database, [CIPHER_KEY], keys)).accounts["kaspi"]
    assert second.webhook_secret != first.webhook_secret
    assert second.keys == first.keys


async def test_another_databases_key_prepares_nothing(fresh_database: str) -> None:
    await prepare_demo(fresh_database, [CIPHER_KEY], None)
    with pytest.raises(WrongSecretKeyError):
        await prepare_demo(fresh_database, [new_cipher_key()], {})
    async with platform_over(fresh_database) as platform:
        assert await tables.count(platform.pool, "accounts") == 0
    both = [new_cipher_key(), CIPHER_KEY]  # a rotation is under way
    assert (await prepare_demo(fresh_database, both, None)).accounts == {}
