"""One whole day in a real Chromium: from an order in the console to the cash that was paid out."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from estafette.core.fleet.driver import Driver
from estafette.core.people.permission import Role
from tests.rows import tables
from tests.serving import delivery_id
from tests.web.browser import PHONE
from tests.web.console_orders import ENTREGA_ORDER
from tests.web.day_stage import FEE, Day, whole_day
from tests.web.phone import Phone, phone

expect.set_options(timeout=60_000)  # milliseconds; a busy machine is not a failure

COURSE = ("pending", "assigned", "pickup_ready", "in_transit", "out_for_delivery", "delivered")
CASH = 2_500


@pytest.fixture
async def day(fresh_database: str, tmp_path: Path, browser: Browser) -> AsyncIterator[Day]:
    async with whole_day(fresh_database, tmp_path, browser) as day:
        yield day


async def test_a_parcel_goes_from_an_order_to_the_cash_that_its_merchant_gets(day: Day) -> None:
    ze = await day.driver("Zé Maria")
    manager, dispatcher = [await day.of_company(one) for one in (Role.MANAGER, Role.DISPATCHER)]
    merchant = await day.merchant()
    async with day.screen(manager, "/company") as page:
        await page.locator("[name=automatic]").check()
        await page.locator("[name=offer_seconds]").fill("600")
        await page.locator("form[action$='/company'] button").click()
        await expect(page.locator(".flash, .notice").first).to_be_visible()
        await expect(page.locator("[name=automatic]")).to_be_checked()
    async with (
        phone(day.browser, day.server.url) as zes,
        day.screen(merchant, "/deliveries/new") as shop,
        day.screen(dispatcher, "") as board,
    ):
        await _begins_the_shift(day, zes, ze)
        tracking = await _ordered(shop)
        shown = tracking.rpartition("/")[2]
        order = await day.delivery(shown)
        row = board.locator("#deliveries").get_by_role("row").filter(has_text=order["reference"])
        async with day.screen(None, tracking.removeprefix(day.server.url), PHONE) as recipient:
            await expect(row).to_contain_text("Zé Maria")  # to whom it is offered
            await zes.taps(".offer button.main")
            await zes.later()
            await zes.sees("[id^=do-arrived-]")
            await expect(row).to_contain_text("Assigned")
            await _picks_up_without_a_connection(zes, board, row)
            await expect(shop.locator("#now")).to_have_text("In transit")
            journey = recipient.locator(".journey")
            await expect(journey).to_have_attribute("data-tone", "moving")
            await _comes_near(zes, recipient)
            await _hands_over(zes, order["delivery_pin"])
            await expect(journey).to_have_attribute("data-tone", "done")
            await expect(recipient.locator(".map-courier")).to_have_count(0)
        await expect(row).to_have_count(0)  # nothing is under way
        await expect(shop.locator("#now")).to_have_text("Delivered")
        await expect(shop.locator("#proofs .rows li")).to_have_count(5)
        await _declares_the_cash(zes)
        await _counts_the_cash(board, f"{day.server.url}{dispatcher.home}/cash")
    await _settles_and_pays_out(day)
    async with day.screen(merchant, "/money") as money:
        content = money.locator("#content")
        for sum in (CASH, FEE, CASH - FEE):
            await expect(content).to_contain_text(f"{sum:,}")
    await _all_was_told_once_and_the_books_are_even(day, shown)


async def _begins_the_shift(day: Day, zes: Phone, ze: Driver) -> None:
    await zes.open()
    await zes.page.locator("[name=phone]").fill(ze.phone_e164)
    await zes.page.locator("form button").tap()
    await zes.page.locator("[name=code]").fill(await day.code_for(ze.phone_e164))
    await zes.page.locator("form button").tap()
    await zes.taps("#start-shift")
    await zes.later()
    await zes.has_sent_all()
    await zes.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")


async def _ordered(shop: Page) -> str:
    """A person of the merchant orders; the link for the recipient."""
    for name, value in ENTREGA_ORDER.items():
        field = shop.locator(f"[name={name}]")
        await (field.select_option(value) if name == "payment" else field.fill(value))
    await shop.locator("button[value=quote]").click()
    await shop.get_by_label("Rapida").check()
    await shop.locator("button[value=create]").click()
    link = shop.locator("a[href*='/track/']").first
    return await link.get_attribute("href") or ""


async def _picks_up_without_a_connection(zes: Phone, board: Page, row: Locator) -> None:
    await zes.context.set_offline(True)
    await zes.does("arrived")
    await zes.does("picked_up")
    await zes.takes_photo()
    await zes.sends_form()
    await zes.later(60)
    await expect(zes.page.locator("#status")).to_contain_text("2")  # wait to be sent
    await zes.sees("[id^=do-on_the_way-]")
    await expect(row).to_contain_text("Assigned")
    await zes.context.set_offline(False)
    await zes.has_sent_all()
    await expect(row).to_contain_text("In transit")
    ze = board.locator("#drivers").get_by_role("row").filter(has_text="Zé Maria")
    await expect(ze).to_contain_text("1 on board")


async def _comes_near(zes: Phone, recipient: Page) -> None:
    courier = recipient.locator(".map-courier")
    await expect(courier).to_have_count(0)  # he is not on the way to this recipient yet
    await zes.does("on_the_way")
    await zes.later()
    await zes.has_sent_all()
    await expect(recipient.locator(".journey")).to_have_attribute("data-tone", "near")
    await zes.until(lambda within: expect(courier).to_be_visible(timeout=within))
    drawn = recipient.locator(".nearing .map")
    before = await drawn.get_attribute("data-map") or ""
    await zes.is_at(-8.8283, 13.2344)
    await zes.until(
        lambda within: expect(drawn).not_to_have_attribute("data-map", before, timeout=within)
    )


async def _hands_over(zes: Phone, pin: str) -> None:
    await zes.does("handed_over")
    await zes.page.locator("form button.main").tap()
    await expect(zes.page.locator("form [role=alert]")).to_contain_text("2,500")  # first the cash
    await zes.page.locator("#paid").check()
    await zes.page.locator("#proof-pin").fill(pin)
    await zes.is_signed_on()
    await zes.takes_photo(colour="#aa6633")
    await zes.page.locator("#proof-name").fill("Ana")
    await zes.sends_form()
    await expect(zes.page.locator(".undo")).to_be_visible()
    await expect(zes.page.locator(".stops")).to_have_count(0)
    await zes.later()
    await zes.has_sent_all()


async def _declares_the_cash(zes: Phone) -> None:
    await zes.page.locator("nav a[href='#cash']").tap()
    await expect(zes.page.locator(".sum")).to_contain_text("2,500")
    await zes.page.locator("main button.main").tap()
    await zes.sends_form()
    await zes.later()
    await expect(await zes.sees("main .note")).to_contain_text("2,500")
    await expect(zes.page.locator("main button.main")).to_have_count(0)  # one at a time


async def _counts_the_cash(board: Page, url: str) -> None:
    await board.goto(url)
    await board.locator("[data-dialog^=count-]").click()
    await board.locator("dialog[open] [name=counted]").fill("2500")
    await board.locator("dialog[open] button.main").click()
    await expect(board.locator("[data-dialog^=count-]")).to_have_count(0)
    handover = board.get_by_role("row").filter(has_text="H-00001")
    await expect(handover).to_contain_text("Counted")


async def _settles_and_pays_out(day: Day) -> None:
    shown = f"/money?mode=live&account={day.shop.account.name}"
    async with day.screen(await day.finance(), shown) as office:
        for kind, book, company, sum in (
            ("settle", "cash", day.company.slug, CASH),
            ("pay-out", "merchant", "", CASH - FEE),
        ):
            await office.locator(f"#{kind}-book").select_option(book)
            await office.locator(f"#{kind}-company").select_option(company)
            await office.locator(f"#{kind}-amount").fill(str(sum))
            await office.locator(f"#{kind}-reference").fill(f"bank {kind}")
            await office.locator(f"form[action$='/{kind}'] button").click()
            await expect(office.get_by_text(f"{sum:,}").first).to_be_visible()
            booked = office.get_by_role("row").filter(has_text=f"bank {kind}")
            await expect(booked.first).to_be_visible()


async def _all_was_told_once_and_the_books_are_even(day: Day, shown: str) -> None:
    pool, of = day.server.platform.pool, {"account_id": day.shop.account.id}
    events = await tables.read(pool, "events", {**of, "delivery_id": delivery_id(shown)}, "seq")
    assert [row["status"] for row in events] == list(COURSE)
    await day.receiver.wait_for(len(COURSE))
    assert day.heard() == [f"delivery.{each}" for each in ("created", *COURSE[1:])]
    booked = await tables.read(pool, "ledger_entries", of)
    assert sum(row["amount"] for row in booked) == 0
    left: Counter[str] = Counter()
    for row in booked:
        left[row["book"]] += row["amount"]
    assert (left["driver"], left["merchant"], left["cash"]) == (0, 0, 0)
    proofs = await tables.read(pool, "proofs", of)
    assert {(row["stage"], row["kind"]) for row in proofs} == {
        ("pickup", "photo"),
        ("dropoff", "pin"),
        ("dropoff", "signature"),
        ("dropoff", "photo"),
        ("dropoff", "name"),
    }
