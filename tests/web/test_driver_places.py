"""Where exactly a stop is, on the driver's page: what was said is shown, what is found is kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from estafette.usecases.deliveries.places import say_where
from tests.serving import running
from tests.web.drivers import DriverAtPhone, DriverStage, driver_stage


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


async def dropoff(ze: DriverAtPhone, about: object) -> dict[str, object]:
    stops = (await ze.day())["stops"]
    return next(one for one in stops if one["kind"] == "dropoff" and one["about"] == str(about))


async def test_a_driver_sees_what_was_said_and_what_was_found_before(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    first = await stage.given(ze.driver)
    before = await dropoff(ze, first.id)
    assert await ze.tap("place_found", first.id, point="43.238, 76.889") == (
        "refused",
        "place_refused",
    )
    assert await ze.tap("place_found", first.id, point="here") == ("refused", "place_refused")
    assert await dropoff(ze, first.id) == before
    found = {"point": "-8.8402, 13.2291", "note": "behind the school"}
    assert await ze.tap("place_found", first.id, **found) == ("done", "")

    second = await stage.given(ze.driver)
    shown = await dropoff(ze, second.id)
    assert shown["point"] == [-8.8402, 13.2291]
    assert "behind the school" in str(shown["note"])
    now = datetime.now(UTC)
    wanted = (now + timedelta(hours=1), now + timedelta(hours=3))
    await say_where(
        stage.server.platform,
        second.delivery_id,
        now,
        point="-8.8383, 13.2344",
        landmark="blue gate\u202e",
        note="ring\ntwice",
        wanted=wanted,
    )
    shown = await dropoff(ze, second.id)
    assert shown["point"] == [-8.8383, 13.2344]
    assert "blue gate" in str(shown["note"])
    assert f"{(wanted[0] + timedelta(hours=1)):%H:%M}" in str(shown["note"])
    assert "\u202e" not in str(shown["note"])
    assert (await dropoff(ze, first.id))["point"] == [-8.8402, 13.2291]
