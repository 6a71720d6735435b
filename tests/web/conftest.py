"""A real browser, and a real server for it to talk to."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from playwright.async_api import Browser, async_playwright, expect

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from tests.edges import ENTREGA
from tests.serving import Server, Tenant, running
from tests.usecases.angola import new_shop
from tests.web.board_stage import Stage
from tests.web.people import sign_in_at_company

expect.set_options(timeout=60_000)  # milliseconds; a busy machine is not a failure


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


@pytest.fixture
async def stage(server: Server) -> Stage:
    """A company of one shop alone, and its board."""
    shop = await new_shop(server.platform)
    company = await shop.company(f"kianda-{uuid4().hex[:8]}")
    dispatcher = await sign_in_at_company(server, company.id, Role.DISPATCHER, mode=Mode.LIVE)
    return Stage(server, shop, company.id, dispatcher)
