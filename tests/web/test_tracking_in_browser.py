"""The tracking page in a real browser, over the real use cases and database."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Scoped

from estafette.core.accounts.account import MARKETS, Account, Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor, Event
from estafette.core.ids import new_id
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import journal
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.pool import Pool, open_pool
from estafette.store.webhooks.messages import AS_IT_IS
from estafette.store.work import UnitOfWork
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher, new_cipher_key
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import Platform, Signals, clock
from estafette.web.tracking import app
from tests.moving import advance
from tests.patience import WAITS, until
from tests.web.tracking_samples import Shelf, advanced, delivery, parse_public, public, served

PHONE = ViewportSize(width=390, height=844)


class _Quiet:
    """A dialect that tells merchants nothing."""

    name = "quiet"
    names_company = False

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        return ()

    def may_cancel(self, progress: Progress) -> bool:
        return True

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        return None


@dataclass
class _Parcel:
    """One delivery in the database, and how to move it."""

    platform: Platform
    scope: Scope
    id: UUID

    async def move(self, to: Status, note: str | None = None) -> None:
        moves = [Move(to, Actor.COURIER, note)]
        await advance(self.platform, self.scope, _Quiet(), self.id, moves)


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[Pool]:
    async with await open_pool(postgres_dsn, size=4) as pool:
        yield pool


@pytest.fixture
async def parcel(pool: Pool) -> _Parcel:
    platform = Platform(
        pool,
        DatabaseConnections(pool, waits=WAITS),
        KeyUses(pool),
        Signals(pool).send,
        {},
        Catalog(pool),
        Cipher(new_cipher_key()),
        "http://localhost",
        timedelta(),
    )
    scope = Scope(new_id(), Mode.SANDBOX)
    now = clock()
    found = Delivery(
        id=new_id(),
        scope=scope,
        progress=Progress(Status.PENDING, Status.PENDING),
        pickup=Stop("ул. Сатпаева 22, Алматы", "Алматы", name="Aigul", phone="+77012345678"),
        dropoff=Stop("пр. Абая 7, Астана", "Астана", name="Yerlan", phone="+77017654321"),
        parcel=Parcel(1207, "a red lamp"),
        fee=1500,
        pickup_by=now + timedelta(hours=2),
        deliver_by=now + timedelta(hours=10),
        created_at=now,
        updated_at=now,
        external_ref="ORDER-77",
    )
    created = Event(
        id=new_id(),
        delivery_id=found.id,
        seq=1,
        status=Status.PENDING,
        milestone=Status.PENDING,
        actor=Actor.MERCHANT,
        note="the merchant's own remark",
        announced=(),
        occurred_at=now,
    )
    account = Account(scope.account_id, f"shop-{scope.account_id}", MARKETS["KZ"], "quiet", 10, 10)
    async with pool.acquire() as connection:
        await accounts.insert(connection, account)
        await journal.insert(
            UnitOfWork(connection),
            [JournalEntry(found, created)],
            WatchLimits(),
            sendings=[AS_IT_IS],
        )
    return _Parcel(platform, scope, found.id)


async def _open(browser: Browser, url: str, *, locale: str, script: bool = True) -> Page:
    context = await browser.new_context(locale=locale, viewport=PHONE, java_script_enabled=script)
    page = await context.new_page()
    await page.goto(url)
    return page


async def test_an_open_page_follows_the_delivery_without_reload(
    parcel: _Parcel, browser: Browser
) -> None:
    pages = app.build(parcel.platform, public_id=parse_public)
    async with served(pages) as base:
        page = await _open(browser, f"{base}/{public(parcel.id)}", locale="en-GB")
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await expect(page.get_by_role("heading", level=1)).to_have_text("We’re finding a courier")
        await expect(page.locator(".live")).to_have_text("Live")
        await page.evaluate("window.untouched = true")

        await parcel.move(Status.ASSIGNED)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your courier is found")
        await parcel.move(Status.IN_TRANSIT, "Выехал <b>только что</b>, +7 701 234 56 78")
        await expect(page.locator("blockquote")).to_have_text("Выехал <b>только что</b>, •••")
        await expect(page.get_by_role("status")).to_have_text("Your parcel is on its way")
        await parcel.move(Status.OUT_FOR_DELIVERY)
        await expect(page).to_have_title("Almost at your door · Your delivery")
        await parcel.move(Status.DELIVERED)
        await expect(page.get_by_role("heading", level=1)).to_have_text("It’s here!")

        assert await page.evaluate("window.untouched") is True
        assert await page.locator(".history li").count() == 5
        assert complaints == []


class _Dropping(app.TrackingPages):
    """Pages behind something that drops their streams without a word when it is told to."""

    drops = False
    streams = 0

    async def __call__(self, scope: Scoped, receive: Receive, send: Send) -> None:
        streamed = scope["path"].endswith("/events")
        self.streams += streamed
        dropped_from = self.streams

        async def through(message: Message) -> None:
            if not (streamed and self.drops and dropped_from == 1):
                await send(message)

        await super().__call__(scope, receive, through)


async def test_a_stream_that_is_dropped_without_a_word_is_asked_for_again(
    browser: Browser,
) -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    pages = _Dropping(shelf.track, shelf.watched(), public_id=parse_public, heartbeat=0.2)
    async with served(pages) as base:
        page = await _open(browser, f"{base}/{public(found.id)}", locale="en-GB")
        await expect(page.locator(".live")).to_have_text("Live")
        pages.drops = True
        shelf.put(advanced(found, Status.IN_TRANSIT))
        await expect(page.get_by_role("status")).to_have_text("Your parcel is on its way")
        await expect(page.locator(".live")).to_have_text("Live")
        assert pages.streams >= 2


_TURN = """state => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_hidden_page_lets_go_of_its_stream_and_is_true_when_it_comes_back(
    browser: Browser,
) -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    pages = shelf.pages()
    async with served(pages) as base:
        page = await _open(browser, f"{base}/{public(found.id)}", locale="en-GB")
        await expect(page.locator(".live")).to_have_text("Live")
        await page.evaluate(_TURN, "hidden")
        await until(lambda: not pages.watched.crowd.open_streams)
        shelf.put(advanced(found, Status.IN_TRANSIT))
        await page.evaluate(_TURN, "visible")
        await expect(page.get_by_role("status")).to_have_text("Your parcel is on its way")
        await expect(page.locator(".live")).to_have_text("Live")
        assert pages.watched.crowd.open_streams == 1


async def test_more_tabs_than_a_browser_has_connections_all_load(browser: Browser) -> None:
    found = delivery(Status.ASSIGNED)
    async with served(Shelf(found).pages()) as base:
        context = await browser.new_context(locale="en-GB", viewport=PHONE)
        for _ in range(8):
            page = await context.new_page()
            await page.goto(f"{base}/{public(found.id)}")
            await expect(page.locator(".live")).to_have_text("Live")
            await page.evaluate(_TURN, "hidden")  # another tab is opened over it


async def test_the_page_knows_nothing_personal(parcel: _Parcel, browser: Browser) -> None:
    pages = app.build(parcel.platform, public_id=parse_public)
    async with served(pages) as base:
        page = await _open(browser, f"{base}/{public(parcel.id)}", locale="ru-KZ")
        html = await page.content()
    assert "Алматы" in html
    assert "Астана" in html
    secrets = ["Aigul", "Yerlan", "7701", "Сатпаева", "Абая", "lamp", "1207", "1500", "ORDER-77",
               "merchant's own remark", parcel.scope.account_id.hex, "sandbox"]  # fmt: skip
    words = set(re.findall(r"[\w'-]+", html))  # an id may hold any four digits
    assert [secret for secret in secrets if secret in (words if secret.isdigit() else html)] == []


async def test_the_page_loads_only_from_its_own_server(parcel: _Parcel, browser: Browser) -> None:
    pages = app.build(parcel.platform, public_id=parse_public)
    async with served(pages) as base:
        context = await browser.new_context(locale="kk-KZ", viewport=PHONE)
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{base}/{public(parcel.id)}")
        await expect(page.locator(".live")).to_be_visible()
        faces = "document.fonts.ready.then(() => [...document.fonts].map(face => face.status))"
        assert await page.evaluate(faces) == ["loaded"] * 3  # Latin, Cyrillic, letters of Kazakh
    assert len(asked) > 4
    assert [url for url in asked if not url.startswith(base)] == []


async def test_the_page_tells_everything_without_script(parcel: _Parcel, browser: Browser) -> None:
    pages = app.build(parcel.platform, public_id=parse_public)
    async with served(pages) as base:
        url = f"{base}/{public(parcel.id)}"
        page = await _open(browser, url, locale="pt-AO", script=False)
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("À procura de um estafeta")
        await parcel.move(Status.ASSIGNED)
        await page.reload()
        await expect(heading).to_have_text("Já há um estafeta")
        assert await page.locator("meta[http-equiv=refresh]").count() == 1


@pytest.mark.parametrize("code", ["en", "kk", "pt", "ru"])
async def test_the_page_fits_the_screen(parcel: _Parcel, browser: Browser, code: str) -> None:
    pages = app.build(parcel.platform, public_id=parse_public)
    await parcel.move(Status.ASSIGNED, "Ң" * 200)
    async with served(pages) as base:
        page = await _open(browser, f"{base}/{public(parcel.id)}?lang={code}", locale="en-GB")
        for width in (320, 360, 430, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_without_a_connection_the_page_shows_what_was_seen_and_when(
    browser: Browser,
) -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    async with served(shelf.pages()) as base:
        url = f"{base}/{public(found.id)}"
        page = await _open(browser, f"{url}?lang=en", locale="en-GB")
        await _until_kept(page, "Your courier is found")
        shelf.put(advanced(found, Status.IN_TRANSIT))
        await expect(page.get_by_role("status").first).to_have_text("Your parcel is on its way")
        await _until_kept(page, "Your parcel is on its way")
        await page.context.set_offline(True)
        await page.goto(f"{url}?lang=en")
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("Your parcel is on its way")
        bar = page.locator("#offline")
        await expect(bar).to_have_text(re.compile(r"No connection. This is what was known on \d"))
        await expect(page.locator("link[rel=stylesheet]")).to_have_count(1)
        assert await page.evaluate("getComputedStyle(document.body).fontFamily") != ""
        shown = "document.styleSheets[0].cssRules.length > 10"
        assert await page.evaluate(shown), "its style is kept as well"
        shelf.put(advanced(shelf.deliveries[found.id], Status.OUT_FOR_DELIVERY))
        await page.context.set_offline(False)
        await expect(heading).to_have_text("Almost at your door")
        await expect(bar).to_be_hidden()


async def _until_kept(page: Page, words: str) -> None:
    """Waits until the worker has kept a page with these words.

    It deletes a page before it puts it anew, also between our two looks.
    """
    kept = """async words => {
        const seen = await caches.open("tracking-seen");
        for (const key of await seen.keys())
            if ((await (await seen.match(key))?.text())?.includes(words)) return true;
        return false;
    }"""
    async with asyncio.timeout(60):
        while not await page.evaluate(kept, words):  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.05)
