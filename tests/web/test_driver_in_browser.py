"""A driver's day on a phone: with and without a connection, in every language, looked at."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.proofs.demand import from_words
from estafette.http.texts import LANGUAGES
from estafette.usecases.deliveries.reschedule import reschedule
from estafette.usecases.deliveries.tracking import track
from estafette.usecases.fleet.take_back import take_back
from tests.serving import running
from tests.web.browser import PHONE, Scheme, axe, look, overflow
from tests.web.drivers import DriverAtPhone, DriverStage, driver_stage
from tests.web.phone import keep_cookies, phone_context

SMALL = ViewportSize(width=360, height=640)


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn, public_url="http://127.0.0.1") as server:
        yield await driver_stage(server)


@asynccontextmanager
async def phone(
    browser: Browser,
    ze: DriverAtPhone,
    *,
    size: ViewportSize = PHONE,
    scheme: Scheme = "light",
) -> AsyncGenerator[BrowserContext]:
    """A phone on which the driver is signed in, and which knows where it is."""
    async with phone_context(browser, size=size, scheme=scheme) as context:
        await keep_cookies(context, ze.server.url, ze.cookies)
        yield context


async def opened(
    context: BrowserContext, ze: DriverAtPhone, faults: list[str] | None = None
) -> Page:
    """Opens the page; what is wrong with its scripts is put into `faults`."""
    page = await context.new_page()
    faults = [] if faults is None else faults
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    await page.goto(f"{ze.server.url}/driver")
    await expect(page.locator("#app h1")).not_to_have_text("Loading")
    return page


async def status_of(stage: DriverStage, delivery: Delivery) -> Status:
    return (await stage.now(delivery)).status


async def test_a_driver_works_on_without_a_connection_and_all_is_sent_when_it_is_back(
    stage: DriverStage, browser: Browser
) -> None:
    ze = await stage.driver_at_phone()
    delivery = await stage.delivery()
    await stage.offered(ze.driver, delivery)
    faults: list[str] = []
    async with phone(browser, ze) as context:
        page = await opened(context, ze, faults)
        await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        await look(page, "driver-offer")
        await page.get_by_role("button", name="Accept").tap()
        await expect(page.locator(".undo")).to_contain_text("Accepted")
        await expect(page.get_by_role("button", name="I am there")).to_be_visible(timeout=60_000)
        assert await status_of(stage, delivery) is Status.ASSIGNED
        await look(page, "driver-stops")

        await context.set_offline(True)
        await page.get_by_role("button", name="I am there").tap()
        await page.get_by_role("button", name="Undo").tap()  # a wrong tap
        await page.get_by_role("button", name="I am there").tap()
        await page.get_by_role("button", name="Picked up").tap()
        await expect(page.locator("#status")).to_contain_text("Waiting to be sent: 2")
        await expect(page.get_by_role("button", name="On the way")).to_be_visible()
        await look(page, "driver-offline")
        # The phone kills the app; it is opened again, still without a connection.
        await page.close()
        page = await opened(context, ze, faults)
        await expect(page.locator("#status")).to_contain_text("Waiting to be sent: 2")
        await expect(page.locator("#status")).to_contain_text("No connection")
        await page.get_by_role("button", name="On the way").tap()
        assert await status_of(stage, delivery) is Status.ASSIGNED

        await context.set_offline(False)
        await expect(page.locator("#status")).not_to_contain_text("Waiting", timeout=60_000)
        assert await status_of(stage, delivery) is Status.OUT_FOR_DELIVERY
        await page.get_by_role("button", name="Handed over").tap()
        await look(page, "driver-hand-over")
        await page.locator("form button.main").tap()
        await expect(page.get_by_text("Nothing to do now")).to_be_visible()
        await expect(page.get_by_role("button", name="Handed over")).to_have_count(0)
        await expect(page.locator("#status")).not_to_contain_text("Waiting", timeout=60_000)
        assert await status_of(stage, delivery) is Status.DELIVERED
        await expect(page.locator("#lately").get_by_role("link", name="Call")).to_be_visible()
        await look(page, "driver-lately")
    assert faults == []


async def test_what_one_driver_has_not_sent_is_never_sent_as_anothers(
    stage: DriverStage, browser: Browser
) -> None:
    ze, ana = await stage.driver_at_phone(), await stage.driver_at_phone(name="Ana")
    given = await stage.given(ze.driver)
    async with phone(browser, ze) as context:
        page = await opened(context, ze)
        await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        await context.set_offline(True)
        await page.get_by_role("button", name="I am there").tap()
        await expect(page.locator(".undo")).to_be_visible()  # then it is kept
        await page.close()
        await context.set_offline(False)
        await keep_cookies(context, ze.server.url, ana.cookies)
        page = await opened(context, ana)
        await expect(page.locator("h1")).to_contain_text("Ana")
        await expect(page.locator("#status")).to_contain_text("Kept for another driver")
        await expect(page.get_by_role("button", name="I am there")).to_have_count(0)
        assert (await stage.now(await stage.found(given))).status is Status.ASSIGNED
        # The first signs in again: it is sent as his.
        await keep_cookies(context, ze.server.url, ze.cookies)
        await page.close()
        page = await opened(context, ze)
        await expect(page.get_by_role("button", name="Picked up")).to_be_visible(timeout=60_000)
        await expect(page.locator("#status")).not_to_contain_text("Waiting", timeout=60_000)
        assert (await stage.now(await stage.found(given))).status is Status.PICKUP_READY


async def test_what_has_become_impossible_is_said_in_words(
    stage: DriverStage, browser: Browser
) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    async with phone(browser, ze) as context:
        page = await opened(context, ze)
        await expect(page.get_by_role("button", name="I am there")).to_be_visible()
        await page.get_by_role("link", name="Navigate").focus()
        for _ in range(2):  # the page is as it was: whoever is about to press something can
            async with page.expect_response("**/driver/day"):
                await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.get_by_role("link", name="Navigate")).to_be_focused()
        await take_back(stage.server.platform, stage.company_id, given.delivery_id)
        await page.get_by_role("button", name="I am there").tap()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("The dispatcher had taken it back", timeout=60_000)
        found = await stage.found(given)
        await expect(alert).to_contain_text(found.pickup.address)
        await look(page, "driver-refused")
        assert await axe(page) == []
        await alert.get_by_role("button").tap()
        await expect(alert).to_have_count(0)
        news = page.locator(".news")
        await expect(news).to_contain_text("Taken back by the dispatcher")
        await expect(news).to_contain_text(found.pickup.address)
        await expect(page.get_by_role("status").last).to_contain_text("Not yours any more")
        await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        await context.set_offline(True)
        await news.get_by_role("button", name="Understood").tap()
        await expect(news).to_have_count(0)
        await page.reload()  # the server could not be told yet, and it is not shown once more
        await expect(page.locator("h1")).to_contain_text("Zé")
        await expect(news).to_have_count(0)
        async with page.expect_response("**/driver/messages", timeout=60_000) as telling:
            await context.set_offline(False)
        assert (await telling.value).status == 204
        await expect(news).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [*((one, SMALL, "light") for one in sorted(LANGUAGES)), ("kk", PHONE, "dark")],
)
async def test_every_screen_fits_a_small_phone_in_every_language(
    stage: DriverStage, browser: Browser, language: str, size: ViewportSize, scheme: Scheme
) -> None:
    await stage.demand(proof=from_words({"dropoff": ["signature", "photo", "name", "age"]}))
    driver = await stage.driver(name="Nurlan Abdrakhmanov-Suleimenov")
    ze = await stage.at_phone(driver, language)
    paid = await stage.order(payment_method="cod", cash_collect_aoa=1_250_000)
    given = await stage.given(driver, paid)
    assert await ze.tap("picked_up", given.id) == ("done", "")
    shown = await track(stage.server.platform, given.delivery_id)
    assert shown is not None
    await reschedule(stage.server.platform, given.delivery_id, shown.times[-1].start)
    await stage.given(driver)
    await stage.offered(driver)
    async with phone(browser, ze, size=size, scheme=scheme) as context:
        page = await opened(context, ze)
        await expect(page.locator(".offer")).to_be_visible()
        await expect(page.locator(".news")).to_contain_text("20")
        await expect(page.locator(".stop .note")).to_contain_text("–")
        for name in (
            "stops",
            f"stop/{given.id}/dropoff",
            f"hand-over/{given.id}",
            f"failed/{given.id}",
            f"back/{given.id}",
            "cash",
            "declare",
            "messages",
            "more",
        ):
            await page.evaluate("name => { location.hash = name }", name)
            await expect(page.locator("#app h1")).to_be_visible()
            assert "[object" not in await page.inner_text("body"), name
            assert await overflow(page) == [], name
            if language == "kk":
                assert await axe(page) == [], name
            screen = name.partition("/")[0]
            await look(page, f"driver-{screen}-{language}-{size['width']}-{scheme}", whole=False)
        for path in ("/driver/app", "/driver/sign-in"):
            await page.goto(f"{ze.server.url}{path}?lang={language}")
            assert await overflow(page) == [], path
            if language == "kk":
                assert await axe(page) == [], path
            screen = path.rpartition("/")[2]
            await look(page, f"driver-{screen}-{language}-{size['width']}-{scheme}", whole=False)
