"""What a first visit transfers, and that every page is under the one policy."""

from collections import Counter
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from estafette.core.people.permission import Role
from tests.edges import ENTREGA
from tests.serving import Server
from tests.web.browser import PHONE
from tests.web.drivers import driver_stage
from tests.web.people import sign_in

_KB = 1000


async def _transferred(page: Page, url: str) -> int:
    """Returns how many bytes come over the wire for a first visit, heads of answers included."""
    watched: Any = await page.context.new_cdp_session(page)  # it types what it carries by halves
    await watched.send("Network.enable")
    sizes: Counter[str] = Counter()

    def note(done: dict[str, Any]) -> None:
        sizes[done["requestId"]] += int(done["encodedDataLength"])

    watched.on("Network.loadingFinished", note)
    await page.goto(url, wait_until="networkidle")
    return sizes.total()


@pytest.mark.parametrize("locale", ["en-GB", "kk-KZ"])
async def test_a_first_visit_of_the_console_is_small(
    server: Server, browser: Browser, locale: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    dana = await sign_in(server, tenant.account, Role.OWNER)
    context = await browser.new_context(viewport=PHONE, locale=locale)
    await context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in dana.cookies.items()]
    )
    page = await context.new_page()
    assert 0 < await _transferred(page, server.url + dana.home) < 150 * _KB
    await context.close()


@pytest.mark.parametrize("locale", ["en-GB", "kk-KZ"])
async def test_a_first_visit_of_the_tracking_page_is_small(
    server: Server, browser: Browser, locale: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    id = await tenant.create("budget")
    context = await browser.new_context(viewport=PHONE, locale=locale)
    page = await context.new_page()
    await page.route("**/events*", lambda route: route.abort())  # it would never be idle
    assert 0 < await _transferred(page, f"{server.url}/track/{id}") < 60 * _KB
    await context.close()


@pytest.mark.parametrize("language", ["en", "kk"])
async def test_a_first_visit_of_the_drivers_page_is_small(
    server: Server, browser: Browser, language: str
) -> None:
    stage = await driver_stage(server)
    driver = await stage.driver()
    await stage.given(driver)
    ze = await stage.at_phone(driver, language)
    context = await browser.new_context(viewport=PHONE, service_workers="block")
    await context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in ze.cookies.items()]
    )
    page = await context.new_page()
    assert 0 < await _transferred(page, f"{server.url}/driver") < 100 * _KB
    await context.close()
