"""The pictures of the documentation: every page of the navigation, made anew on demand.

ESTAFETTE_PICTURES=docs/images .venv/bin/pytest -n 0 tests/web/test_pictures.py
"""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, expect

from estafette.core.deliveries.delivery import Status
from estafette.core.people.permission import Role
from tests.edges import ENTREGA
from tests.rows import tables
from tests.serving import Server, Tenant
from tests.web.people import PersonAtBrowser, sign_in

_FOLDER = os.environ.get("ESTAFETTE_PICTURES", "")
_WIDTH, _HEIGHT = 1200, 780

pytestmark = pytest.mark.skipif(not _FOLDER, reason="ESTAFETTE_PICTURES names no folder")


async def _keep(page: Page, name: str) -> None:
    """Leaves a picture of what the window shows, with few colours, so that it stays small."""
    drawn = Image.open(BytesIO(await page.screenshot())).convert("RGB")
    small = drawn.quantize(256, dither=Image.Dither.NONE)
    small.save(Path(_FOLDER) / f"{name}.png", optimize=True)


async def _window(browser: Browser, server: Server, who: PersonAtBrowser | None) -> BrowserContext:
    context = await browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT}, locale="en-GB", color_scheme="light"
    )
    if who is not None:
        await context.add_cookies(
            [{"name": name, "value": text, "url": server.url} for name, text in who.cookies.items()]
        )
    return context


async def _some_deliveries(tenant: Tenant) -> None:
    course = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    for number in range(9):
        id = await tenant.create(f"order-{1042 + number}")
        for status in course[: number % 5]:
            await tenant.move(id, status)


async def _of_navigation(page: Page, url: str, prefix: str) -> None:
    """Leaves a picture of each page that the navigation leads to."""
    await page.goto(url)
    links = await page.locator(".side nav a").evaluate_all("all => all.map(one => one.href)")
    for link in links:
        await page.goto(link)
        last = link.rstrip("/").removeprefix(url.rstrip("/")).strip("/").replace("/", "-")
        await _keep(page, f"{prefix}-{last or 'overview'}")


async def test_pictures_of_the_pages(server: Server, browser: Browser) -> None:
    tenant = await server.tenant(ENTREGA)
    await tables.change(server.platform.pool, "accounts", {"id": tenant.account.id}, name="loja")
    await _some_deliveries(tenant)
    anybody = await _window(browser, server, None)
    page = await anybody.new_page()
    for name, path in (
        ("home", "/"),
        ("docs", "/v1/docs"),
        ("sandbox", "/sandbox"),
        ("errors", "/errors/unprocessable_entity"),
        ("not-found", "/nothing"),
        ("sign-in", "/sign-in"),
    ):
        await page.goto(server.url + path, wait_until="networkidle")
        if name == "docs":
            await expect(page.get_by_text("as Estafette speaks it").first).to_be_visible()
        await _keep(page, name)
    await anybody.close()

    dana = await sign_in(server, tenant.account, Role.OWNER)
    console = await _window(browser, server, dana)
    page = await console.new_page()
    await _of_navigation(page, f"{server.url}{dana.home}", "console")
    await page.goto(f"{server.url}{dana.home}/deliveries")
    await page.locator(".table tbody a").first.click()
    await _keep(page, "console-delivery")
    await console.close()

    omar = await sign_in(server)
    office = await _window(browser, server, omar)
    page = await office.new_page()
    await _of_navigation(page, f"{server.url}/office", "office")
    await office.close()

    at_home = await browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        locale="en-GB",
        color_scheme="light",
        reduced_motion="reduce",
    )
    page = await at_home.new_page()
    id = await tenant.create("order-1051")
    for status in (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY):
        await tenant.move(id, status)
    await page.goto(f"{server.url}/track/{id}", wait_until="networkidle")
    await _keep(page, "tracking")
    await at_home.close()
