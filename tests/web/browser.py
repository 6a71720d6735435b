"""Looking at pages in Chromium: on a phone and a desk, light and dark, and by axe-core.

    async with opened(browser, url, PHONE, scheme="dark") as page:
        assert await axe(page) == []

`look(page, "console-deliveries")` leaves a picture where ESTAFETTE_PICTURES names a folder.
"""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

Scheme = Literal["light", "dark"]

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)
NARROWEST = ViewportSize(width=320, height=640)

_AXE = files("axe_playwright_python") / "axe.min.js"
_RUN = """async (rules) => {
  const found = await axe.run(document, {resultTypes: ["violations"], rules});
  const said = (node) => `${node.target.join(" ")}: ${node.failureSummary.replaceAll("\\n", " ")}`;
  return found.violations.flatMap((each) => each.nodes.map((node) => `${each.id}: ${said(node)}`));
}"""

_AT_REST = """() => Promise.allSettled(
  document.getAnimations()
    .filter((one) => one.effect && one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished)
)"""
_WIDER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width + 0.5)
    .map((each) => `${each.tagName}.${each.className} ${each.getBoundingClientRect().right}`);
}"""


class Look(NamedTuple):
    """How a page is looked at."""

    name: str
    size: ViewportSize
    scheme: Scheme


LOOKS = tuple(
    Look(f"{name}-{scheme}", size, scheme)
    for name, size in (("phone", PHONE), ("desk", DESK))
    for scheme in ("light", "dark")
)


def looks() -> Sequence[Look]:
    """Every way to look at a page where pictures are wanted; else the first, for its rules."""
    return LOOKS if os.environ.get("ESTAFETTE_PICTURES") else LOOKS[:1]


@asynccontextmanager
async def opened(
    browser: Browser,
    url: str,
    size: ViewportSize = PHONE,
    *,
    scheme: Scheme = "light",
    locale: str = "en-GB",
    javascript: bool = True,
    context: BrowserContext | None = None,
    expected: str = "nothing",
) -> AsyncGenerator[Page]:
    """Opens a page; an error in its scripts, or what its policy forbids, fails the test.

    What the policy forbids and the test knows of begins with `expected`. With `context` (of
    somebody who signed in) the page is opened there, and the rest is ignored.
    """
    own = context or await browser.new_context(
        viewport=size, color_scheme=scheme, locale=locale, java_script_enabled=javascript
    )
    page = await own.new_page()
    faults: list[str] = []

    def note(text: str) -> None:
        if "Content Security Policy" in text and not text.startswith(expected):
            faults.append(text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: note(said.text))
    try:
        await page.goto(url)
        yield page
        assert not faults, faults
    finally:
        await page.close()
        if context is None:
            await own.close()


async def axe(page: Page, *, without: tuple[str, ...] = ()) -> list[str]:
    """Returns what axe-core finds wrong with a page, but for the rules `without`.

    It waits for what moves or fades: colours on the way to others are nobody's to read.
    """
    await page.evaluate(_AT_REST)
    if not await page.evaluate("'axe' in window"):  # half a megabyte, once for each document
        await page.evaluate(_AXE.read_text("utf-8"))
    return await page.evaluate(_RUN, {rule: {"enabled": False} for rule in without})


async def overflow(page: Page) -> list[str]:
    """Returns what makes a page wider than its window, so that it scrolls sideways."""
    return await page.evaluate(_WIDER)


async def look(page: Page, name: str, *, whole: bool = True) -> None:
    """Leaves a picture of the page in the folder of ESTAFETTE_PICTURES, if that is set."""
    folder = os.environ.get("ESTAFETTE_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)
