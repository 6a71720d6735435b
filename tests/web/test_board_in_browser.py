"""The board in a real Chromium: it stays true while it is open, and things are dragged on it."""

import re
from dataclasses import replace

from playwright.async_api import Browser, Page, expect

from estafette.core.fleet.position import Position, PositionSource
from estafette.store.fleet import positions
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.platform import clock
from tests.usecases.angola import VIANA
from tests.web.board_stage import Stage, open_board
from tests.web.browser import DESK, LOOKS, axe, look, overflow

_LOOK = """async () => {
  globalThis.board = await import(document.querySelector('script[src$="/map.js"]').src);
}"""
_SHOWN = """([layer, least]) => {
  const { map } = globalThis.board;
  if (!map?.loaded()) return null;
  const found = new Map(map.queryRenderedFeatures({ layers: [layer] }).map((one) => {
    const { x, y } = map.project(one.geometry.coordinates);
    return [one.properties.name, [Math.round(x), Math.round(y)]];
  }));
  return found.size < least ? null : Object.fromEntries(found);
}"""


async def _on_map(page: Page, layer: str, least: int = 1) -> dict[str, list[int]]:
    """Returns where the map shows what, in pixels of the map, as soon as it shows so many."""
    found = await page.wait_for_function(_SHOWN, arg=[layer, least])
    return await found.json_value()


async def _is_at(stage: Stage, driver_id: object, latitude: float) -> None:
    now = clock()
    driver = next(one for one in stage.drivers if one.id == driver_id)
    of = (stage.company_id, driver.id, now, now)
    async with stage.server.platform.pool.acquire() as connection:
        await positions.keep(connection, [Position(*of, latitude, 13.24, PositionSource.PAGE)])


async def test_an_open_board_follows_what_others_do(stage: Stage, browser: Browser) -> None:
    ana, rui = await stage.driver("Ana"), await stage.driver("Rui")
    for driver in [ana, rui, *[await stage.driver(f"Kiala {number}") for number in range(6)]]:
        await start_shift(stage.server.platform, stage.company_id, driver.id, "phone")
        await _is_at(stage, driver.id, -8.83)
    first, second = await stage.delivery(), await stage.delivery()
    wrong = await stage.delivery(dropoff=replace(VIANA, latitude=0.0, longitude=0.0))
    page = await open_board(stage, browser, DESK)
    await expect(page.get_by_text("Up to date")).to_be_visible()
    await page.evaluate(_LOOK)
    shown = await _on_map(page, "drivers", least=8)
    assert await page.evaluate("globalThis.board.map.getZoom()") > 10, "the city, not the world"
    assert 1 <= len(await _on_map(page, "names")) < 8, "all stand at one place: not all names fit"
    x, y = shown["Ana"]
    await page.locator("#map canvas").click(position={"x": x, "y": y})
    who = page.locator(".map-who a")
    await expect(who).to_have_count(8)
    leads = re.compile(f"/drivers/{ana.id.hex}/day$")
    await expect(who.filter(has_text="Ana")).to_have_attribute("href", leads)
    await look(page, "board-who")
    await page.get_by_role("button", name="Close").click()
    rows = page.get_by_role("row")
    mine = rows.filter(has_text=first.reference or "")
    await expect(rows.filter(has_text="Far from all else")).to_contain_text(wrong.reference or "")
    await expect(mine).to_contain_text("Nobody")
    name = page.get_by_role("link", name=first.reference or "")
    await page.get_by_label(f"Choose {second.reference}").check()  # what is dragged goes alone
    await name.drag_to(page.locator("#drivers").get_by_role("link", name="Ana"))
    await expect(page.get_by_text("1 delivery given.")).to_be_visible()
    await expect(mine).to_contain_text("Ana")
    one = await page.context.new_page()
    await one.goto(f"{page.url.partition('?')[0]}/deliveries/{first.id.hex}")
    await expect(one.get_by_text("Up to date")).to_be_visible()
    await expect(one.locator("#now")).to_contain_text("Assigned")
    await pick_up(stage.server.platform, stage.company_id, ana.id, first.id)
    await expect(one.locator("#now")).to_contain_text("In transit")
    await one.close()
    await page.bring_to_front()
    await expect(mine).to_contain_text("In transit")
    await page.evaluate(_LOOK)
    _, y = (await _on_map(page, "drivers", least=8))["Ana"]
    await _is_at(stage, ana.id, -8.835)
    moved = f"(given) => ({_SHOWN})(given)?.Ana[1] > {y} + 5"
    await page.wait_for_function(moved, arg=["drivers", 8])
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
    await page.context.close()
