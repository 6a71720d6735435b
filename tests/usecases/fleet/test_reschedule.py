"""A recipient chooses another time, before the parcel is at the door."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from estafette.core.couriers.company import Capabilities
from estafette.core.couriers.hours_text import read_hours
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import AttemptReason
from estafette.core.deliveries.rescheduling import RescheduleRefused, WhyNot, other_times
from estafette.core.deliveries.windows import Window, WindowRules
from estafette.core.errors import DeliveryNotFound
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.tour import StopKind
from estafette.core.quotes.place import CityIndex
from estafette.routing.travel_times import CrowTimes
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import waiting
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.deliveries.reschedule import reschedule
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.dispatching_rules import dispatching_rules
from estafette.usecases.fleet.give_up import give_up
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.messages import messages_of
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.sight import look
from estafette.usecases.fleet.steps import pick_up, set_out
from estafette.usecases.platform import clock
from tests.usecases.angola import CITIES
from tests.usecases.fleet.conftest import Fleet

S = Status


def windows(fleet: Fleet, delivery: Delivery) -> list[Window]:
    return other_times(delivery, fleet.company, clock())


async def choose(fleet: Fleet, delivery: Delivery, number: int = 0) -> Delivery:
    start = windows(fleet, delivery)[number].start
    return await reschedule(fleet.platform, delivery.id, start)


async def refused(fleet: Fleet, delivery: Delivery) -> WhyNot:
    with pytest.raises(RescheduleRefused) as refusal:
        await reschedule(fleet.platform, delivery.id, clock() + timedelta(days=1))
    return refusal.value.why


async def test_what_waits_is_offered_to_nobody_before_the_window_and_merchants_are_told(
    fleet: Fleet,
) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    chosen = windows(fleet, delivery)[-1]
    await reschedule(fleet.platform, delivery.id, chosen.start)
    moved = await fleet.shop.delivery(delivery.id)
    assert (moved.status, moved.window, moved.changes) == (S.PENDING, chosen, 1)
    assert (moved.deliver_by, moved.scheduled_delivery_at) == (chosen.end, chosen.end)
    assert moved.deliver_by - moved.pickup_by == delivery.deliver_by - delivery.pickup_by
    last = (await fleet.shop.events(delivery.id))[-1]
    assert (last.seq, last.status, last.actor) == (2, S.PENDING, Actor.SYSTEM)
    assert last.note is not None
    assert f"{chosen.start:%Y-%m-%d %H:%M}" in last.note
    [ended] = await fleet.history(delivery)
    assert (ended.id, ended.state) == (given.id, AssignmentState.RELEASED)
    async with fleet.platform.pool.acquire() as connection:
        rules = await dispatching_rules(fleet.platform, fleet.id)
        assert (await look(connection, fleet.id, rules)).waiting == []
        until = chosen.start
        near = await waiting.waiting(connection, fleet.id, until, 9)
        assert [one.id for one in near] == [delivery.id]


async def test_windows_are_those_of_the_company_within_its_hours_by_its_clock(fleet: Fleet) -> None:
    delivery = await fleet.delivery()
    fleet.company = await save_company(
        fleet.platform,
        replace(
            fleet.company,
            hours=read_hours("mon-sun 09:00-13:00"),
            capabilities=Capabilities(windows=WindowRules(hours=2, days=7)),
        ),
    )
    found, zone = windows(fleet, delivery), ZoneInfo("Africa/Luanda")
    local = [(one.start.astimezone(zone), one.end.astimezone(zone)) for one in found]
    assert {(start.hour, end.hour) for start, end in local} == {(9, 11), (11, 13)}
    assert len({start.date() for start, _ in local}) >= 6
    for never in (found[-1].start + timedelta(hours=2), found[-1].start - timedelta(hours=4)):
        with pytest.raises(RescheduleRefused) as refusal:  # within other companies' hours
            await reschedule(fleet.platform, delivery.id, never)
        assert refusal.value.why is WhyNot.GONE
    moved = await reschedule(fleet.platform, delivery.id, found[-1].start)
    assert moved.window == found[-1]


async def test_a_form_that_is_sent_twice_is_taken_once_and_refused_to_nobody(fleet: Fleet) -> None:
    delivery = await fleet.delivery()
    start = windows(fleet, delivery)[-1].start
    for _ in range(4):  # more often than it may be changed
        moved = await reschedule(fleet.platform, delivery.id, start)
        assert (moved.status, moved.changes) == (S.PENDING, 1)
    assert len(await fleet.shop.events(delivery.id)) == 2


async def test_what_nobody_took_is_offered_anew_in_the_window(fleet: Fleet) -> None:
    delivery = await fleet.delivery()
    assert await give_up(fleet.platform, fleet.id, delivery.id, "nobody")
    stalled = await fleet.shop.delivery(delivery.id)
    assert (await choose(fleet, stalled)).status is S.PENDING


async def test_a_driver_who_has_not_picked_it_up_is_free_of_it(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    assert (await choose(fleet, delivery)).status is S.PENDING
    assert await fleet.tour(driver) == []
    assert (await fleet.load(driver)).parcels == 0
    assert await told(fleet, driver, delivery) == 1


async def told(fleet: Fleet, driver: Driver, delivery: Delivery) -> int:
    """How many messages tell the driver when the recipient of a delivery wants it."""
    moved = await fleet.shop.delivery(delivery.id)
    assert moved.window is not None
    start = moved.window.start.astimezone(ZoneInfo(fleet.company.time_zone))
    text = f"{delivery.reference}: The recipient chose another time: {start:%Y-%m-%d %H:%M}"
    messages = await messages_of(fleet.platform, fleet.id, driver.id)
    return sum(one.text.startswith(text) for one in messages)


async def test_a_parcel_on_board_is_brought_after_all_others_and_the_plan_knows_when(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    delivery, other = await fleet.accepted(driver), await fleet.accepted(driver)
    await pick_up(fleet.platform, fleet.id, driver.id, delivery.id)
    moved = await choose(fleet, await fleet.shop.delivery(delivery.id), -1)
    assert moved.status is S.IN_TRANSIT
    assert moved.window is not None
    await reschedule(fleet.platform, delivery.id, moved.window.start)  # the form was sent twice
    assert await told(fleet, driver, delivery) == 1
    assert (await fleet.tour(driver))[-1] == (delivery.id, StopKind.DROPOFF)
    async with fleet.platform.pool.acquire() as connection:
        rules = await dispatching_rules(fleet.platform, fleet.id)
        sight = await look(connection, fleet.id, rules)
    [working] = sight.working
    assert [stop.planned_at for stop in working.stops if stop.delivery_id == delivery.id] == [
        moved.window.start
    ]
    assert [(stop.delivery_id, stop.put_off_until) for stop in working.stops] == [
        *[(other.id, None)] * 2,
        (delivery.id, moved.window.start),
    ]
    places = Places(CityIndex(CITIES))
    planned = draft(sight, sight.working, places, "Africa/Luanda")
    assert delivery.id not in {one.id for one in planned.deliveries}
    soon = moved.window._replace(start=clock() + timedelta(minutes=30))
    async with fleet.platform.pool.acquire() as connection:
        await deliveries.set_promise(connection, replace(moved, window=soon))
        sight = await look(connection, fleet.id, rules)
    planned = draft(sight, sight.working, places, "Africa/Luanda")
    problem, _ = await planned.problem(CrowTimes())
    [job] = [
        job
        for job, one in zip(problem.jobs, planned.deliveries, strict=True)
        if one.id == delivery.id
    ]
    assert 25 * 60 < job.dropoff.window.start <= 30 * 60, "nobody is planned to be there before"
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    assert (await hand_over(*of)).status is S.DELIVERED  # who comes earlier is let in


async def test_it_is_chosen_so_often_and_not_once_the_courier_is_on_the_way(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    await pick_up(*of)
    await set_out(*of)
    assert await refused(fleet, delivery) is WhyNot.AT_THE_DOOR
    await attempt_failed(*of, AttemptReason.NOBODY_THERE)
    for _ in range(2):
        tried = await fleet.shop.delivery(delivery.id)
        assert (await choose(fleet, tried)).status is S.STALLED
    tried = await fleet.shop.delivery(delivery.id)
    assert (tried.changes, len(tried.attempts)) == (2, 1)
    assert windows(fleet, tried) == []
    assert await refused(fleet, tried) is WhyNot.OFTEN
    await set_out(*of)
    await hand_over(*of)
    assert await refused(fleet, delivery) is WhyNot.OVER


async def test_only_windows_that_are_offered_are_taken_and_only_of_who_offers_any(
    fleet: Fleet,
) -> None:
    delivery = await fleet.delivery()
    assert await refused(fleet, delivery) is WhyNot.GONE  # no window begins just then
    never = Capabilities(windows=WindowRules(changes=0))
    fleet.company = await save_company(fleet.platform, replace(fleet.company, capabilities=never))
    assert await refused(fleet, delivery) is WhyNot.OFTEN
    with pytest.raises(DeliveryNotFound):
        await reschedule(fleet.platform, uuid4(), clock())
