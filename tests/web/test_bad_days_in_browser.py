"""What goes wrong in a day, in a real Chromium: as the driver and the dispatcher see it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Driver
from estafette.core.people.permission import Role
from estafette.core.proofs.demand import from_words
from estafette.files import KeptFiles
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.usecases.fleet import automatic
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.proofs.show import proofs_of
from tests.rows import tables
from tests.serving import running
from tests.web.browser import DESK, opened
from tests.web.drivers import DriverAtPhone, DriverStage, driver_stage
from tests.web.people import PersonAtBrowser, sign_in_at_company
from tests.web.phone import Phone, keep_cookies, phone

expect.set_options(timeout=60_000)  # milliseconds; a busy machine is not a failure

HOURS = timedelta(hours=2)
DONE = ("done", "")


@pytest.fixture
async def stage(fresh_database: str, tmp_path: Path) -> AsyncIterator[DriverStage]:
    files = KeptFiles(tmp_path / "files")
    async with running(fresh_database, public_url="http://127.0.0.1", files=files) as server:
        yield await driver_stage(server)


async def dispatcher_of(stage: DriverStage) -> PersonAtBrowser:
    company = stage.company_id
    return await sign_in_at_company(stage.server, company, Role.DISPATCHER, mode=Mode.LIVE)


async def signed_in(zes: Phone, ze: DriverAtPhone) -> None:
    """The driver opens the page on this phone."""
    await keep_cookies(zes.context, zes.url, ze.cookies)
    await zes.open()


async def tapped(zes: Phone, *kinds: str) -> None:
    """Taps that ask for nothing; all of them arrive."""
    for kind in kinds:
        await zes.does(kind)
    await zes.later()
    await zes.has_sent_all()


async def shown(stage: DriverStage, delivery: Delivery) -> dict[str, Any]:
    """A delivery as the merchant's program reads it."""
    return (await stage.tenant.get(f"/v1/deliveries/{delivery.id}")).told["data"]


async def test_a_phone_two_hours_ahead_that_is_killed_while_it_sends_loses_and_doubles_nothing(
    stage: DriverStage, browser: Browser
) -> None:
    await stage.demand(require_delivery_pin=True, proof=from_words({"dropoff": ["photo"]}))
    ze, delivery = await stage.driver_at_phone(), await stage.delivery()
    offer = await stage.offered(ze.driver, delivery, timedelta(minutes=10))
    platform, of = stage.server.platform, (delivery.scope, delivery.id)
    async with phone(browser, stage.server.url, ahead=HOURS) as zes:
        await signed_in(zes, ze)
        left = await (await zes.sees(".offer .count")).inner_text()
        assert 300 < int(re.sub(r"\D", "", left)) <= 600
        await zes.taps(".offer button.main")
        await zes.later()
        await tapped(zes, "arrived", "picked_up", "on_the_way")
        await _hand_over(zes, "000000", photo=True)
        await _killed_while_it_sends(zes)
        (kept,) = await proofs_of(platform, *of)
        await zes.open()
        await _refused(stage, zes)  # the PIN was wrong; the photo is there, and asked for no more
        assert await proofs_of(platform, *of) == [kept]
        assert abs(kept.taken_at - datetime.now(UTC)) < timedelta(minutes=5)

        for _ in range(3):
            assert await ze.tap("handed_over", offer.id, pin="000001") == ("refused", "pin_wrong")
        await _hand_over(zes, "000002")
        await _refused(stage, zes)
        pin = (await shown(stage, delivery))["delivery_pin"]
        await _hand_over(zes, pin)
        await _refused(stage, zes)  # after five wrong ones it is locked, and the driver calls
        board = await dispatcher_of(stage)
        here = f"{board.home}/deliveries/{delivery.id.hex}"
        assert (await board.fill(here, f"{here}/unlock")).status == 303
        await _hand_over(zes, pin)
        await zes.later()
        await zes.has_sent_all()
    assert (await stage.now(delivery)).status is Status.DELIVERED
    assert [one.kind for one in await proofs_of(platform, *of)].count(kept.kind) == 1


async def _hand_over(zes: Phone, pin: str, *, photo: bool = False) -> None:
    await zes.does("handed_over")
    await zes.page.locator("#proof-pin").fill(pin)
    await expect(zes.page.locator("input#photo")).to_have_count(int(photo))
    if photo:
        await zes.takes_photo()
    await zes.sends_form()


async def _refused(stage: DriverStage, zes: Phone) -> None:
    """The page says that something was not taken, and the driver has read it a minute later."""
    await zes.later()
    await zes.taps("[role=alert] button")
    mine = {"company_id": stage.company_id}
    await tables.shift(stage.server.platform.pool, "taps", mine, taken_at=timedelta(minutes=-1))


async def _killed_while_it_sends(zes: Phone) -> None:
    """The phone ends the app before a photo has left it, and again before the answer is there."""
    for stage in ("Request", "Response"):
        hold, reached = _holding(stage)
        if stage == "Request":
            await hold(zes.page)
            await zes.later()
        else:
            await zes.open(hold)
        await asyncio.wait_for(reached.wait(), 60)
        await zes.is_killed()


def _holding(stage: str) -> tuple[Callable[[Page], Awaitable[None]], asyncio.Event]:
    """What holds the sending of a proof at a stage, and what tells that it is held."""
    reached = asyncio.Event()

    def held(_paused: object) -> None:
        reached.set()

    async def hold(page: Page) -> None:
        tools = await page.context.new_cdp_session(page)
        tools.on("Fetch.requestPaused", held)
        pattern = {"urlPattern": "*/driver/proofs", "requestStage": stage}
        wanted = {"patterns": [pattern]}
        await tools.send("Fetch.enable", wanted)  # pyright: ignore[reportUnknownMemberType] - theirs

    return hold, reached


async def test_what_nobody_takes_at_the_door_twice_is_brought_back_by_the_driver_who_has_it(
    stage: DriverStage, browser: Browser
) -> None:
    asked = from_words({"dropoff": ["photo"], "return": ["name"]})
    await stage.demand(failing=FailurePolicy(2, AfterAttempts.RETURN), proof=asked)
    ze, delivery = await stage.driver_at_phone(), await stage.delivery()
    given = await stage.given(ze.driver, delivery)
    for kind in ("arrived", "picked_up", "on_the_way"):
        assert await ze.tap(kind, given.id) == DONE
    async with phone(browser, stage.server.url, ahead=-HOURS) as zes:
        await signed_in(zes, ze)
        await (await zes.sees("[id^=stop-]")).tap()
        await _fails(zes)
        assert (await stage.now(delivery)).status is Status.STALLED
        # The next attempt is for a window that is to come; the driver is near again before it.
        await (await zes.sees("[id^=stop-]")).tap()
        await tapped(zes, "on_the_way")
        # What was photographed of a closed door is no proof of a handing over.
        await zes.does("handed_over")
        await expect(zes.page.locator("input#photo")).to_have_count(1)
        await zes.page.go_back()
        await _fails(zes)
        assert (await stage.now(delivery)).status is Status.FAILED

        await tapped(zes, "on_the_way")
        await zes.does("handed_over")
        await zes.page.locator("#proof-name").fill("Loja Kianda")
        await zes.sends_form()
        await zes.later()
        await zes.has_sent_all()
        await expect(zes.page.locator(".stops")).to_have_count(0)
    failed = await shown(stage, delivery)
    answer = await stage.tenant.get(f"/v1/deliveries/{failed['return_id']}")
    back = answer.told["data"]
    assert (failed["status"], back["status"]) == ("failed", "delivered")
    assert back["return_of"] == failed["id"]


async def _fails(zes: Phone) -> None:
    """An attempt fails: nobody is there, and the closed door is photographed."""
    await zes.does("attempt_failed")
    await zes.page.locator("input[value=nobody_there]").check()
    await zes.takes_photo(of="failed-photo")
    await zes.sends_form()
    await zes.later()
    await zes.has_sent_all()


async def test_a_board_shows_what_all_refused_and_who_vanished_and_lets_it_be_put_right(
    stage: DriverStage, browser: Browser
) -> None:
    ze, ana = [await stage.driver_at_phone(name=name) for name in ("Zé", "Ana")]
    rules = DispatchingRules(automatic=True, offer_seconds=600)
    await set_dispatching_rules(stage.server.platform, stage.company_id, rules)
    board = await dispatcher_of(stage)
    context = await browser.new_context(viewport=DESK, locale="en-GB")
    await keep_cookies(context, stage.server.url, board.cookies)
    url = f"{stage.server.url}{board.home}"
    async with Planner(grace_seconds=60) as planner, opened(browser, url, context=context) as page:
        rows = page.locator("#deliveries tbody tr")

        async def look() -> None:
            due = {"company_id": stage.company_id}
            await tables.change(stage.server.platform.pool, "dispatching", due, due_at=timedelta())
            await automatic.loop(stage.server.platform, planner, CrowTimes()).once()

        refused = stage.first
        for _ in range(2):
            await look()
            await _refuse(ze, ana)
        await look()
        row = rows.filter(has_text=refused.reference or "")
        await expect(row).to_contain_text("Stalled")
        await row.get_by_role("checkbox").check()
        await page.get_by_label("Driver").select_option(ana.driver.id.hex)
        await page.locator("button[value=assign]").click()
        await expect(row).to_contain_text("Ana")

        on_board, waiting = await stage.delivery(), await stage.delivery()
        given = [await stage.given(ze.driver, one) for one in (on_board, waiting)]
        assert await ze.tap("picked_up", given[0].id) == DONE
        await _is_silent(stage, ze.driver)
        for _ in range(2):
            await look()
        await expect(rows.filter(has_text=waiting.reference or "")).to_contain_text(
            "offered to Ana"
        )
        row = rows.filter(has_text=on_board.reference or "")
        await expect(row).to_contain_text("Zé")
        await expect(row).to_contain_text("Not heard of")

        # Ana has met him on the way, and has fetched the parcel.
        await row.get_by_role("link").first.click()
        form = page.locator("form[action$='/took-over']")
        await form.locator("[name=driver]").select_option(ana.driver.id.hex)
        await form.get_by_role("button").click()
        await expect(form.locator(f"option[value='{ze.driver.id.hex}']")).to_have_count(1)
    await context.close()
    stops = [(stop["kind"], stop["state"]) for stop in (await ana.day())["stops"]]
    assert ("dropoff", "picked_up") in stops
    assert await ze.tap("handed_over", given[0].id) == ("refused", "taken_back")
    events = await tables.read(
        stage.server.platform.pool,
        "events",
        {"account_id": refused.scope.account_id, "delivery_id": refused.id},
        "seq",
    )
    assert "2 drivers were asked: 2 refused, 0 did not answer" in [row["note"] for row in events]


async def _refuse(*phones: DriverAtPhone) -> None:
    """Whoever was offered something refuses it."""
    for one in phones:
        for offer in (await one.day())["offers"]:
            assert await one.tap("offer_refused", offer["about"]) == DONE


async def _is_silent(stage: DriverStage, driver: Driver) -> None:
    """Nothing was heard of a driver for long enough to take them for vanished."""
    ago = timedelta(minutes=-(DispatchingRules().vanish_minutes + 1))
    pool = stage.server.platform.pool
    mine = {"company_id": stage.company_id, "driver_id": driver.id}
    await tables.shift(pool, "shifts", mine, began_at=ago)
    await tables.shift(pool, "assignments", mine, accepted_at=ago, picked_up_at=ago, ended_at=ago)
