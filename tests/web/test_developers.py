"""The console's pages for developers, over HTTP: keys, webhooks, attempts, requests."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from estafette.dialects import changelog
from estafette.store.people import ends
from estafette.usecases import audit
from estafette.usecases.accounts import keys
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.webhooks import endpoints
from estafette.web.developers.integration import changes_in
from tests.edges import ENTREGA, KASPI, Edge
from tests.rows import tables
from tests.serving import Answer, Server, Tenant
from tests.web.people import PersonAtBrowser, sign_in

PAGES = (
    *("keys", "keys/new", "webhooks", "webhooks/new", "webhooks/default", "attempts"),
    *("webhooks/default/change", "replays", "requests", "integration", "integration/changelog"),
)


@pytest.fixture
async def shop(server: Server) -> Tenant:
    """An account in Angola, whose API has keys for web pages too."""
    return await server.tenant(ENTREGA)


@pytest.fixture
async def dev(server: Server, shop: Tenant) -> PersonAtBrowser:
    """A developer of it."""
    return await sign_in(server, shop.account, Role.DEVELOPER)


def _secret_in(page: Answer) -> str:
    """The secret that a page shows this once."""
    found = re.search(rb'<span id="secret">([^<]+)</span>', page.body)
    assert found is not None, page.body.decode()
    return found[1].decode()


@pytest.mark.parametrize("edge", [KASPI, ENTREGA], ids=str)
async def test_every_page_is_shown_in_both_modes_and_every_language(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    owner = await sign_in(server, tenant.account, Role.OWNER)
    for mode in Mode:
        for page in PAGES:
            for language in ("en", "ru", "kk", "pt"):
                path = f"/console/{tenant.account.id.hex}/{mode}/{page}?lang={language}"
                answer = await owner.get(path)
                assert answer.status == 200, (path, answer.body.decode())


async def test_a_key_is_made_used_changed_rotated_disabled_and_revoked(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    home = f"{dev.home}/keys"
    rules = {"acts": ["read", "create"], "networks": "127.0.0.0/8"}
    made = await dev.send(f"{home}/new", {"name": "Shop <b>", "kind": "secret", **rules})
    key = _secret_in(made)
    with_key = shop.with_key(key)
    assert (await with_key.call(ENTREGA.list)).status == 200
    listing = await dev.get(home)
    assert b"Shop &lt;b&gt;" in listing.body
    assert key.encode() not in listing.body
    [known] = [one for one in await keys.list_keys(server.platform, shop.account) if one.name]
    here = f"{home}/{known.id.hex}"
    changed = await dev.send(f"{here}/change", {"name": "Shop", "acts": ["create"], "networks": ""})
    assert changed.headers["location"] == here
    assert (await with_key.call(ENTREGA.list)).status == 403
    rotated = await dev.send(f"{here}/rotate", hours="24")
    follower = _secret_in(rotated)
    assert follower != key
    for good in (key, follower):
        assert await keys.is_good(server.platform, shop.account, good)
    for act, is_good in (("disable", False), ("enable", True), ("revoke", False)):
        assert (await dev.send(f"{here}/{act}")).status == 303
        assert await keys.is_good(server.platform, shop.account, key) is is_good
    assert b"Create a new one" in (await dev.follow(await dev.send(f"{here}/enable"))).body
    wanted = audit.AuditFilter(account_id=shop.account.id, act="key")
    entries = (await audit.list_entries(server.platform, wanted)).entries
    assert [entry.act for entry in entries] == [
        *("key.revoked", "key.enabled", "key.disabled", "key.rotated", "key.changed", "key.created")
    ]
    assert dev.person is not None
    assert {entry.by.name for entry in entries} == {str(dev.person.id)}


async def test_credentials_that_were_disabled_are_replaced_by_a_key_with_the_same_rules(
    server: Server, dev: PersonAtBrowser, shop: Tenant
) -> None:
    rules = {"name": "Shop", "acts": "read", "networks": "127.0.0.0/8", "kind": "secret"}
    await dev.send(f"{dev.home}/keys/new", rules)
    [known] = [one for one in await keys.list_keys(server.platform, shop.account) if one.name]
    await dev.send(f"{dev.home}/keys/{known.id.hex}/disable")
    page = await dev.get(f"{dev.home}/keys/{known.id.hex}")
    like = f"{dev.home}/keys/new?like={known.id.hex}"
    assert like.encode() in page.body
    form = (await dev.get(like)).body
    assert b'value="Shop"' in form
    assert b"127.0.0.0/8" in form
    assert form.count(b" checked") == 2  # of its kind, and what it may do


async def test_a_key_is_shown_to_whoever_clicks_twice_and_to_nobody_later(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    """A browser shows the last of its answers alone, so each of them has the one secret."""
    once, rules, new = uuid4().hex, {"kind": "secret", "acts": "read"}, f"{dev.home}/keys/new"
    before = len(await keys.list_keys(server.platform, shop.account))
    clicks = await asyncio.gather(*(dev.send(new, rules, once=once) for _ in range(3)))
    (secret,) = {_secret_in(one) for one in clicks}
    assert len(await keys.list_keys(server.platform, shop.account)) == before + 1
    pool = server.platform.pool
    which = {"token": UUID(once)}
    kept: bytes = await tables.value(pool, "sent_forms", "answer", which)
    assert kept
    assert secret.encode() not in kept
    other = await dev.send(new, {**rules, "name": "Other"}, once=once)
    assert (other.status, other.headers["location"]) == (303, f"{dev.home}/keys")
    await tables.shift(pool, "sent_forms", which, sent_at=timedelta(minutes=-2))
    later = await dev.send(new, rules, once=once)
    assert (later.status, later.headers["location"]) == (303, f"{dev.home}/keys")
    assert "not shown again" in (await dev.follow(later)).body.decode()
    async with pool.acquire() as connection:
        await ends.forget(connection)
    assert await tables.value(pool, "sent_forms", "answer", which) == b""
    assert (await dev.send(new, rules, once=once)).status == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"acts": []},
        {"acts": "read", "networks": "10.0.0.0/8\n<script>"},
        {"acts": "read", "expires": "2001-01-01"},
        {"acts": "read", "name": "x" * 61},
    ],
)
async def test_a_key_that_cannot_be_is_refused_with_what_was_typed(
    shop: Tenant, dev: PersonAtBrowser, fields: dict[str, str]
) -> None:
    before = await shop.count("api_keys")
    answer = await dev.send(f"{dev.home}/keys/new", fields)
    assert answer.status == 422
    assert b'class="error"' in answer.body
    assert b"<script>" not in answer.body
    assert await shop.count("api_keys") == before


async def test_the_limits_of_a_publishable_key_are_changed_in_its_form(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    made = await dev.send(f"{dev.home}/keys/new", kind="publishable", acts="read", name="Page")
    assert b"pk_test_" in made.body
    [known] = [one for one in await keys.list_keys(server.platform, shop.account) if one.name]
    here = f"{dev.home}/keys/{known.id.hex}/limits"
    numbers = {"highest_cash": "5000", "per_hour": "9", "per_address": "3", "held": "yes"}
    place = "Rua Rainha Ginga 31; Luanda; Luanda"
    answer = await dev.send(here, {**numbers, "methods": "cod", "places": place})
    assert answer.status == 303, answer.body
    [known] = [one for one in await keys.list_keys(server.platform, shop.account) if one.name]
    assert known.limits is not None
    assert (known.limits.highest_cash, known.limits.per_hour, known.limits.held) == (5000, 9, True)
    wrong: dict[str, str]
    for wrong in ({"methods": ""}, {"methods": "cod", "places": "<b>"}, {"per_hour": "0"}):
        refused = await dev.send(here, {"methods": "cod", **numbers, "places": "", **wrong})
        assert refused.status == 422, wrong


async def test_an_endpoint_is_added_changed_and_shows_its_secret_only_when_that_is_asked_for(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    home = f"{dev.home}/webhooks"
    types = ["delivery.delivered"]
    made = await dev.send(
        f"{home}/new", {"name": "shop", "url": "https://shop.example/hooks?<b>", "types": types}
    )
    here = f"{home}/shop"
    assert made.headers["location"] == here
    known = await endpoints.list_endpoints(server.platform, shop.scope.account_id)
    [endpoint] = [one for one in known if one.name == "shop"]
    assert endpoint.types == ("delivery.delivered",)
    page = await dev.get(here)
    assert endpoint.secret.encode() not in page.body
    assert b"?&lt;b&gt;" in page.body
    assert _secret_in(await dev.send(f"{here}/reveal")) == endpoint.secret
    new = _secret_in(await dev.send(f"{here}/rotate", hours="24"))
    assert new != endpoint.secret
    await dev.send(f"{here}/finish-rotation")
    assert _secret_in(await dev.send(f"{here}/reveal")) == new
    header = {"header": "X-Gateway", "header_secret": "a-secret-value"}
    assert (await dev.send(f"{here}/headers", header)).status == 303
    assert b"X-Gateway" in (page := (await dev.get(here)).body)
    assert b"a-secret-value" not in page
    bad = await dev.send(f"{here}/headers", header="Host", header_secret="x")
    assert bad.status == 422
    await dev.send(f"{here}/headers/remove", header="X-Gateway")
    for act in ("disable", "enable"):
        assert (await dev.send(f"{here}/{act}")).status == 303
    assert (await dev.send(f"{here}/remove")).headers["location"] == home
    assert (await dev.get(here)).status == 404
    for act in ("reveal", "rotate", "test", "disable", "remove", "finish-rotation"):
        gone = await dev.send(f"{here}/{act}", hours="24", type="delivery.created")
        assert gone.status in (303, 404), act
    revealed = audit.AuditFilter(account_id=shop.account.id, act="endpoint.revealed")
    assert len((await audit.list_entries(server.platform, revealed)).entries) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Shop", "url": "https://shop.example", "types": "delivery.created"},
        {"name": "default", "url": "https://shop.example", "types": "delivery.created"},
        {"name": "shop", "url": "javascript:alert(1)", "types": "delivery.created"},
        {"name": "shop", "url": "https://shop.example", "types": []},
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(
    shop: Tenant, dev: PersonAtBrowser, fields: dict[str, str]
) -> None:
    before = await shop.count("endpoints")
    answer = await dev.send(f"{dev.home}/webhooks/new", fields)
    assert (answer.status, b'class="error"' in answer.body) == (422, True)
    assert await shop.count("endpoints") == before


async def test_an_endpoint_is_told_of_no_event_that_there_is_not(
    shop: Tenant, dev: PersonAtBrowser
) -> None:
    fields = {"url": "https://other.example", "types": "no.event", "format": "dialect"}
    answer = await dev.send(f"{dev.home}/webhooks/default/change", fields)
    assert (answer.status, b'class="error"' in answer.body) == (422, True)
    page = await dev.get(f"{dev.home}/webhooks/default")
    assert b"other.example" not in page.body
    before = await shop.count("endpoints")
    new = {**fields, "name": "shop"}
    assert (await dev.send(f"{dev.home}/webhooks/new", new)).status == 422
    assert await shop.count("endpoints") == before


async def test_nothing_of_another_account_or_mode_is_shown_or_changed(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    other = await server.tenant(ENTREGA)
    known = await keys.list_keys(server.platform, other.account)
    own = await keys.list_keys(server.platform, shop.account)
    foreign = [known[0].id, *(key.id for key in own if key.mode is Mode.LIVE)]
    for id in foreign:
        assert (await dev.get(f"{dev.home}/keys/{id.hex}")).status == 404
        for act in ("rotate", "revoke", "disable", "enable", "change", "limits"):
            answer = await dev.send(f"{dev.home}/keys/{id.hex}/{act}", hours="0", acts="read")
            assert answer.status == 404
    assert await keys.is_good(server.platform, other.account, other.key)


async def test_a_replay_is_counted_then_asked_for(server: Server, dev: PersonAtBrowser) -> None:
    here = f"{dev.home}/replays"
    since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    counted = await dev.get(f"{here}?since={since}")
    assert counted.status == 200
    assert (await dev.get(f"{here}?since=nonsense")).status == 422
    assert (await dev.get(f"{here}?since=2001-01-01T00:00")).status == 422
    assert (await dev.send(here, since=since, endpoint="")).status == 303
    assert b"Under way" in (await dev.get(here)).body
    busy = await dev.follow(await dev.send(here, since=since, endpoint=""))
    assert b"Another one is under way" in busy.body


async def test_origins_are_trusted_from_the_form(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    here = f"{dev.home}/integration/origins"
    assert (await dev.send(here, origins="https://loja.ao\nhttps://*.loja.ao")).status == 303
    account = await find_account(server.platform, shop.account.name)
    assert account.origins == ("https://loja.ao", "https://*.loja.ao")
    refused = await dev.send(here, origins="<script>")
    assert (refused.status, b"<script>" in refused.body) == (422, False)
    kaspi = await server.tenant(KASPI)
    owner = await sign_in(server, kaspi.account)
    assert (await owner.get(f"{owner.home}/integration/origins")).status == 404


async def test_a_request_is_found_by_its_id_and_another_accounts_is_not(
    server: Server, shop: Tenant, dev: PersonAtBrowser
) -> None:
    id, other = uuid4().hex, await server.tenant(ENTREGA)
    await shop.call(ENTREGA.get(ENTREGA.unknown_id), {"X-Request-Id": id})
    path = f"{dev.home}/requests?id={id}"
    async with asyncio.timeout(60):
        while b"not_found" not in (page := await dev.get(path)).body:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert b"/v1/deliveries/{id}" in page.body
    stranger = await sign_in(server, other.account)
    assert b"not_found" not in (await stranger.get(f"{stranger.home}/requests?id={id}")).body
    assert (await dev.get(f"{dev.home}/requests?after=nonsense")).status == 404
    assert (await dev.get(f"{dev.home}/attempts?after=nonsense")).status == 404


async def test_the_addresses_that_webhooks_come_from_are_told_to_everybody(server: Server) -> None:
    answer = await server.request("GET", "/webhook-addresses.json")
    assert (answer.status, answer.told) == (200, {"addresses": []})


@pytest.mark.parametrize("dialect", ["kaspi", "entrega"])
def test_every_dialect_tells_what_changed_newest_first(dialect: str) -> None:
    changes = changes_in(changelog(dialect))
    assert changes
    assert changes == sorted(changes, key=lambda change: change.day, reverse=True)
    assert all(len(sentence) % 2 for change in changes for sentence in change.changes)
