"""Deliveries that are on the way because their driver has come near, or has gone on to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import AttemptReason
from estafette.core.deliveries.rescheduling import other_times
from estafette.core.deliveries.windows import Window
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Place
from estafette.core.fleet.refusals import ParcelsOnBoard
from estafette.core.fleet.setting_out import NEAR, NEXT
from estafette.store.deliveries import table as deliveries
from estafette.usecases.deliveries.reschedule import reschedule
from estafette.usecases.fleet.approach import approaches
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.positions import Heard, Intake
from estafette.usecases.fleet.reorder import PlannedStop, reorder
from estafette.usecases.fleet.setting_out import SettingOut
from estafette.usecases.fleet.shifts import end_shift
from estafette.usecases.fleet.steps import pick_up, set_out
from estafette.usecases.platform import clock
from tests.usecases.angola import VIANA
from tests.usecases.fleet.conftest import Fleet

SECOND = timedelta(seconds=1)
DOOR = (-8.83, 13.25)
CORNER = (-8.832, 13.25)  # 220 metres from it


async def carried(fleet: Fleet, driver: Driver, point: tuple[float, float] = DOOR) -> Delivery:
    """A delivery that the driver has picked up, to a place that is known."""
    dropoff = replace(VIANA, latitude=point[0], longitude=point[1])
    delivery = await fleet.accepted(driver, await fleet.delivery(dropoff=dropoff))
    return await pick_up(fleet.platform, fleet.id, driver.id, delivery.id)


def seen(at: tuple[float, float], ago: float = 0, accuracy: float | None = 10) -> Place:
    return Place(clock() - ago * SECOND, *at, accuracy_metres=accuracy)


async def tell(fleet: Fleet, driver: Driver, places: Sequence[Place]) -> Heard:
    return await Intake(fleet.platform).by_page(driver, places, timedelta())


async def look(fleet: Fleet) -> None:
    looking = SettingOut(fleet.platform)
    await looking.round()
    await looking.round()


async def test_a_driver_who_comes_near_the_next_stop_is_on_the_way_to_it_once(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    first = await carried(fleet, driver)
    second = await carried(fleet, driver)
    await look(fleet)
    assert await status(fleet, first) is Status.IN_TRANSIT, "the pickup itself is no setting out"
    assert not await approaches(fleet.platform, [first.id, second.id])
    assert await tell(fleet, driver, [seen(CORNER)]) is Heard.KEPT
    await look(fleet)
    await tell(fleet, driver, [seen(DOOR)])
    await look(fleet)
    events = [event for event in await fleet.shop.events(first.id) if event.note == NEAR]
    assert [(event.status, event.actor) for event in events] == [
        (Status.OUT_FOR_DELIVERY, Actor.SYSTEM)
    ]
    assert await status(fleet, second) is Status.IN_TRANSIT, "it is not the next one"
    assert set(await approaches(fleet.platform, [first.id, second.id])) == {first.id}


CASES: dict[str, list[Place]] = {
    "farther away than is near": [seen((-8.836, 13.25))],
    "so rough that it may be anywhere": [seen(DOOR, accuracy=800)],
    "of a device that does not say how exact it is": [seen(DOOR, accuracy=None)],
}


@pytest.mark.parametrize("what", CASES)
async def test_nobody_sets_out_by_a_position_that_is(fleet: Fleet, what: str) -> None:
    driver = await fleet.driver()
    delivery = await carried(fleet, driver)
    told = [replace(place, at=clock()) for place in CASES[what]]
    assert await tell(fleet, driver, told) is Heard.KEPT
    await look(fleet)
    assert await status(fleet, delivery) is Status.IN_TRANSIT


async def test_nobody_sets_out_by_a_place_of_before_or_that_no_vehicle_reaches(
    fleet: Fleet,
) -> None:
    old, forging = await fleet.driver(), await fleet.driver()
    delivery, other = await carried(fleet, old), await carried(fleet, forging)
    await tell(fleet, old, [seen(DOOR, ago=240)])
    await tell(fleet, forging, [seen((-9.5, 13.25), ago=40)])
    await tell(fleet, forging, [seen(DOOR)])
    await look(fleet)
    assert await status(fleet, delivery) is Status.IN_TRANSIT, "that was before the pickup"
    assert await status(fleet, other) is Status.IN_TRANSIT, "70 km in 40 seconds"


async def test_nobody_sets_out_untapped_with_what_is_on_board_for_another_day(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    first, later = await carried(fleet, driver), await carried(fleet, driver)
    windows = other_times(later, fleet.company, clock())
    await reschedule(fleet.platform, later.id, windows[-1].start)
    await hand_over(fleet.platform, fleet.id, driver.id, first.id)
    assert await tell(fleet, driver, [seen(CORNER)]) is Heard.KEPT
    await look(fleet)
    assert await status(fleet, later) is Status.IN_TRANSIT
    assert not await approaches(fleet.platform, [later.id])
    behind = await carried(fleet, driver)
    await tell(fleet, driver, [seen(CORNER)])
    await look(fleet)
    assert await status(fleet, behind) is Status.OUT_FOR_DELIVERY, "it is the next stop now"
    arrives_at = (await approaches(fleet.platform, [behind.id]))[behind.id].arrives_at
    assert arrives_at is not None
    assert arrives_at < clock() + timedelta(minutes=3), "nobody is at the other door for minutes"
    set_out_now = await set_out(fleet.platform, fleet.id, driver.id, later.id)
    assert set_out_now.status is Status.OUT_FOR_DELIVERY, "a driver who says so is not stopped"


async def test_what_is_wanted_within_the_hour_is_a_stop_as_others_are(fleet: Fleet) -> None:
    driver = await fleet.driver()
    soon, behind = await carried(fleet, driver), await carried(fleet, driver)
    begins = clock() + timedelta(minutes=30)
    async with fleet.platform.pool.acquire() as connection:
        window = Window(begins, begins + timedelta(hours=1))
        await deliveries.set_promise(connection, replace(soon, window=window))
    await set_out(fleet.platform, fleet.id, driver.id, behind.id)
    await tell(fleet, driver, [seen(CORNER)])
    arrives_at = (await approaches(fleet.platform, [behind.id]))[behind.id].arrives_at
    assert arrives_at is not None
    assert arrives_at > clock() + timedelta(minutes=3), "the driver stops at the other door first"
    await hand_over(fleet.platform, fleet.id, driver.id, behind.id)
    with pytest.raises(ParcelsOnBoard):
        await end_shift(fleet.platform, fleet.id, driver.id)


async def test_after_one_handing_over_the_next_parcel_on_board_is_on_the_way(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    first, second, third = [await carried(fleet, driver) for _ in range(3)]
    kinds = dict(await fleet.tour(driver))
    order = [PlannedStop(one.id, kinds[one.id]) for one in (third, first, second)]
    await reorder(fleet.platform, fleet.id, driver.id, order)
    await hand_over(fleet.platform, fleet.id, driver.id, third.id)
    await look(fleet)
    assert await noted(fleet, first) == [NEXT]
    assert await status(fleet, second) is Status.IN_TRANSIT
    await attempt_failed(fleet.platform, fleet.id, driver.id, first.id, AttemptReason.NO_ACCESS)
    await look(fleet)
    assert await noted(fleet, second) == [NEXT], "who is not there is passed over"
    other = await fleet.driver()
    nobody_there, after = await carried(fleet, other), await carried(fleet, other)
    reason = AttemptReason.NOBODY_THERE
    await attempt_failed(fleet.platform, fleet.id, other.id, nobody_there.id, reason)
    await tell(fleet, other, [seen((-8.9, 13.25))])
    await look(fleet)
    assert await noted(fleet, after) == [NEXT]
    later = await carried(fleet, driver)
    await look(fleet)
    assert await status(fleet, later) is Status.IN_TRANSIT


async def status(fleet: Fleet, delivery: Delivery) -> Status:
    return (await fleet.shop.delivery(delivery.id)).status


async def noted(fleet: Fleet, delivery: Delivery) -> list[str | None]:
    events = await fleet.shop.events(delivery.id)
    return [event.note for event in events if event.status is Status.OUT_FOR_DELIVERY]
