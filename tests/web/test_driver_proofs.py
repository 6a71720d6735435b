"""A driver's phone sends proofs: each once, of the driver's own work, before the parcel goes."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.files import KeptFiles
from estafette.usecases.proofs.show import proofs_of
from estafette.web.driver.app import ROUTES
from estafette.web.driver.files import FOLDER
from tests.serving import running
from tests.usecases.proofs.pictures import photo
from tests.web.drivers import DriverStage, driver_stage, now_ms

DONE = ("done", "")


@pytest.fixture
async def stage(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn, files=KeptFiles(tmp_path / "files")) as server:
        yield await driver_stage(server)


async def test_a_demanded_proof_is_asked_for_and_comes_before_the_step(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    delivery = await stage.delivery(proof={"pickup": ["name"], "dropoff": ["photo", "age"]})
    mine = (await stage.given(ze.driver, delivery)).id
    asked = {stop["kind"]: stop["proofs"] for stop in (await ze.day())["stops"]}
    assert asked["pickup"] == ["name"]
    assert [kind for kind in asked["dropoff"] if kind != "pin"] == ["photo", "age"]

    assert await ze.tap("picked_up", mine) == ("refused", "proof_missing")
    assert [stop["state"] for stop in (await ze.day())["stops"]] == ["accepted", "accepted"]
    assert (await ze.proof(mine, "name", stage="pickup", said="Loja")).status == 200
    assert await ze.tap("picked_up", mine) == DONE
    cash = (await ze.day())["stops"][0]["cash"]
    facts = {"cash": cash} if cash else {}
    assert await ze.tap("handed_over", mine, **facts) == ("refused", "proof_missing")
    ahead = timedelta(hours=2)
    answers = [
        await ze.proof(mine, "photo", file=photo(), clock=ahead),
        await ze.proof(mine, "age", said="18"),
    ]
    assert {each.status for each in answers} == {200}
    assert await ze.tap("handed_over", mine, **facts) == DONE
    assert (await stage.now(delivery)).status is Status.DELIVERED
    shown = await proofs_of(stage.server.platform, delivery.scope, delivery.id)
    assert {proof.driver_id for proof in shown} == {ze.driver.id}
    for proof in shown:  # the phone that is two hours ahead included
        assert abs(proof.taken_at - proof.received_at) < timedelta(minutes=5)


async def test_what_a_driver_has_shown_counts_for_nobody_else(stage: DriverStage) -> None:
    ze, ana = await stage.driver_at_phone(), await stage.driver_at_phone(name="Ana")
    delivery = await stage.delivery(proof={"pickup": ["photo"], "dropoff": ["name"]})
    first = (await stage.given(ze.driver, delivery)).id
    assert (await ze.proof(first, "photo", stage="pickup", file=photo())).status == 200
    assert (await ze.proof(first, "name", said="Dana")).status == 200
    assert await ze.tap("handed_back", first, reason="too_far") == DONE
    second = (await stage.given(ana.driver, delivery)).id
    asked = {stop["kind"]: stop["proofs"] for stop in (await ana.day())["stops"]}
    assert asked["pickup"] == ["photo"]
    assert "name" in asked["dropoff"]
    assert await ana.tap("picked_up", second) == ("refused", "proof_missing")
    assert (await ana.proof(second, "photo", stage="pickup", file=photo())).status == 200
    assert await ana.tap("picked_up", second) == DONE


async def test_a_parcel_that_may_be_left_is_left_with_a_photo_and_the_page_knows_beforehand(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    delivery = await stage.delivery(failing={"attempts": 2, "then": "leave_at_door"})
    given = await stage.given(ze.driver, delivery)
    assert await ze.tap("picked_up", given.id) == DONE

    async def stop() -> dict[str, Any]:
        [only] = (await ze.day())["stops"]
        return only

    before = await stop()
    assert (before["may_leave"], before["tried"], before["window"]) == (False, 0, None)
    assert await ze.tap("left_at_door", given.id) == ("refused", "may_not_leave")
    assert await ze.tap("attempt_failed", given.id, reason="dragons", note="two") == DONE
    after = await stop()
    assert (after["may_leave"], after["tried"]) == (True, 1)
    begins, ends = after["window"]
    assert now_ms() < begins < ends
    assert (before["wanted_from"], after["wanted_from"]) == (None, begins - 60 * 60 * 1000)
    [attempt] = (await stage.now(delivery)).attempts
    assert attempt.reason == "other"
    assert await ze.tap("on_the_way", given.id) == DONE
    assert (await stop())["wanted_from"] is None
    assert await ze.tap("left_at_door", given.id) == ("refused", "proof_missing")
    assert (await ze.proof(given.id, "photo", file=photo())).status == 200
    assert await ze.tap("left_at_door", given.id) == DONE
    assert (await stage.now(delivery)).left_at_door


async def test_a_proof_that_is_sent_again_is_one_and_nobody_elses_is_taken(
    stage: DriverStage,
) -> None:
    ze, ana = await stage.driver_at_phone(), await stage.driver_at_phone(name="Ana")
    delivery = await stage.delivery()
    mine, key = (await stage.given(ze.driver, delivery)).id, uuid4()
    sent = [ze.proof(mine, "photo", key, file=photo()) for _ in range(3)]
    assert {each.status for each in await asyncio.gather(*sent)} == {200}
    assert (await ze.proof(mine, "photo", key, file=photo("#ffffff"))).status == 422
    assert (await ana.proof(mine, "photo", file=photo())).status == 422
    assert (await ze.proof(uuid4(), "photo", file=photo())).status == 422
    assert (await ze.proof(mine, "photo", file=b"<svg onload=alert(1)>")).status == 422
    assert (await ze.proof(mine, "selfie", file=photo())).status == 400
    assert len(await proofs_of(stage.server.platform, delivery.scope, delivery.id)) == 1


def test_the_server_waits_for_a_picture_longer_than_the_page_does() -> None:
    (written,) = re.findall(r"PICTURE_SECONDS = (\d+);", (FOLDER / "outbox.js").read_text("utf-8"))
    (route,) = (page for page in ROUTES if page.path == "/driver/proofs")
    assert route.seconds > int(written)
