"""Where drivers are: told by the page and by Traccar Client, on shift alone, within bounds."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from estafette.store.fleet import positions
from estafette.usecases.fleet.shifts import end_shift
from tests.rows import tables
from tests.serving import Answer, running
from tests.web.drivers import DriverAtPhone, DriverStage, driver_stage, now_ms

LUANDA = (-8.8383, 13.2344)


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


def at(north: float, east: float, ago: float = 0, **more: Any) -> dict[str, Any]:
    return {"at": now_ms(timedelta(seconds=-ago)), "latitude": north, "longitude": east, **more}


async def tell(ze: DriverAtPhone, *places: dict[str, Any], **changes: Any) -> Answer:
    body = {"driver": str(ze.driver.id), "now": now_ms(), "positions": list(places)} | changes
    return await ze.post("/driver/positions", body)


async def known(stage: DriverStage, ze: DriverAtPhone) -> Any:
    async with stage.server.platform.pool.acquire() as connection:
        found = await positions.of_drivers(connection, stage.company_id, [ze.driver.id])
    return found.get(ze.driver.id)


async def kept(stage: DriverStage, ze: DriverAtPhone) -> int:
    where = {"company_id": stage.company_id, "driver_id": ze.driver.id}
    return await tables.count(stage.server.platform.pool, "position_history", where)


async def test_the_newest_place_is_known_and_few_are_kept_for_the_replay(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    places = [at(LUANDA[0] + step / 1000, LUANDA[1], 30 - step) for step in range(30)]
    assert (await tell(ze, *reversed(places))).status == 204
    assert (await tell(ze, at(0.5, 0.5, 600))).status == 204
    found = await known(stage, ze)
    assert found.latitude == pytest.approx(LUANDA[0] + 0.029)
    assert found.source == "page"
    assert await kept(stage, ze) == 3, "one in ten seconds; and what came late is in order before"


async def test_who_is_not_on_shift_is_seen_nowhere(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone(on_shift=False)
    token = await app_token(ze)
    assert (await tell(ze, at(*LUANDA))).status == 409
    assert (await traccar(stage, id=token, lat=LUANDA[0], lon=LUANDA[1])).status == 200
    assert await known(stage, ze) is None
    assert await kept(stage, ze) == 0


async def test_who_went_home_is_followed_no_further(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    token = await app_token(ze)
    await end_shift(stage.server.platform, stage.company_id, ze.driver.id)
    assert (await tell(ze, at(*LUANDA))).status == 409
    assert (await traccar(stage, id=token, lat=LUANDA[0], lon=LUANDA[1])).status == 200
    assert await known(stage, ze) is None
    assert await kept(stage, ze) == 0


async def test_forged_places_are_bounded(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    future = at(*LUANDA) | {"at": now_ms(timedelta(days=3))}
    assert (await tell(ze, future, at(91, 0), at(0, 0), at(1, 181))).status == 204
    found = await known(stage, ze)
    assert (found.latitude, found.longitude) == LUANDA
    assert found.at <= datetime.now(UTC)
    odd = at(*LUANDA, accuracy=-5, speed=1e9, course=1e300)
    assert (await tell(ze, odd)).status == 204
    found = await known(stage, ze)
    assert (found.accuracy_metres, found.speed_kmh, found.course_degrees) == (None, None, None)
    for bad in ("x", [1], [{"at": "now"}] * 101):
        assert (await tell(ze, positions=bad)).status == 400
    assert (await tell(ze, at(*LUANDA), now=99_999_999_999_999)).status == 400
    ana = await stage.driver_at_phone(name="Ana")
    assert (await tell(ana, at(1, 1), driver=str(ze.driver.id))).status == 409


async def test_a_phone_with_a_wrong_clock_is_where_it_was_when_it_was_there(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    wrong = timedelta(hours=2)
    place = at(*LUANDA) | {"at": now_ms(wrong - timedelta(minutes=5))}
    assert (await tell(ze, place, now=now_ms(wrong))).status == 204
    ago = datetime.now(UTC) - (await known(stage, ze)).at
    assert timedelta(minutes=4) < ago < timedelta(minutes=6)


async def app_token(ze: DriverAtPhone) -> str:
    page = await ze.send("/driver/app")
    assert page.status == 200, page.body
    return page.body.decode().partition("<code>")[2].partition("</code>")[0]


async def traccar(stage: DriverStage, **given: object) -> Answer:
    return await stage.server.request("GET", f"/driver/traccar?{urlencode(given)}")


async def test_traccar_client_tells_where_a_driver_is_in_each_of_its_ways(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    token = await app_token(ze)
    server, form = stage.server, {"Content-Type": "application/x-www-form-urlencoded"}
    now = datetime.now(UTC)
    facts = {"id": token, "lon": 13.2, "speed": 10, "bearing": 90, "accuracy": 5, "batt": 55}
    query = urlencode(facts | {"lat": -8.1, "timestamp": int(now.timestamp()) - 30})
    body = urlencode(facts | {"lat": -8.2, "timestamp": round(now.timestamp() * 1000) - 20_000})
    location = {
        "timestamp": (now - timedelta(seconds=10)).isoformat().replace("+00:00", "Z"),
        "coords": {"latitude": -8.3, "longitude": 13.2, "speed": 5, "heading": 90, "accuracy": 5},
        "battery": {"level": 0.55, "is_charging": False},
        "is_moving": True,
    }
    for method, path, sent, headers, north, speed in (
        ("GET", f"/driver/traccar?{query}", None, {}, -8.1, 18.52),
        ("POST", "/driver/traccar", body.encode(), form, -8.2, 18.52),
        ("POST", "/driver/traccar", {"device_id": token, "location": location}, {}, -8.3, 18.0),
    ):
        answer = await server.request(method, path, sent, headers)
        assert answer.status == 200, answer.body
        found = await known(stage, ze)
        assert (found.latitude, found.speed_kmh) == (north, pytest.approx(speed))
        assert (found.course_degrees, found.battery_percent) == (90, pytest.approx(55))


async def test_a_token_that_was_made_anew_or_taken_away_is_good_for_nothing(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    first = await app_token(ze)
    second = await app_token(ze)
    here = {"lat": LUANDA[0], "lon": LUANDA[1]}
    assert (await traccar(stage, id=first, **here)).status == 403
    assert (await traccar(stage, id=second, **here)).status == 200
    await ze.send("/driver/app", act="remove")
    assert (await traccar(stage, id=second, **here)).status == 403
    await end_shift(stage.server.platform, stage.company_id, ze.driver.id)
    assert (await traccar(stage, id="x" * 2000, **here)).status == 400
    assert (await traccar(stage, id=second)).status == 400
    assert (await traccar(stage, lat="nan", lon="inf", id=second)).status == 400


async def test_only_a_position_that_is_refused_has_a_line_of_the_log(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    token, here = await app_token(ze), {"lat": LUANDA[0], "lon": LUANDA[1]}
    with capture_logs() as logs:
        assert (await traccar(stage, id=token, **here)).status == 200
        assert (await tell(ze, at(*LUANDA))).status == 204
        assert (await traccar(stage, id="nobody", **here)).status == 403
    lines = [(line["route"], line["status"]) for line in logs if line["event"] == "request"]
    assert lines == [("/driver/traccar", 403)]


async def test_a_device_that_sends_a_thousand_at_once_is_put_off_and_others_are_not(
    stage: DriverStage,
) -> None:
    ze, ana = await stage.driver_at_phone(), await stage.driver_at_phone(name="Ana")
    tokens = [await app_token(ze), await app_token(ana)]
    here = {"lat": LUANDA[0], "lon": LUANDA[1]}
    began = time.monotonic()
    flood = await asyncio.gather(*(traccar(stage, id=tokens[0], **here) for _ in range(200)))
    statuses = [answer.status for answer in flood]
    took = time.monotonic() - began
    assert statuses.count(200) < 60 + 3 * took
    assert set(statuses) == {200, 429}
    assert (await traccar(stage, id=tokens[1], **here)).status == 200
    assert await kept(stage, ze) <= 2 + took // 10
