"""A whole day with everybody in it: the real server and worker, and people at screens of their own.

Nothing here is of the test's process but the people: what they see comes from `estafette serve`,
and what happens by itself is done by `estafette worker`.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Capabilities, Company, Connector
from estafette.core.fleet.driver import Driver, Vehicle
from estafette.core.ids import new_id
from estafette.core.people.permission import Role
from estafette.core.proofs.demand import from_words
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.edges import ENTREGA
from tests.processes import Process, ServerProcess, calling, starting
from tests.receivers import Receiver
from tests.serving import Server, Tenant
from tests.usecases.angola import fees
from tests.web.browser import DESK, opened
from tests.web.drivers import new_phone
from tests.web.people import PersonAtBrowser, sign_in, sign_in_at_company
from tests.web.phone import keep_cookies

FEE = 1_000


@dataclass
class Day:
    """A shop, the company that carries for it, and where its webhooks arrive."""

    browser: Browser
    server: Server
    folder: Path
    shop: Tenant
    company: Company
    receiver: Receiver
    secret: str

    async def merchant(self) -> PersonAtBrowser:
        """Who owns the shop."""
        return await sign_in(self.server, self.shop.account, mode=Mode.LIVE)

    async def of_company(self, role: Role) -> PersonAtBrowser:
        """Somebody of the courier company."""
        return await sign_in_at_company(self.server, self.company.id, role, mode=Mode.LIVE)

    async def finance(self) -> PersonAtBrowser:
        """Who keeps the operator's books."""
        return await sign_in(self.server, None, Role.FINANCE)

    async def driver(self, name: str) -> Driver:
        """A new driver of the company."""
        return await add_driver(
            self.server.platform,
            self.company.id,
            name=name,
            phone_e164=new_phone(),
            vehicle=Vehicle.MOTORCYCLE,
        )

    @asynccontextmanager
    async def screen(
        self, who: PersonAtBrowser | None, path: str, size: ViewportSize = DESK
    ) -> AsyncGenerator[Page]:
        """A page that somebody has open, in a browser of their own; `path` is below their home."""
        context = await self.browser.new_context(viewport=size, locale="en-GB")
        home = ""
        if who is not None:
            home = who.home
            await keep_cookies(context, self.server.url, who.cookies)
        try:
            url = f"{self.server.url}{home}{path}"
            async with opened(self.browser, url, size, context=context) as page:
                yield page
        finally:
            await context.close()

    async def code_for(self, phone_e164: str) -> str:
        """The code in the text message that a phone has got."""
        texts = self.folder / "notifications.log"
        async with asyncio.timeout(60):
            while True:
                for line in texts.read_text().splitlines() if texts.exists() else ():
                    told = json.loads(line)
                    if told["to"] == phone_e164 and (code := re.search(r"\b\d{6}\b", told["text"])):
                        return code[0]
                await asyncio.sleep(0.05)

    async def delivery(self, id: str) -> dict[str, Any]:
        """A delivery as the shop's own program reads it."""
        return (await self.shop.get(f"/v1/deliveries/{id}")).told["data"]

    def heard(self) -> list[str]:
        """What the shop was told, in order; each is signed, and came once."""
        sent = self.receiver.requests
        heard = [ENTREGA.heard(one.headers, one.body, self.secret) for one in sent]
        assert len({one.event for one in heard}) == len(heard)
        return [one.type for one in heard]


@asynccontextmanager
async def whole_day(dsn: str, folder: Path, browser: Browser) -> AsyncGenerator[Day]:
    """A day over an empty database; what goes wrong in the processes fails the test."""
    server = ServerProcess(dsn, folder)
    of_worker = {"public_url": server.url, "webhook_allowed_networks": "127.0.0.0/8"}
    worker = Process("worker", dsn, folder, **of_worker)
    with starting(server):
        await asyncio.to_thread(worker.come_up)
        try:
            async with calling(dsn, server) as (called,), Receiver() as receiver:
                yield await _day(called, server, folder, browser, receiver)
        finally:
            worker.stop()
    for line in (server.log.read_text() + worker.log.read_text()).splitlines():
        assert json.loads(line)["level"] in ("debug", "info", "warning"), line


async def _day(
    called: Server, process: ServerProcess, folder: Path, browser: Browser, receiver: Receiver
) -> Day:
    called.platform = replace(called.platform, public_url=process.url)
    platform = called.platform
    shop = (await called.tenant(ENTREGA)).in_mode(Mode.LIVE)
    shows = from_words({"pickup": ["photo"], "dropoff": ["signature", "photo"]})
    company = await save_company(
        platform,
        Company(
            new_id(),
            "AO",
            shop.account.id,
            "Rapida",
            "rapida",
            Connector.INHOUSE,
            "Africa/Luanda",
            capabilities=Capabilities(require_delivery_pin=True, proof=shows),
        ),
    )
    await set_company_tariffs(platform, company, fees((10_000, FEE)))
    endpoint = await set_endpoint(platform, shop.scope, receiver.url)
    return Day(browser, called, folder, shop, company, receiver, endpoint.secret)
