"""The board in a real Chromium: it stays true while it is open, and things are dragged on it."""

from playwright.async_api import Browser, expect

from estafette.core.accounts.account import Mode
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.people.permission import Role
from estafette.store.fleet import positions
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.platform import clock
from tests.web.board_stage import Stage
from tests.web.browser import DESK, LOOKS, axe, look, overflow
from tests.web.people import sign_in_at_company


async def _is_at(stage: Stage, driver_id: object, latitude: float) -> None:
    now = clock()
    driver = next(one for one in stage.drivers if one.id == driver_id)
    of = (stage.company_id, driver.id, now, now)
    async with stage.server.platform.pool.acquire() as connection:
        await positions.keep(connection, [Position(*of, latitude, 13.24, PositionSource.PAGE)])


async def test_an_open_board_follows_what_others_do(stage: Stage, browser: Browser) -> None:
    ana, rui = await stage.driver("Ana"), await stage.driver("Rui")
    for driver in (ana, rui):
        await start_shift(stage.server.platform, stage.company_id, driver.id, "phone")
        await _is_at(stage, driver.id, -8.83)
    first, second = await stage.delivery(), await stage.delivery()
    manager = await sign_in_at_company(stage.server, stage.company_id, Role.MANAGER, mode=Mode.LIVE)
    context = await browser.new_context(viewport=DESK, locale="en-GB")
    url = stage.server.url
    cookies = [
        {"name": name, "value": value, "url": url} for name, value in manager.cookies.items()
    ]
    await context.add_cookies(cookies)  # pyright: ignore[reportArgumentType]
    page = await context.new_page()
    await page.goto(f"{url}{manager.home}")
    await expect(page.get_by_text("Up to date")).to_be_visible()
    await expect(page.locator(".map-driver")).to_have_count(2)
    rows = page.get_by_role("row")
    mine = rows.filter(has_text=first.reference or "")
    await expect(mine).to_contain_text("Nobody")
    name = page.get_by_role("link", name=first.reference or "")
    await page.get_by_label(f"Choose {second.reference}").check()  # what is dragged goes alone
    await name.drag_to(page.locator("#drivers").get_by_role("link", name="Ana"))
    await expect(page.get_by_text("1 delivery given.")).to_be_visible()
    await expect(mine).to_contain_text("Ana")
    await pick_up(stage.server.platform, stage.company_id, ana.id, first.id)
    await expect(mine).to_contain_text("In transit")
    marker = page.locator(".map-driver").filter(has_text="Ana")
    before = await marker.bounding_box()
    await _is_at(stage, ana.id, -8.85)
    await expect(marker).not_to_have_attribute("style", await marker.get_attribute("style") or "")
    assert await marker.bounding_box() != before
    await page.get_by_label(f"Choose {second.reference}").check()
    await page.get_by_label("Driver").select_option(rui.id.hex)
    await page.get_by_role("button", name="Give to this driver").press("Enter")
    await expect(rows.filter(has_text=second.reference or "")).to_contain_text("Rui")
    for each in LOOKS:
        await page.set_viewport_size(each.size)
        await page.emulate_media(color_scheme=each.scheme)
        assert await axe(page) == []
        assert await overflow(page) == []
        await look(page, f"board-{each.name}")
    await context.close()
