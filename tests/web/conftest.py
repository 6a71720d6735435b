"""A real browser, and a real server for it to talk to."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.edges import ENTREGA
from tests.serving import Server, Tenant, running


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium without a window; what a test opens in it is closed with the connection."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(chromium)
        yield browser
        await browser.close()


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


@pytest.fixture
async def entrega(server: Server) -> Tenant:
    """A fresh account that speaks Entrega, in sandbox mode."""
    return await server.tenant(ENTREGA)
