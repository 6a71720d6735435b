"""A driver's phone in Chromium: what a thumb does there, and a clock that can be put on.

    async with phone(browser, url) as zes:
        await zes.open()
        await zes.does("picked_up")
        await zes.later()

A tap waits ten seconds before it leaves the phone, and the page looks for news in between. Nobody
waits for that in a test: `later` puts the phone's clock on, which a page cannot tell from time that
went by. So the clock of every phone here is wrong by the evening, by minutes.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.usecases.proofs.pictures import photo as picture
from tests.web.browser import PHONE, Scheme

LUANDA: Any = {"latitude": -8.8383, "longitude": 13.2344, "accuracy": 10}
_SOON = 1_500  # milliseconds in which a page is drawn anew
_LOOKS = 20


@asynccontextmanager
async def phone_context(
    browser: Browser,
    *,
    size: ViewportSize = PHONE,
    scheme: Scheme = "light",
    scale: float = 1,
) -> AsyncGenerator[BrowserContext]:
    """A browser like a phone's, which knows where it is; `scale` is that of its pixels."""
    context = await browser.new_context(
        viewport=size,
        device_scale_factor=scale,
        color_scheme=scheme,
        has_touch=True,
        is_mobile=True,
        geolocation=LUANDA,
        permissions=["geolocation"],
    )
    try:
        yield context
    finally:
        await context.close()


async def keep_cookies(context: BrowserContext, url: str, cookies: Mapping[str, str]) -> None:
    """Signs somebody in, in the place of whoever was."""
    await context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies.items()]
    )


@dataclass
class Phone:
    """A phone that shows `/driver` of the server at `url`."""

    context: BrowserContext
    url: str
    faults: list[str] = field(default_factory=list[str])
    """What was wrong with the page's scripts, or against its policy."""
    _page: Page | None = None

    @property
    def page(self) -> Page:
        """The page that is open."""
        assert self._page is not None
        return self._page

    async def open(self, before: Callable[[Page], Awaitable[None]] | None = None) -> None:
        """Opens the page, first or after it was killed; `before` is done before it asks."""
        self._page = page = await self.context.new_page()
        if before is not None:
            await before(page)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self._note(said.text))
        await page.goto(f"{self.url}/driver")

    def _note(self, said: str) -> None:
        if "Content Security Policy" in said:
            self.faults.append(said)

    async def is_killed(self) -> None:
        """The phone ends the app, whatever it was doing."""
        await self.page.close()

    async def later(self, seconds: float = 12) -> None:
        """So much time goes by on the phone."""
        await self.page.clock.fast_forward(round(seconds * 1000))

    async def until(self, look: Callable[[float], Awaitable[None]], seconds: float = 16) -> None:
        """Lets time go by on the phone, in steps, until an expectation is met.

        `look` expects something within so many milliseconds.
        """
        for _ in range(_LOOKS):
            try:
                await look(_SOON)
            except AssertionError:
                await self.later(seconds)
            else:
                return
        await look(_SOON)

    async def sees(self, what: str) -> Locator:
        """Waits until the page, which looks from time to time, shows something; returns it."""
        found = self.page.locator(what).first
        await self.until(lambda within: expect(found).to_be_visible(timeout=within))
        return found

    async def is_at(self, latitude: float, longitude: float) -> None:
        """The phone is somewhere else; it tells that within half a minute."""
        place: Any = {"latitude": latitude, "longitude": longitude, "accuracy": 10}
        await self.context.set_geolocation(place)

    async def taps(self, what: str) -> None:
        """Taps a button that is gone once the page has kept what it was for."""
        await (await self.sees(what)).tap()
        await expect(self.page.locator(what)).to_have_count(0)

    async def does(self, kind: str) -> None:
        """Taps the button of a step at the next stop; a form may follow."""
        name = await (await self.sees(f"[id^=do-{kind}-]")).get_attribute("id")
        await self.taps(f"[id='{name}']")

    async def takes_photo(self, of: str = "photo", colour: str = "#3366aa") -> None:
        """Takes a photo for the form."""
        file: Any = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture(colour)}
        await self.page.locator(f"input#{of}").set_input_files(file)
        await expect(self.page.locator("form .photo img")).to_be_visible()

    async def is_signed_on(self) -> None:
        """The recipient signs with a finger."""
        pad = self.page.locator("canvas.pad")
        await pad.scroll_into_view_if_needed()
        await expect(pad).to_have_attribute("style", re.compile("touch-action: none"))  # it is live
        box = await pad.bounding_box()
        assert box is not None
        mouse = self.page.mouse
        await mouse.move(box["x"] + 30, box["y"] + 30)
        await mouse.down()
        for step in range(1, 6):
            await mouse.move(box["x"] + 30 + 30 * step, box["y"] + 30 + 12 * (step % 2))
        await mouse.up()

    async def sends_form(self) -> None:
        """Taps the button of the form that is open, in which nothing is missing."""
        await self.taps("main form button.main")

    async def has_sent_all(self) -> None:
        """Waits until nothing waits to be sent."""
        waiting = self.page.locator("#status use[href$='#upload']")
        await self.until(lambda within: expect(waiting).to_have_count(0, timeout=within), 12)


@asynccontextmanager
async def phone(
    browser: Browser, url: str, *, ahead: timedelta = timedelta()
) -> AsyncGenerator[Phone]:
    """A phone whose clock is ahead by so much; a fault of the page's scripts fails the test."""
    async with phone_context(browser) as context:
        await context.clock.install(time=datetime.now(UTC) + ahead)
        one = Phone(context, url)
        yield one
        assert one.faults == []
