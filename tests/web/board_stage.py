"""A courier company with drivers and live deliveries, and the board of its dispatcher."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from playwright.async_api import Browser, Page, ViewportSize

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.driver import Capacity, Driver, Vehicle
from estafette.core.people.permission import Role
from estafette.usecases.fleet.board import look_at_board
from estafette.usecases.fleet.drivers import add_driver
from tests.serving import Server
from tests.usecases.angola import Shop
from tests.web.people import PersonAtBrowser, sign_in_at_company
from tests.web.phone import keep_cookies


async def open_board(
    stage: "Stage", browser: Browser, size: ViewportSize, language: str = "en"
) -> Page:
    """The board of the company, as one of its managers has it open in a browser of their own."""
    manager = await sign_in_at_company(
        stage.server, stage.company_id, Role.MANAGER, mode=Mode.LIVE, language=language
    )
    context = await browser.new_context(viewport=size, locale="en-GB")
    await keep_cookies(context, stage.server.url, manager.cookies)
    page = await context.new_page()
    await page.goto(f"{stage.server.url}{manager.home}")
    return page


@dataclass
class Stage:
    """A company with drivers and live deliveries, and its dispatcher."""

    server: Server
    shop: Shop
    company_id: UUID
    dispatcher: PersonAtBrowser
    drivers: list[Driver] = field(default_factory=list[Driver])

    async def driver(self, name: str, parcels: int = 5, skills: Sequence[str] = ()) -> Driver:
        """Adds a driver to the company."""
        phone = f"+244{uuid4().int % 10**9:09}"
        driver = await add_driver(
            self.server.platform,
            self.company_id,
            name=name,
            phone_e164=phone,
            vehicle=Vehicle.CAR,
            capacity=Capacity(50_000, parcels),
            skills=skills,
        )
        self.drivers.append(driver)
        return driver

    async def delivery(self, **changes: Any) -> Delivery:
        """Orders a delivery from the company, with what is said of the order changed."""
        return await self.shop.create(**changes)

    async def has(self, delivery: Delivery) -> UUID | None:
        """Returns the driver who has a delivery."""
        board = await look_at_board(self.server.platform, self.company_id, Mode.LIVE)
        one = next(one for one in board.deliveries if one.delivery.id == delivery.id)
        return one.accepted and one.accepted.driver_id

    async def steer(self, do: str, *chosen: str, driver: Driver | None = None) -> str:
        """Sends the form of the board; returns the page that follows."""
        given = {"do": do, "delivery": chosen, "driver": driver.id.hex if driver else ""}
        answer = await self.dispatcher.send(f"{self.dispatcher.home}/assign", given)
        if answer.status == 303:
            answer = await self.dispatcher.follow(answer)
        assert answer.status == 200, answer.body
        return answer.body.decode()
