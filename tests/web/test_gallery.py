"""Every part of the pages, in Chromium under the one policy: on every screen, light and dark."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Route

from estafette.core.accounts.account import Mode
from estafette.http import pages
from estafette.http.reply import HttpReply
from estafette.http.shell import Group, Link, Notice, Shell, Tone, render
from estafette.http.texts import Reader
from estafette.web.history import Happened
from estafette.web.parts import Column, Paging, Plot, Point, Series
from tests.web.browser import LOOKS, Look, axe, look, opened, overflow

_URL = "http://gallery.localhost"
_NOW = datetime(2026, 3, 3, 13, 5, 9, tzinfo=UTC)
_STATUSES = ("out_for_delivery", "delivered", "pending", "stalled", "failed", "cancelled")
_NAMES = ("Overview", "Deliveries", "Webhooks", "API keys", "Money", "Team")
_SIGNS = ("layout-dashboard", "package", "webhook", "key-round", "wallet", "users")


def _context() -> dict[str, Any]:
    days = [f"{day} Mar" for day in range(1, 15)]
    counts = [12, 18, 9, 22, 31, 28, 14, 19, 25, 33, 41, 37, 20, 26]
    lost = [1, 0, 2, 1, 3, 0, 1, 0, 4, 2, 1, 1, 0, 2]

    def series(name: str, values: list[int]) -> Series:
        return Series(
            name, [Point(day, value, str(value)) for day, value in zip(days, values, strict=True)]
        )

    return {
        "now": _NOW,
        "crumbs": [Link("#", "Console"), Link("#", "Deliveries")],
        "tabs": [
            Link("#", "All", is_current=True, count=48211),
            Link("#", "Under way", count=112),
            Link("#", "Late", count=3),
        ],
        "figures": [
            ("Created today", "1,284", "+12 % on last Tuesday", ""),
            ("On time", "97.5%", "of 1,102 delivered", ""),
            ("Under way", "112", "3 late", "#"),
            ("Webhooks failing", "2", "since 12:40", "#"),
        ],
        "columns": [
            Column("reference", "Reference"),
            Column("status", "Status"),
            Column("to", "To"),
            Column("price", "Price", "number", "#", ""),
            Column("at", "Created", "time", "#", "descending"),
            Column("tools", "Tools", "tools"),
        ],
        "rows": [
            SimpleNamespace(
                reference=f"KD-{123 - i:06}",
                status=status,
                to="Абай даңғылы 10, Алматы" if i % 2 else "10 Abay Avenue, Almaty",
                price=1500 + 250 * i,
                at=_NOW - timedelta(hours=7 * i),
            )
            for i, status in enumerate(_STATUSES)
        ],
        "paging": Paging("", "#", "50 of many"),
        "bars": Plot("Deliveries", [series("Delivered", counts), series("Failed", lost)]),
        "lines": Plot("Minutes", [series("Median", [30 + value for value in counts])], "lines"),
        "happened": [
            Happened(_NOW, "Out for delivery", "Five minutes away.", "By the driver"),
            Happened(_NOW - timedelta(hours=1), "In transit", None, "By the driver"),
            Happened(_NOW - timedelta(hours=3), "Pending", None, "By the merchant"),
        ],
    }


def _page(mode: Mode, language: str) -> HttpReply:
    links = [
        Link("#", name, sign, name == "Deliveries", 3 if name == "Webhooks" else None)
        for name, sign in zip(_NAMES, _SIGNS, strict=True)
    ]
    shell = Shell(
        area="Console",
        organisation="Sultan Electronics",
        organisations=[
            Link("#", "Sultan Electronics", is_current=True, about="Owner"),
            Link("#", "Demo shop", about="Support"),
        ],
        mode=mode,
        modes=[
            Link("#", "Live", is_current=mode is Mode.LIVE),
            Link("#", "Sandbox", is_current=mode is Mode.SANDBOX),
        ],
        groups=[Group(links[:3]), Group(links[3:], "Settings")],
        person="Aigerim Sultanova",
        personal=[Link("#", "Profile", "user-round"), Link("#", "Sessions", "shield-check")],
        notices=[Notice("KD-000122 was cancelled.", Tone.GOOD, Link("#", "Undo"))],
    )
    return render("gallery.html", Reader(language), shell, **_context())


@asynccontextmanager
async def _gallery(browser: Browser, seen: Look, mode: Mode) -> AsyncGenerator[BrowserContext]:
    """A window that finds the gallery at its address, with the headers of every page."""

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith(pages.ASSETS_PREFIX):
            _, _, edition, name = path.split("/")
            reply = pages.PRODUCT.reply({"type": "http", "headers": []}, name, edition)
        else:
            reply = _page(mode, "en")
        await route.fulfill(
            status=reply.status, headers=pages.as_texts(reply.headers), body=reply.body
        )

    context = await browser.new_context(viewport=seen.size, color_scheme=seen.scheme)
    await context.route("**/*", answer)
    try:
        yield context
    finally:
        await context.close()


@pytest.fixture(autouse=True)
def templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the gallery's own template be found beside the package's."""
    from jinja2 import ChoiceLoader, FileSystemLoader

    environment = pages.template("web/templates/base.html").environment
    own = FileSystemLoader(str(Path(__file__).parent))
    assert environment.loader is not None
    monkeypatch.setattr(environment, "loader", ChoiceLoader([own, environment.loader]))


@pytest.mark.parametrize("seen", LOOKS, ids=lambda seen: seen.name)
async def test_every_part_is_for_everybody(browser: Browser, seen: Look) -> None:
    mode = Mode.SANDBOX if seen.scheme == "light" else Mode.LIVE
    async with (
        _gallery(browser, seen, mode) as context,
        opened(browser, _URL, context=context) as page,
    ):
        await look(page, f"gallery-{seen.name}")
        assert await overflow(page) == []
        assert await axe(page) == []
        await page.get_by_role("link", name="New delivery").click()
        await look(page, f"gallery-dialog-{seen.name}", whole=False)
        assert await axe(page) == []
