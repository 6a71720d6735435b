"""The board in a real Chromium: what has the focus is seen, and words are whole."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, ViewportSize

from estafette.core.fleet.position import Position, PositionSource
from estafette.store.fleet import positions
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.platform import clock
from tests.web.board_stage import Stage, open_board
from tests.web.browser import look

_MOST_STOPS = 150
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "the end";
  const bar = document.querySelector(".steer"), box = one.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return !bar.contains(one) && bar.contains(at) ? one.outerHTML.slice(0, 80) : "";
}"""
_CUT = """() => {
  const cut = [], inside = document.createTreeWalker(document.querySelector(".board"), 4);
  while (inside.nextNode()) {
    const text = inside.currentNode;
    if (text.parentElement.closest("#map, select")) continue;
    for (const word of text.textContent.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1)
        cut.push(word[0]);
    }
  }
  for (const table of document.querySelectorAll(".board .table")) {
    const room = (table.closest(".wide") ?? table.parentElement).clientWidth;
    if (table.scrollWidth > room) cut.push(`${table.scrollWidth} > ${room}`);
  }
  return cut;
}"""
_SPILT = """() => {
  const head = document.querySelector(".side summary");
  const room = parseFloat(getComputedStyle(head).paddingRight);
  const edge = head.getBoundingClientRect().right - room;
  return [...head.querySelectorAll(".brand *")]
    .filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.textContent);
}"""
_LABELS = """() => [...document.querySelectorAll("#deliveries tbody tr")].map((row) =>
  [...new Set([...row.querySelectorAll("td")].map((cell) => Math.round(
    cell.getBoundingClientRect().x + parseFloat(getComputedStyle(cell).paddingLeft))))])"""


async def _board(stage: Stage, browser: Browser, language: str, size: ViewportSize) -> Page:
    """A board with drivers who have parcels and offers, as a manager reads it."""
    if not stage.drivers:
        ana, rui = await stage.driver("Ana Kianda"), await stage.driver("Rui Manuel dos Santos")
        for driver in (ana, rui):
            await start_shift(stage.server.platform, stage.company_id, driver.id, "phone")
            now = clock() - timedelta(seconds=30)
            async with stage.server.platform.pool.acquire() as connection:
                place = (-8.83, 13.24, PositionSource.PAGE)
                at = Position(stage.company_id, driver.id, now, now, *place)
                await positions.keep(connection, [at])
        first, second, third, *_ = [await stage.delivery() for _ in range(7)]
        await stage.steer("assign", f"{first.id.hex}.", f"{second.id.hex}.", driver=ana)
        await pick_up(stage.server.platform, stage.company_id, ana.id, first.id)
        length = timedelta(minutes=50)
        await offer(stage.server.platform, stage.company_id, third.id, rui.id, length)
    return await open_board(stage, browser, size, language)


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_bar_covers_nothing_that_gets_the_focus(
    stage: Stage, browser: Browser, width: int
) -> None:
    page = await _board(stage, browser, "ru", {"width": width, "height": 844})
    covered: list[str] = []
    for _ in range(_MOST_STOPS):
        await page.keyboard.press("Tab")
        if (found := await page.evaluate(_FOCUSED)) == "the end":
            break
        covered += [found] if found else []
    assert covered == []
    if width == 390:
        assert [one for one in await page.evaluate(_LABELS) if len(one) != 1] == []
    await page.context.close()


async def test_no_word_of_the_board_is_cut_and_no_table_is_wider_than_its_place(
    stage: Stage, browser: Browser
) -> None:
    cut: dict[str, list[str]] = {}
    for language in ("pt", "kk", "ru", "en"):
        for width in (1280, 1440):
            page = await _board(stage, browser, language, {"width": width, "height": 900})
            cut[f"{language} {width}"] = await page.evaluate(_CUT) + await page.evaluate(_SPILT)
            await look(page, f"board-{language}-{width}")
            await page.context.close()
    assert {where: words for where, words in cut.items() if words} == {}
