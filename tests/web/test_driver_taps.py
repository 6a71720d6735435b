"""The one door by which taps come in, over HTTP: each once, in order, by its own time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.tap import MOST_AT_ONCE
from estafette.usecases.fleet.drivers import change_driver
from estafette.usecases.fleet.take_back import take_back
from tests.rows import tables
from tests.serving import Answer, running
from tests.web.drivers import DriverStage, driver_stage, now_ms
from tests.web.people import at_browser

HOUR = timedelta(hours=1)
DONE = ("done", "")


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


def outcomes(answer: Answer) -> list[tuple[str, str | None]]:
    assert answer.status == 200, answer.body
    return [(one["outcome"], one["why"]) for one in answer.told["taps"]]


async def test_a_day_goes_by_in_taps_and_each_is_seen_on_the_delivery(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone(on_shift=False)
    assert await ze.tap("shift_started") == DONE
    delivery = await stage.delivery()
    offer = await stage.offered(ze.driver, delivery)
    day = await ze.day()
    assert [one["about"] for one in day["offers"]] == [str(offer.id)]
    assert "Teresa" not in str(day["offers"]), "no contact before it is accepted"
    assert await ze.tap("offer_accepted", offer.id) == DONE
    day = await ze.day()
    assert [(stop["kind"], stop["name"]) for stop in day["stops"]] == [
        ("pickup", "Loja Kianda"),
        ("dropoff", "Teresa M."),
    ]
    cash = day["stops"][1]["cash"]
    for kind, status in (
        ("arrived", Status.PICKUP_READY),
        ("picked_up", Status.IN_TRANSIT),
        ("on_the_way", Status.OUT_FOR_DELIVERY),
        ("handed_over", Status.DELIVERED),
    ):
        facts = {"cash": cash} if kind == "handed_over" and cash else {}
        assert await ze.tap(kind, offer.id, **facts) == DONE
        assert (await stage.now(delivery)).status is status
    day = await ze.day()
    assert (day["stops"], day["offers"], day["done"]) == ([], [], 1)
    assert [one["name"] for one in day["lately"]] == ["Teresa M."]
    assert await ze.tap("shift_ended") == DONE
    assert (await ze.day())["shift"] is None


async def test_taps_that_are_sent_again_are_answered_again_and_done_once(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    batch = [ze.made(kind, given.id) for kind in ("arrived", "picked_up", "on_the_way")]
    first = await asyncio.gather(*(ze.send_taps(*batch) for _ in range(4)))
    for answer in [*first, await ze.send_taps(*reversed(batch))]:
        assert outcomes(answer) == [("done", None)] * 3
    where = {"account_id": stage.tenant.account.id, "delivery_id": given.delivery_id}
    told = await tables.read(stage.server.platform.pool, "events", where, order="seq")
    statuses = [row["status"] for row in told]
    assert statuses == ["pending", "assigned", "pickup_ready", "in_transit", "out_for_delivery"]


async def test_a_tap_that_overtook_another_waits_for_it(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    first, second = ze.made("arrived", given.id), ze.made("picked_up", given.id)
    assert outcomes(await ze.send_taps(second)) == [("early", None)]
    assert outcomes(await ze.send_taps(first)) == [("done", None)]
    assert outcomes(await ze.send_taps(second)) == [("done", None)]


@pytest.mark.parametrize("wrong", [2 * HOUR, -2 * HOUR, timedelta(days=400)])
async def test_a_clock_that_is_wrong_is_put_right(stage: DriverStage, wrong: timedelta) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    where = {"company_id": stage.company_id, "id": given.id}
    await tables.shift(stage.server.platform.pool, "assignments", where, accepted_at=-HOUR)
    tap = ze.made("arrived", given.id) | {"at": now_ms(wrong - timedelta(minutes=10))}
    assert outcomes(await ze.send_taps(tap, clock=wrong)) == [("done", None)]
    (row,) = await tables.read(
        stage.server.platform.pool, "assignments", {"company_id": stage.company_id, "id": given.id}
    )
    ago = datetime.now(UTC) - row["arrived_at"]
    assert timedelta(minutes=9) < ago < timedelta(minutes=12)


async def test_a_tap_of_the_future_was_made_now_and_one_of_last_week_is_refused(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    ahead = ze.made("arrived", given.id) | {"at": now_ms(HOUR)}
    late = ze.made("picked_up", (await stage.given(ze.driver)).id) | {"at": now_ms(-100 * HOUR)}
    assert outcomes(await ze.send_taps(late | {"sequence": 1}, ahead | {"sequence": 2})) == [
        ("refused", "too_late"),
        ("done", None),
    ]
    (row,) = await tables.read(
        stage.server.platform.pool, "assignments", {"company_id": stage.company_id, "id": given.id}
    )
    assert row["arrived_at"] <= datetime.now(UTC)


async def test_what_was_taken_back_is_refused_and_all_that_follows_at_that_stop(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    gone, kept = await stage.given(ze.driver), await stage.given(ze.driver)
    batch = [
        ze.made("picked_up", gone.id),
        ze.made("arrived", kept.id),
        ze.made("on_the_way", gone.id),
        ze.made("handed_over", gone.id),
        ze.made("picked_up", kept.id),
    ]
    await take_back(stage.server.platform, stage.company_id, gone.delivery_id)
    assert outcomes(await ze.send_taps(*batch[:3])) == [
        ("refused", "taken_back"),
        ("done", None),
        ("refused", "earlier_refused"),
    ]
    # Made before that was known, and sent later.
    a_minute_ago = {"at": now_ms(timedelta(minutes=-1))}
    assert outcomes(await ze.send_taps(*(tap | a_minute_ago for tap in batch[3:]))) == [
        ("refused", "earlier_refused"),
        ("done", None),
    ]
    # A driver who knows taps anew, and is told what it is.
    assert await ze.tap("on_the_way", gone.id) == ("refused", "taken_back")


async def test_taps_are_of_the_driver_who_made_them_and_of_nobody_else(stage: DriverStage) -> None:
    ze, ana = await stage.driver_at_phone(), await stage.driver_at_phone(name="Ana")
    given = await stage.given(ze.driver)
    mine = ze.made("arrived", given.id)
    # Ana signed in on Zé's phone: what is in his outbox is not sent as hers.
    answer = await ana.send_taps(mine, driver=str(ze.driver.id), device=str(ze.device))
    assert answer.status == 409
    assert (await ana.send_taps(mine)).told["taps"][0]["why"] == "not_yours"
    assert outcomes(await ze.send_taps(mine)) == [("done", None)]
    assert (await ana.day())["stops"] == []


async def test_impossible_taps_are_refused_with_a_reason_that_the_page_knows(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    assert await ze.tap("arrived", uuid4()) == ("refused", "not_yours")
    assert await ze.tap("handed_over", given.id) == ("refused", "not_now")
    assert await ze.tap("handed_back", given.id) == ("refused", "reason_missing")
    assert await ze.tap("picked_up", given.id) == DONE
    assert (await ze.tap("shift_ended"))[1] == "has_parcels"
    assert (await ze.tap("handed_back", given.id, reason="too_far"))[0] == "refused"
    offer = await stage.offered(ze.driver)
    assert await ze.tap("offer_refused", offer.id) == DONE
    assert await ze.tap("offer_accepted", offer.id) == ("refused", "offer_over")


async def test_a_failed_attempt_needs_a_reason(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    assert await ze.tap("picked_up", given.id) == DONE
    assert await ze.tap("attempt_failed", given.id) == ("refused", "reason_missing")
    assert await ze.tap("attempt_failed", given.id, reason="nobody_there", note="Dog") == DONE


@pytest.mark.parametrize(
    "changes",
    [
        {"taps": "x"},
        {"taps": [1]},
        {"driver": None},
        {"device": "x"},
        {"now": "soon"},
        {"now": 1e300},
        {"now": 99_999_999_999_999},
        {"now": True},
        {"taps": [{"key": "x"}] * (MOST_AT_ONCE + 1)},
    ],
)
async def test_what_is_no_batch_is_refused_and_stores_nothing(
    stage: DriverStage, changes: dict[str, Any]
) -> None:
    ze = await stage.driver_at_phone()
    tap = ze.made("arrived", (await stage.given(ze.driver)).id)
    assert (await ze.send_taps(tap, **changes)).status == 400
    where = {"company_id": stage.company_id, "driver_id": ze.driver.id}
    assert await tables.count(stage.server.platform.pool, "taps", where) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"key": "x"},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": 2**40},
        {"at": None},
        {"about": None},
        {"kind": "shift_started"},
        {"facts": []},
        {"facts": {"note": "x" * 501}},
        {"facts": {"cash": -1}},
        {"facts": {"pin": {}}},
    ],
)
async def test_what_is_no_tap_is_refused(stage: DriverStage, change: dict[str, Any]) -> None:
    ze = await stage.driver_at_phone()
    tap = ze.made("arrived", uuid4())
    assert (await ze.send_taps(tap | change)).status == 400
    assert (await ze.send_taps(tap, tap)).status == 400


async def test_nobody_else_taps_for_a_driver(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    tap = ze.made("shift_ended", None)
    body = {"driver": str(ze.driver.id), "device": str(ze.device), "now": now_ms(), "taps": [tap]}
    server, cookies = stage.server, "; ".join(f"{k}={v}" for k, v in ze.cookies.items())
    for headers, status in (
        ({"Cookie": cookies, "Origin": "https://evil.example"}, 403),
        ({"Cookie": cookies, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Cookie": cookies}, 403),
    ):
        assert (await server.request("POST", "/driver/taps", body, headers)).status == status
    nobody = at_browser(server)
    answer = await nobody.send("/driver/taps")
    assert (answer.status, answer.told["code"]) == (401, "signed_out")
    assert (await ze.day())["shift"] is not None


async def test_cash_is_asked_for_taken_and_declared_once(stage: DriverStage) -> None:
    demanded = 10**15  # any sum that a contract takes can be carried
    ze = await stage.driver_at_phone()
    paid = await stage.order(payment_method="cod", cash_collect_aoa=demanded)
    given = await stage.given(ze.driver, paid)
    assert await ze.tap("picked_up", given.id) == DONE
    assert [stop["cash"] for stop in (await ze.day())["stops"]] == [demanded]
    assert await ze.tap("handed_over", given.id) == ("refused", "cash_refused")
    assert await ze.tap("handed_over", given.id, cash=demanded - 1) == ("refused", "cash_refused")
    assert await ze.tap("handed_over", given.id, cash=demanded) == DONE
    assert await ze.tap("handed_back", given.id, reason="too_far") == ("refused", "over")
    assert (await ze.day())["cash"] == {"in_hand": demanded, "limit": None, "declared": None}
    assert await ze.tap("cash_declared", None, cash=demanded + 1) == ("refused", "cash_refused")
    declared = ze.made("cash_declared", None, cash=demanded)
    for _ in range(2):
        assert outcomes(await ze.send_taps(declared)) == [("done", None)]
    assert (await ze.day())["cash"]["declared"] == demanded
    where = {"company_id": stage.company_id, "driver_id": ze.driver.id}
    assert await tables.count(stage.server.platform.pool, "cash_handovers", where) == 1


async def test_a_driver_sees_which_skills_are_demanded_and_accepts_nothing_without_them(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone(skills=["cold box", "age check"])
    demanded = ["Cold Box", "Age check"]
    mine = await stage.given(ze.driver, await stage.delivery(skills=demanded))
    offered = await stage.offered(ze.driver, await stage.delivery(skills=demanded))
    plain = await stage.offered(ze.driver)
    day = await ze.day()
    assert [stop["skills"] for stop in day["stops"]] == [demanded, demanded]
    by_offer = {one["about"]: one["skills"] for one in day["offers"]}
    assert by_offer == {str(offered.id): demanded, str(plain.id): []}
    of = (stage.server.platform, stage.company_id, ze.driver.id)
    await change_driver(*of, skills=("age check",))
    assert await ze.tap("offer_accepted", offered.id) == ("refused", "lacks_skill")
    assert await ze.tap("picked_up", mine.id) == DONE


async def test_a_wrong_pin_is_counted_though_the_tap_is_refused(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    await stage.demand(require_delivery_pin=True)
    delivery = await stage.delivery()
    given = await stage.given(ze.driver, delivery)
    assert await ze.tap("picked_up", given.id) == DONE
    assert [stop["proofs"] for stop in (await ze.day())["stops"]] == [["pin"]]
    for tries in range(1, 6):
        assert await ze.tap("handed_over", given.id, pin="x") == ("refused", "pin_wrong")
        assert (await stage.now(delivery)).pin_failures == tries
    assert await ze.tap("handed_over", given.id, pin="x") == ("refused", "pin_locked")


async def test_who_asks_for_the_pin_once_more_is_heard_though_the_phone_is_a_little_behind(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    await stage.demand(require_delivery_pin=True)
    delivery = await stage.delivery()
    given = await stage.given(ze.driver, delivery)
    assert await ze.tap("picked_up", given.id) == DONE
    behind = timedelta(seconds=-25)
    for _ in range(2):  # each is made when what became of the one before is on the screen
        again = ze.made("handed_over", given.id, pin="x") | {"at": now_ms(behind)}
        assert outcomes(await ze.send_taps(again, clock=behind)) == [("refused", "pin_wrong")]
