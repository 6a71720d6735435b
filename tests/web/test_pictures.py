"""The pictures of the documentation: every page of the navigation, and a company's day.

They are made anew on demand:

ESTAFETTE_PICTURES=docs/images .venv/bin/pytest -n 0 tests/web/test_pictures.py
"""

import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, expect

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.people.permission import Role
from estafette.files import KeptFiles
from estafette.routing.planner import Planner
from tests.edges import ENTREGA
from tests.rows import tables
from tests.serving import Server, Tenant, running
from tests.web.city_day import CityDay
from tests.web.drivers import driver_stage
from tests.web.people import PersonAtBrowser, sign_in, sign_in_at_company
from tests.web.phone import Phone, keep_cookies, phone_context

_FOLDER = os.environ.get("ESTAFETTE_PICTURES", "")
_WIDTH, _HEIGHT = 1200, 780

pytestmark = pytest.mark.skipif(not _FOLDER, reason="ESTAFETTE_PICTURES names no folder")


async def _keep(page: Page, name: str) -> None:
    """Leaves a picture of what the window shows, with few colours, so that it stays small."""
    drawn = Image.open(BytesIO(await page.screenshot())).convert("RGB")
    small = drawn.quantize(256, dither=Image.Dither.NONE)
    small.save(Path(_FOLDER) / f"{name}.png", optimize=True)


async def _window(
    browser: Browser, server: Server, who: PersonAtBrowser | None, width: int = _WIDTH
) -> BrowserContext:
    context = await browser.new_context(
        viewport={"width": width, "height": _HEIGHT}, locale="en-GB", color_scheme="light"
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


async def test_pictures_of_a_companys_day(
    fresh_database: str, tmp_path: Path, browser: Browser
) -> None:
    async with (
        running(fresh_database, files=KeptFiles(tmp_path / "files")) as server,
        Planner(grace_seconds=60) as planner,
    ):
        day = CityDay(await driver_stage(server))
        await day.begin()
        await day.has_driven(day.drivers[0])
        explained = await _morning(day, planner)
        await _of_the_board(day, browser, explained)
        offered = await day.order(8, cash=12_500)
        await day.stage.offered(day.drivers[1].driver, offered, timedelta(seconds=55))
        await _of_phones(day, browser)
        await _of_the_way(day, browser)


async def _morning(day: CityDay, planner: Planner) -> Delivery:
    """Some of what was ordered is carried, some refused, some delivered; one that was offered."""
    refused = await day.order(5)
    for _ in range(3):
        await day.dispatch(planner)
        await day.answer("offer_refused")
    assert (await day.stage.now(refused)).status is Status.STALLED
    ze = day.drivers[0]
    await day.stage.given(ze.driver, await day.order(0, cash=12_500))
    await day.deliver(ze)
    assert await ze.tap("cash_declared", None, cash=12_500) == ("done", "")
    for number, cash in enumerate((8_000, None, 15_000, None, 9_500), 1):
        await day.order(number, cash)
    await day.dispatch(planner)
    await day.answer("offer_accepted")
    await day.dispatch(planner)
    for one in day.drivers[1:]:
        if (await one.day())["stops"]:
            await day.carry(one, "arrived", "picked_up")
    await day.stage.given(ze.driver, await day.order(6, cash=6_000))
    await day.carry(ze, "arrived", "picked_up", "on_the_way")
    await day.order(7)
    return next(one for one in reversed(day.ordered[2:7]))


async def _of_the_board(day: CityDay, browser: Browser, explained: Delivery) -> None:
    company, server = day.stage.company_id, day.stage.server
    manager = await sign_in_at_company(server, company, Role.MANAGER, mode=Mode.LIVE)
    ze = day.drivers[0].driver.id.hex
    context = await _window(browser, server, manager, width=1440)
    page = await context.new_page()
    for name, path, awaited in (
        ("board", "", "canvas.maplibregl-canvas"),
        ("board-delivery", f"/deliveries/{explained.id.hex}", ".steps"),
        ("board-drivers-day", f"/drivers/{ze}/day", "canvas.maplibregl-canvas"),
        ("board-cash", "/cash", "table"),
        ("board-dispatching", "/company", "[name=automatic]"),
    ):
        await page.goto(f"{server.url}{manager.home}{path}", wait_until="load")
        await expect(page.locator(awaited).first).to_be_visible()
        await page.wait_for_timeout(1_500)  # nothing tells that a map is drawn
        for more in await page.locator("main details:not([open]) summary").all():
            await more.click()
        await _keep(page, name)
    await context.close()


async def _of_phones(day: CityDay, browser: Browser) -> None:
    """What drivers see: an offer, the stops, a stop, the proofs at the door, the cash."""
    ze, asked, *_ = day.drivers
    about = next(one["about"] for one in (await ze.day())["stops"] if one["state"] == "on_the_way")
    for who, name, screen in (
        (asked, "driver-offer", "stops"),
        (ze, "driver-stops", "stops"),
        (ze, "driver-stop", f"stop/{about}/dropoff"),
        (ze, "driver-proofs", f"hand-over/{about}"),
        (ze, "driver-cash", "cash"),
    ):
        async with phone_context(browser, scale=2) as context:
            await keep_cookies(context, day.stage.server.url, who.cookies)
            shown = Phone(context, day.stage.server.url)
            await shown.open()
            await expect(shown.page.locator("#app h1")).not_to_have_text("Loading")
            await shown.page.evaluate("name => { location.hash = name }", screen)
            if name == "driver-proofs":
                await shown.page.locator("#proof-pin").fill("204418")
                await shown.is_signed_on()
            await _keep(shown.page, name)


async def _of_the_way(day: CityDay, browser: Browser) -> None:
    """What the recipient sees while the courier is on the way."""
    ze = day.drivers[0]
    stop = next(one for one in (await ze.day())["stops"] if one["state"] == "on_the_way")
    of = next(one for one in day.ordered if one.reference == stop["reference"])
    await day.is_at(ze, -8.8207, 13.2401)
    async with phone_context(browser, scale=2) as context:
        page = await context.new_page()
        await page.goto(f"{day.stage.server.url}/track/{of.id}?lang=en")
        await expect(page.locator(".map-courier")).to_be_visible()
        await _keep(page, "tracking-courier")
