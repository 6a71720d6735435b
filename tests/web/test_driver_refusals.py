"""What the driver's page calls refuses in one shape, which its outbox understands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from estafette.http.request import BODY_LIMIT
from estafette.http.texts import LANGUAGES
from estafette.web.driver import ROUTES
from tests.rows import tables
from tests.serving import Answer, running
from tests.web.browser import PHONE, look
from tests.web.drivers import DriverStage, driver_stage, now_ms
from tests.web.people import OUR_PAGE, at_browser

OF_SCRIPTS = [page for page in ROUTES if page.of_scripts]
POSTED = [page for page in OF_SCRIPTS if "POST" in (page.methods or ())]


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn, public_url="http://127.0.0.1") as server:
        yield await driver_stage(server)


def told(answer: Answer) -> tuple[int, str, bool]:
    """The status, the code, and whether it may be sent again."""
    assert answer.headers["content-type"] == "application/json", answer.body
    assert answer.headers["cache-control"] == "no-store"
    said: dict[str, Any] = answer.told
    assert said["message"]
    return answer.status, said["code"], said["again"]


async def test_every_refusal_is_json_with_a_code_and_says_whether_to_send_again(
    stage: DriverStage,
) -> None:
    assert {page.path.rpartition("/")[2] for page in OF_SCRIPTS} == {
        *("day", "messages", "taps", "proofs", "positions")
    }
    ze, nobody = await stage.driver_at_phone(), at_browser(stage.server)
    shown = "; ".join(f"{name}={value}" for name, value in ze.cookies.items())
    for page in OF_SCRIPTS:
        is_post = page in POSTED
        ask = nobody.send if is_post else nobody.get
        assert told(await ask(page.path)) == (401, "signed_out", True), page.path
        wrong = ze.get if is_post else ze.send
        assert told(await wrong(page.path)) == (405, "not_so", False), page.path
    for page in POSTED:
        foreign = {"Cookie": shown, "Sec-Fetch-Site": "cross-site"}
        answer = await stage.server.request("POST", page.path, b"{}", foreign)
        assert told(answer) == (403, "foreign_page", False), page.path
        odd = {"Cookie": shown, "Content-Type": "application/x-www-form-urlencoded", **OUR_PAGE}
        answer = await stage.server.request("POST", page.path, b"\xff{", odd)
        assert told(answer) == (400, "unreadable", False), page.path
        large = b"x" * (max(page.limit, BODY_LIMIT) + 1)
        answer = await stage.server.request("POST", page.path, large, odd)
        assert told(answer) == (413, "too_large", False), page.path
    ana = await stage.driver_at_phone(name="Ana")
    about = (await stage.given(ana.driver)).id
    foreign_driver: dict[str, Any] = {"driver": str(ana.driver.id), "now": now_ms()}
    empty: dict[str, Any] = {"device": str(ze.device), "taps": [], "positions": []}
    for path in ("taps", "positions"):
        answer = await ze.post(f"/driver/{path}", foreign_driver | empty)
        assert told(answer) == (409, "other_driver", True)
    until = str(ana.driver.id)
    read = await ze.send("/driver/messages", driver=until, until=until)
    assert told(read) == (409, "other_driver", True)
    refused = await ze.proof(about, "photo", file=b"no picture")
    assert told(refused) == (422, "not_kept", False)
    assert refused.told["why"]
    of = {"id": stage.tenant.account.id}
    pool = stage.server.platform.pool
    await tables.change(pool, "accounts", of, dialect="forgotten")  # by a fault of ours
    assert told(await ana.get("/driver/day")) == (500, "fault", True)
    await tables.change(pool, "accounts", of, dialect=stage.tenant.account.dialect)
    rui = await stage.driver_at_phone(name="Rui", on_shift=False)
    body: dict[str, Any] = {"driver": str(rui.driver.id), "now": now_ms(), "positions": []}
    assert told(await rui.post("/driver/positions", body)) == (409, "off_shift", False)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_the_message_is_in_the_callers_language(stage: DriverStage, language: str) -> None:
    answer = await stage.server.request("GET", "/driver/day", None, {"Accept-Language": language})
    assert (answer.told["message"] == "You are signed out") is (language == "en")


async def test_what_is_passing_waits_and_what_is_permanent_is_shown(
    stage: DriverStage, browser: Browser
) -> None:
    ze = await stage.driver_at_phone()
    await stage.given(ze.driver)
    context = await browser.new_context(viewport=PHONE, service_workers="block")
    url = ze.server.url
    await context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in ze.cookies.items()]
    )
    page = await context.new_page()
    left = [(200, "Sign in to this network"), (502, "Bad gateway"), (413, "Too large")]

    async def answer(route: Route) -> None:
        """What stands between a phone and the server, one after the other."""
        if left:
            status, said = left.pop(0)
            await route.fulfill(status=status, content_type="text/html", body=f"<h1>{said}</h1>")
        else:
            await route.continue_()

    async def until(number: int) -> None:
        """Has the page look, until so many of these answers are left."""
        while len(left) > number:
            await page.evaluate("dispatchEvent(new Event('online'))")
            await page.wait_for_timeout(200)

    await page.route("**/driver/taps", answer)
    await page.goto(f"{url}/driver")
    await page.get_by_role("button", name="I am there").click()
    alert = page.get_by_role("alert")
    for number in (2, 1):
        await until(number)
        await expect(page.locator("#status")).to_contain_text("Waiting to be sent: 1")
        await expect(alert).to_have_count(0)
    await until(0)
    await expect(alert).to_contain_text("The server could not read it")
    await look(page, "driver-permanent")
    await alert.get_by_role("button", name="Understood").click()
    await page.get_by_role("button", name="I am there").click()
    await expect(page.get_by_role("button", name="Picked up").first).to_be_visible()
    await context.close()
