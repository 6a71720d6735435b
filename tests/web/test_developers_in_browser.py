"""A developer's first hour in Chromium: a key, a webhook that fails, its mending, and all pages."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from estafette.app import RENDERERS
from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from estafette.usecases.accounts import keys
from estafette.usecases.platform import Platform
from estafette.webhooks.sender import Sender
from estafette.webhooks.worker import WebhookWorker
from tests.edges import ENTREGA, KASPI
from tests.receivers import Receiver, answer
from tests.serving import Server, Tenant, running
from tests.web.browser import LOOKS, NARROWEST, axe, look, looks, overflow
from tests.web.people import PersonAtBrowser, sign_in
from tests.webhooks.stage import LOOPBACK

BROKEN = answer(500, {"Content-Type": "text/plain"}, b"no such table: orders")


@pytest.fixture
async def server(fresh_database: str) -> AsyncIterator[Server]:
    """A server over a database of its own: the worker takes up whatever it finds there."""
    async with running(fresh_database) as server:
        yield server


@asynccontextmanager
async def sending(platform: Platform, dsn: str) -> AsyncGenerator[None]:
    """A worker under way, which may reach this machine."""
    stop = asyncio.Event()
    async with Sender(LOOPBACK) as sender:
        worker = WebhookWorker(platform.pool, dsn, RENDERERS, sender, platform.cipher.decrypt)
        task = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def as_person(browser: Browser, who: PersonAtBrowser) -> BrowserContext:
    """The browser of somebody who signed in."""
    context = await browser.new_context()
    await context.add_cookies(
        [{"name": n, "value": v, "url": who.server.url} for n, v in who.cookies.items()]
    )
    return context


async def test_an_owner_makes_a_key_and_mends_a_webhook_that_fails(
    browser: Browser, server: Server, fresh_database: str
) -> None:
    tenant = await server.tenant(KASPI)
    owner = await sign_in(server, tenant.account)
    async with (
        Receiver(BROKEN) as broken,
        Receiver() as mended,
        sending(server.platform, fresh_database),
    ):
        context = await as_person(browser, owner)
        page = await context.new_page()
        await page.goto(f"{server.url}{owner.home}/keys")
        await page.get_by_role("link", name="Create a key").first.click()
        await page.get_by_label("Name").fill("Shop's server")
        await page.get_by_role("button", name="Create").click()
        key = await page.locator("#secret").inner_text()
        assert await keys.is_good(server.platform, tenant.account, key)
        listed = await tenant.with_key(key).call(KASPI.list)
        assert listed.status == 200

        await page.goto(f"{server.url}{owner.home}/webhooks/default")
        await page.get_by_role("link", name="Change").click()
        await page.get_by_label("URL").fill(broken.url)
        await page.get_by_role("button", name="Save").click()
        delivery = await tenant.create()
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("Refused by the receiver (500)")).to_be_visible()
        await expect(page.get_by_text("no such table: orders")).to_be_visible()
        await expect(page.get_by_text("x-kaspi-signature: ")).to_be_visible()
        await expect(page.get_by_text("Answer with a status from 200 to 299")).to_be_visible()

        await page.goto(f"{server.url}{owner.home}/webhooks/default/change")
        await page.get_by_label("URL").fill(mended.url)
        await page.get_by_role("button", name="Save").click()
        await page.goto(f"{server.url}{owner.home}/attempts?result=failed&delivery={delivery}")
        await page.get_by_role("link", name="delivery.created").click()
        await expect(page.get_by_text(f'"deliveryId":"{delivery}"')).to_be_visible()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_text("Delivered (200)")).to_be_visible()
        await expect(page.get_by_text("Attempt 2", exact=True)).to_be_visible()
        await mended.wait_for(1)
        assert delivery.encode() in mended.requests[0].body
        await context.close()


async def _fill(page: Page, server: Server, home: str, tenant: Tenant, dsn: str) -> list[str]:
    """Lets there be something on every page; returns their paths."""
    async with Receiver(BROKEN) as broken, Receiver() as well, sending(server.platform, dsn):
        for name, url in (("warehouse", broken.url), ("default", well.url)):
            await page.goto(f"{server.url}{home}/webhooks/{name if name == 'default' else 'new'}")
            if name == "default":
                await page.get_by_role("link", name="Change").click()
            else:
                await page.get_by_label("Name").fill(name)
            await page.get_by_label("URL").fill(url)
            await page.locator("form.stack button.main").click()
            await page.wait_for_url("**/webhooks/*")
        for _ in range(2):
            await tenant.create()
        await tenant.call(tenant.edge.get(tenant.edge.unknown_id))
        await broken.wait_for(2)
        await well.wait_for(2)
        await page.goto(f"{server.url}{home}/attempts?result=failed")
        await page.get_by_role("link", name=re.compile("^delivery")).first.wait_for()
        attempt = await page.get_by_role("link", name=re.compile("^delivery")).first.get_attribute(
            "href"
        )
    known = await keys.list_keys(server.platform, tenant.account)
    shown = [key for key in known if key.mode is Mode.SANDBOX]
    paths = ["keys", "keys/new", "webhooks", "webhooks/new", "webhooks/warehouse", "attempts"]
    paths += ["webhooks/warehouse/change", "replays", "requests", "integration"]
    paths += ["integration/changelog", "integration/origins"]
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    paths += [
        f"replays?since={an_hour_ago:%Y-%m-%dT%H:%M}",
        *(f"keys/{key.id.hex}" for key in shown),
    ]
    of_pages = next(key for key in shown if key.limits is not None)
    paths += [f"keys/{of_pages.id.hex}/{part}" for part in ("change", "limits")]
    assert attempt is not None
    return [*(f"{home}/{path}" for path in paths), attempt]


async def test_every_page_can_be_read_by_everybody_on_a_phone_and_a_desk(
    browser: Browser, server: Server, fresh_database: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    owner = await sign_in(server, tenant.account, Role.OWNER)
    context = await as_person(browser, owner)
    page = await context.new_page()
    paths = await _fill(page, server, owner.home, tenant, fresh_database)
    for number, path in enumerate(paths):
        name = "-".join(path.partition("?")[0].split("/")[4:6])
        for seen in looks():
            await page.set_viewport_size(seen.size)
            await page.emulate_media(color_scheme=seen.scheme)
            answered = await page.goto(f"{server.url}{path}")
            assert answered is not None
            assert answered.status in (200, 422), path
            await look(page, f"developers-{number:02}-{name}-{seen.name}")
            if seen is LOOKS[0]:
                assert await axe(page) == [], path
        await page.set_viewport_size(NARROWEST)
        assert await overflow(page) == [], path
    await context.close()
