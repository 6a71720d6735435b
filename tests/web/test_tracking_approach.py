"""The courier on the way: shown to the one recipient, coarsely, and neither before nor after."""

import html
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, expect

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.approach import coarse
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.tour import StopKind
from estafette.core.point import Point
from estafette.store.fleet import positions
from estafette.usecases.fleet.approach import approaches
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.steps import pick_up, set_out
from estafette.usecases.platform import clock
from estafette.web.tracking.texts import LANGUAGES
from tests.rows import tables
from tests.serving import running
from tests.web.browser import PHONE, axe, look, overflow
from tests.web.drivers import DriverStage, driver_stage

_DOOR = {"latitude": -8.8159, "longitude": 13.2306}
_THREE_KM_SOUTH = -8.8429


_KEPT = """async () => {
  const seen = await caches.open("tracking-seen");
  for (const key of await seen.keys()) {
    const text = await (await seen.match(key)).text();
    if (text.includes("nearing")) return text;
  }
  return null;
}"""
"""What the phone has kept of the page, once the courier was on it."""


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


async def picked_up(stage: DriverStage, driver: Driver) -> Delivery:
    """A delivery to a door that the merchant has given the point of, with its driver."""
    delivery = await stage.delivery()
    of = {"id": delivery.id}
    (row,) = await tables.read(stage.server.platform.pool, "deliveries", of)
    dropoff = json.dumps(json.loads(row["dropoff"]) | _DOOR)
    await tables.change(stage.server.platform.pool, "deliveries", of, dropoff=dropoff)
    await stage.given(driver, delivery)
    await pick_up(stage.server.platform, stage.company_id, driver.id, delivery.id)
    return delivery


async def on_the_way(stage: DriverStage, driver: Driver) -> Delivery:
    delivery = await picked_up(stage, driver)
    await set_out(stage.server.platform, stage.company_id, driver.id, delivery.id)
    return delivery


async def is_at(
    stage: DriverStage, driver: Driver, latitude: float, ago: timedelta = timedelta()
) -> None:
    at = clock() - ago
    position = Position(stage.company_id, driver.id, at, at, latitude, 13.2306, PositionSource.PAGE)
    async with stage.server.platform.pool.acquire() as connection:
        await positions.keep(connection, [position])


async def page_of(stage: DriverStage, delivery: Delivery, language: str = "en") -> str:
    answer = await stage.server.request("GET", f"/track/{delivery.id}?lang={language}")
    assert answer.status == 200
    return answer.body.decode()


def drawn(page: str) -> Any:
    """What the page has the map draw; None: there is no map."""
    found = re.search(r'data-map="([^"]*)"', page)
    return found and json.loads(html.unescape(found[1]))


async def test_the_courier_is_shown_on_the_way_and_neither_before_nor_after(
    stage: DriverStage,
) -> None:
    ze = await stage.driver()
    delivery = await picked_up(stage, ze)
    await is_at(stage, ze, _THREE_KM_SOUTH)
    assert drawn(await page_of(stage, delivery)) is None
    assert await approaches(stage.server.platform, [delivery.id]) == {}
    await set_out(stage.server.platform, stage.company_id, ze.id, delivery.id)
    page = await page_of(stage, delivery)
    shown = drawn(page)
    assert shown is not None
    assert shown["courier"][1] == pytest.approx(_THREE_KM_SOUTH, abs=0.001)
    assert shown["courier"][1] != _THREE_KM_SOUTH
    assert shown["stop"] != [_DOOR["longitude"], _DOOR["latitude"]]
    for exact in (*_DOOR.values(), _THREE_KM_SOUTH):
        assert str(exact) not in page
    for language, words in LANGUAGES.items():
        assert words.near.far.format(n=3) in await page_of(stage, delivery, language)
    await hand_over(stage.server.platform, stage.company_id, ze.id, delivery.id)
    await is_at(stage, ze, -8.85)
    assert drawn(await page_of(stage, delivery)) is None
    assert await approaches(stage.server.platform, [delivery.id]) == {}


async def test_nobody_is_shown_who_is_silent_another_or_of_another_company(
    stage: DriverStage,
) -> None:
    ze, rui = await stage.driver(), await stage.driver(name="Rui")
    delivery = await on_the_way(stage, ze)
    await is_at(stage, rui, -8.85)
    assert drawn(await page_of(stage, delivery)) is None, "another driver's position"
    await is_at(stage, ze, -8.85, timedelta(minutes=4))
    assert drawn(await page_of(stage, delivery)) is None, "a position of four minutes ago"
    await is_at(stage, ze, -8.85)
    assert drawn(await page_of(stage, delivery)) is not None
    other = await driver_stage(stage.server)
    eva = await other.driver(name="Eva")
    theirs = await on_the_way(other, eva)
    assert drawn(await page_of(other, theirs)) is None
    await is_at(other, eva, -8.85)
    pool, of = stage.server.platform.pool, {"delivery_id": delivery.id}
    await tables.change(pool, "assignments", of, company_id=other.company_id, driver_id=eva.id)
    assert drawn(await page_of(stage, delivery)) is None, "another company's assignment"


async def test_the_arrival_is_that_of_the_plan_or_of_the_way_over_the_stops_before(
    stage: DriverStage,
) -> None:
    ze = await stage.driver()
    first, second = await on_the_way(stage, ze), await on_the_way(stage, ze)
    await is_at(stage, ze, _THREE_KM_SOUTH)

    async def arrivals() -> tuple[datetime, datetime]:
        both = [first.id, second.id]
        found = await approaches(stage.server.platform, both)
        one, other = (found[id].arrives_at for id in both)
        assert one is not None
        assert other is not None
        return one, other

    soon, later = await arrivals()
    assert timedelta(minutes=5) < soon - clock() < timedelta(minutes=20)
    assert later - soon == timedelta(minutes=4), "what the stop before takes"
    assert "In about" in await page_of(stage, first)
    planned = clock().replace(second=0, microsecond=0) + timedelta(minutes=50)
    of = {"delivery_id": first.id, "kind": StopKind.DROPOFF}
    await tables.change(stage.server.platform.pool, "tour_stops", of, planned_at=planned)
    assert (await arrivals())[0] == planned
    assert "In about 50 minutes" in await page_of(stage, first)


def test_a_grid_tells_the_same_of_all_places_in_a_cell() -> None:
    for latitude in (-89.9999, -8.8159, 0.0, 51.13, 90.0):
        for longitude in (-180.0, 13.2306, 71.43, 179.9999):
            for metres in (10, 200, 5000):
                here = coarse(Point(latitude, longitude), metres)
                assert abs(here.latitude - latitude) * 111_195 <= metres
                assert abs(here.latitude) <= 90
                assert abs(here.longitude) <= 180
                assert coarse(here, metres) == here or abs(latitude) > 89


async def test_a_recipient_sees_the_courier_move_until_the_parcel_is_there(
    stage: DriverStage, browser: Browser
) -> None:
    ze = await stage.driver()
    delivery = await picked_up(stage, ze)
    await is_at(stage, ze, _THREE_KM_SOUTH)
    for scheme in ("light", "dark"):
        context = await browser.new_context(viewport=PHONE, locale="en-GB", color_scheme=scheme)
        page = await context.new_page()
        refused: list[str] = []
        asked: list[str] = []

        def note(message: ConsoleMessage, refused: list[str] = refused) -> None:
            refused.append(message.text)

        page.on("console", note)
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        await page.goto(f"{stage.server.url}/track/{delivery.id}")
        marker = page.locator(".map-courier")
        if scheme == "light":
            await expect(page.locator(".live")).to_have_text("Live")
            assert not [url for url in asked if "maplibre" in url], "no map without a position"
            await set_out(stage.server.platform, stage.company_id, ze.id, delivery.id)
        await expect(marker).to_be_visible()
        await expect(page.locator(".map-stop")).to_be_visible()
        assert await axe(page) == []
        assert await overflow(page) == []
        await page.locator(".nearing").scroll_into_view_if_needed()
        await look(page, f"tracking-map-{scheme}")
        before = await marker.get_attribute("style") or ""
        await is_at(stage, ze, -8.825 if scheme == "light" else -8.83)
        await expect(marker).not_to_have_attribute("style", before)
        await expect(page.locator(".nearing > p").first).to_contain_text(re.compile("1|2"))
        assert all(url.startswith((stage.server.url, "blob:")) for url in asked)
        kept = await page.wait_for_function(_KEPT)
        assert "data-map=" not in str(await kept.json_value())
        if scheme == "dark":
            await hand_over(stage.server.platform, stage.company_id, ze.id, delivery.id)
            await expect(page.get_by_role("heading", level=1)).to_contain_text("here")
            await expect(page.locator(".map-courier")).to_have_count(0)
        assert not [text for text in refused if "Content Security Policy" in text]
        await context.close()
