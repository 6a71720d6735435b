"""How the platforms of remote companies are reached."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.store.signals import CONFIGURATION, listen
from estafette.usecases.accounts.secrets import Cipher, WrongSecretKeyError, new_cipher_key
from estafette.usecases.couriers.links import Link, LinkRefusedError, connect, disconnect, link_of
from tests.rows import tables
from tests.usecases.angola import Shop

KEYS = {Mode.LIVE: "sk_live_far", Mode.SANDBOX: "sk_test_far"}
SECRETS = {Mode.LIVE: "whsec_live", Mode.SANDBOX: "whsec_test"}


async def remote(shop: Shop, slug: str = "far", **fields: Any) -> Company:
    return await shop.company(slug, [], **{"connector": Connector.REMOTE} | fields)


def link(company: Company, **changes: Any) -> Link:
    return replace(Link(company.id, "https://far.example/base/", KEYS, SECRETS), **changes)


async def connected(shop: Shop, company: Company, **changes: Any) -> Link:
    made = await connect(shop.platform, company, link(company, **changes))
    shop.platform.catalog.forget()
    return made


async def test_a_link_is_kept_without_the_slash_at_its_end(shop: Shop) -> None:
    company = await remote(shop)
    made = await connected(shop, company)
    assert made == link(company, base_url="https://far.example/base")
    assert await link_of(shop.platform, company.id) == made


async def test_a_company_without_a_link_has_none(shop: Shop) -> None:
    await connected(shop, await remote(shop))
    assert await link_of(shop.platform, new_id()) is None


async def test_a_new_link_takes_the_place_of_the_old_one_whole(shop: Shop) -> None:
    company = await remote(shop)
    await connected(shop, company)
    one_mode: dict[str, Any] = {"keys": {Mode.SANDBOX: "sk_test_new"}, "webhook_secrets": {}}
    made = await connected(shop, company, base_url="http://127.0.0.1:8081", **one_mode)
    assert await link_of(shop.platform, company.id) == made
    assert Mode.LIVE not in made.keys


async def test_a_link_is_forgotten_on_demand(shop: Shop) -> None:
    company = await remote(shop)
    await connected(shop, company)
    assert await disconnect(shop.platform, company)
    shop.platform.catalog.forget()
    assert await link_of(shop.platform, company.id) is None
    assert not await disconnect(shop.platform, company)


async def test_links_are_remembered_until_the_configuration_changes(shop: Shop) -> None:
    company = await remote(shop)
    made = await connected(shop, company)
    assert await link_of(shop.platform, company.id) == made
    where = {"company_id": company.id}
    await tables.change(shop.platform.pool, "company_links", where, base_url="http://other")
    assert await link_of(shop.platform, company.id) == made
    shop.platform.catalog.forget()
    found = await link_of(shop.platform, company.id)
    assert found is not None
    assert found.base_url == "http://other"


async def test_every_process_is_told_of_a_changed_link(shop: Shop, postgres_dsn: str) -> None:
    told = asyncio.Event()
    company = await remote(shop)
    listening = asyncio.create_task(listen(postgres_dsn, {CONFIGURATION: told.set}))
    await told.wait()
    for change in (
        connect(shop.platform, company, link(company)),
        disconnect(shop.platform, company),
    ):
        told.clear()
        await change
        await told.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_nothing_secret_is_readable_at_rest_or_in_a_representation(shop: Shop) -> None:
    company = await remote(shop)
    made = await connected(shop, company)
    where = {"company_id": company.id}
    (stored,) = await tables.texts(shop.platform.pool, "company_links", where)
    for secret in (*KEYS.values(), *SECRETS.values()):
        assert secret not in stored
        assert secret.encode().hex() not in stored
        assert secret not in repr(made)


async def test_a_secret_of_another_company_kind_or_mode_is_not_accepted(shop: Shop) -> None:
    company, other = await remote(shop), await remote(shop, "other")
    await connected(shop, company)
    await connected(shop, other)
    for column, of, source in (
        ("live_key", other, "live_key"),
        ("live_key", company, "live_webhook_secret"),
        ("sandbox_key", company, "live_key"),
    ):
        await connected(shop, company)
        pool, where = shop.platform.pool, {"company_id": company.id}
        wrong = await tables.value(pool, "company_links", source, {"company_id": of.id})
        await tables.change(pool, "company_links", where, **{column: wrong})
        shop.platform.catalog.forget()
        with pytest.raises(WrongSecretKeyError):
            await link_of(shop.platform, company.id)


async def test_another_secret_key_says_what_is_wrong(shop: Shop) -> None:
    company = await remote(shop)
    await connected(shop, company)
    shop.change(cipher=Cipher(new_cipher_key()))
    with pytest.raises(WrongSecretKeyError, match="ESTAFETTE_SECRET_KEY"):
        await link_of(shop.platform, company.id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_url": "far.example"}, "must be an http or https URL"),
        ({"base_url": "ftp://far.example"}, "must be an http or https URL"),
        ({"base_url": "https://"}, "must be an http or https URL"),
        ({"base_url": "https://[::1"}, "is not a URL"),
        ({"base_url": "https://far.example:99999"}, "is not a URL"),
        ({"base_url": "https://me:secret@far.example"}, "must not hold a user"),
        ({"base_url": "https://far.example?a=1"}, "must not hold a user, a query"),
        ({"base_url": "https://far.example#a"}, "must not hold a user, a query or a fragment"),
        ({"base_url": "http://far.example\r\ny"}, "printable ASCII"),
        ({"base_url": "http://far.example/ü"}, "printable ASCII"),
        ({"keys": {}}, "at least one mode needs a key"),
        ({"keys": {Mode.LIVE: ""}}, "printable ASCII"),
        ({"keys": {Mode.LIVE: "sk live"}}, "printable ASCII"),
        ({"webhook_secrets": {Mode.LIVE: "chave\n"}}, "printable ASCII"),
    ],
)
async def test_a_link_that_cannot_work_is_refused(
    shop: Shop, changes: dict[str, Any], reason: str
) -> None:
    company = await remote(shop)
    with pytest.raises(LinkRefusedError, match=reason):
        await connect(shop.platform, company, link(company, **changes))
    assert await link_of(shop.platform, company.id) is None


async def test_only_a_remote_company_is_linked(shop: Shop) -> None:
    company = await remote(shop, connector=Connector.INHOUSE)
    with pytest.raises(LinkRefusedError, match="reached as inhouse"):
        await connect(shop.platform, company, link(company))
