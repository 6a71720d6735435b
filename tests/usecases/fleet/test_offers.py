"""Offers: one of those who have one gets the delivery, and only in time."""

import asyncio
from datetime import timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import MOST_ASSIGNMENTS, Assignment, AssignmentState
from estafette.core.fleet.refusals import (
    AssignmentNotFound,
    DeliveryTaken,
    DriverAway,
    FleetFull,
    FleetRefusal,
    NotNow,
    NotOfCompany,
    NotOnShift,
    OfferedAlready,
    OfferOver,
    OtherMode,
    VehicleFull,
)
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.drivers import pause_driver
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.refuse import refuse
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA
from tests.usecases.fleet.conftest import MINUTE, Fleet

STATE = AssignmentState


async def run_out(fleet: Fleet, one: Assignment) -> None:
    """Lets the time to answer an offer be over."""
    where = {"company_id": fleet.id, "id": one.id}
    await tables.change(fleet.platform.pool, "assignments", where, answer_by=timedelta(seconds=-1))


async def test_who_accepts_has_the_delivery_and_its_two_stops(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    assert (await fleet.shop.delivery(delivery.id)).status is Status.PENDING
    accepted = await accept(fleet.platform, fleet.id, driver.id, given.id)
    assert accepted.state is STATE.ACCEPTED
    assert accepted.answer_by is None
    last = (await fleet.shop.events(delivery.id))[-1]
    assert (last.status, last.actor) == (Status.ASSIGNED, Actor.DRIVER)
    stops = [(delivery.id, StopKind.PICKUP), (delivery.id, StopKind.DROPOFF)]
    assert await fleet.tour(driver) == stops
    assert await accept(fleet.platform, fleet.id, driver.id, given.id) == accepted
    assert len(await fleet.shop.events(delivery.id)) == 2


async def test_of_many_who_accept_at_once_exactly_one_has_it(fleet: Fleet) -> None:
    delivery = await fleet.delivery()
    drivers = [await fleet.driver() for _ in range(4)]
    offers = [await fleet.offered(delivery, driver) for driver in drivers]
    results = await asyncio.gather(
        *(accept(fleet.platform, fleet.id, one.driver_id, one.id) for one in offers),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Assignment) for result in results) == 1
    refused = [result for result in results if isinstance(result, OfferOver)]
    assert len(refused) == 3
    assert {str(one) for one in refused} == {
        "this offer was taken back, or another driver was faster"
    }
    states = [one.state for one in await fleet.history(delivery)]
    assert sorted(states) == [STATE.ACCEPTED, *[STATE.RELEASED] * 3]
    assert await fleet.statuses(delivery) == [Status.PENDING, Status.ASSIGNED]


async def test_an_offer_ends_when_nobody_answers_in_time(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    await run_out(fleet, given)
    with pytest.raises(OfferOver, match="the time to answer"):
        await accept(fleet.platform, fleet.id, driver.id, given.id)
    while (await expire(fleet.platform)).done:
        pass
    (ended,) = await fleet.history(delivery)
    assert (ended.state, ended.answer_by) == (STATE.EXPIRED, None)
    assert ended.ended_at is not None
    with pytest.raises(OfferOver, match="the time to answer"):
        await accept(fleet.platform, fleet.id, driver.id, given.id)
    await fleet.offered(delivery, driver)


async def test_a_refused_delivery_can_be_offered_to_the_next(fleet: Fleet) -> None:
    first, second = await fleet.driver(), await fleet.driver()
    delivery = await fleet.delivery()
    given = await fleet.offered(delivery, first)
    refused = await refuse(fleet.platform, fleet.id, first.id, given.id, "too far")
    assert (refused.state, refused.reason) == (STATE.REFUSED, "too far")
    assert await refuse(fleet.platform, fleet.id, first.id, given.id) == refused
    with pytest.raises(OfferOver, match="refused already"):
        await accept(fleet.platform, fleet.id, first.id, given.id)
    await fleet.accepted(second, delivery)


async def test_an_offer_is_nobody_elses(fleet: Fleet) -> None:
    driver, other, delivery = await fleet.driver(), await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    for verb in (accept, refuse):
        with pytest.raises(AssignmentNotFound):
            await verb(fleet.platform, fleet.id, other.id, given.id)
        with pytest.raises(AssignmentNotFound):
            await verb(fleet.platform, new_id(), driver.id, given.id)
    with pytest.raises(NotOfCompany):
        await offer(fleet.platform, new_id(), delivery.id, driver.id, MINUTE)


async def test_what_cannot_be_offered_is_refused_with_its_reason(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(grams=2_000), await fleet.delivery()

    async def refused(driver_id: object, id: object = delivery.id) -> FleetRefusal:
        with pytest.raises(FleetRefusal) as caught:
            await offer(fleet.platform, fleet.id, id, driver_id, MINUTE)  # type: ignore[arg-type]
        return caught.value

    away, paused = await fleet.driver(on_shift=False), await fleet.driver()
    await pause_driver(fleet.platform, fleet.id, paused.id, paused=True)
    simulated = await fleet.driver(mode=Mode.SANDBOX)
    heavy = await fleet.delivery(2_001)
    assert isinstance(await refused(away.id), NotOnShift)
    assert isinstance(await refused(paused.id), DriverAway)
    assert isinstance(await refused(simulated.id), OtherMode)
    assert await refused(driver.id, heavy.id) == VehicleFull(driver.id, 2_000, 8)
    await fleet.offered(delivery, driver)
    assert isinstance(await refused(driver.id), OfferedAlready)
    (given,) = await fleet.history(delivery)
    await accept(fleet.platform, fleet.id, driver.id, given.id)
    assert isinstance(await refused((await fleet.driver()).id), DeliveryTaken)
    done = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    for end in ((Status.CANCELLED,), done):
        over = await fleet.delivery()
        moves = [Move(status, Actor.OPERATOR) for status in end]
        await advance(fleet.platform, fleet.shop.scope, ENTREGA, over.id, moves)
        assert await refused((await fleet.driver()).id, over.id) == NotNow(over.id, end[-1])
        of = (fleet.platform, fleet.id, over.id, driver.id)
        with pytest.raises(NotNow):
            await assign(*of, took_over=end is done)


async def test_a_delivery_has_an_end_of_offers(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    await refuse(fleet.platform, fleet.id, driver.id, given.id)
    where = {"company_id": fleet.id, "id": given.id}
    pool = fleet.platform.pool
    await tables.change(pool, "assignments", where, number=MOST_ASSIGNMENTS)
    with pytest.raises(FleetFull):
        await fleet.offered(delivery, driver)


async def test_a_vehicle_takes_no_more_than_it_holds_however_many_accept_at_once(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver(grams=5_000, parcels=8)
    deliveries = [await fleet.delivery(2_000) for _ in range(4)]
    offers = [await fleet.offered(delivery, driver) for delivery in deliveries]
    results = await asyncio.gather(
        *(accept(fleet.platform, fleet.id, driver.id, one.id) for one in offers),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Assignment) for result in results) == 2
    assert sum(isinstance(result, VehicleFull) for result in results) == 2
    load = await fleet.load(driver)
    assert (load.grams, load.parcels) == (4_000, 2)


async def test_a_delivery_that_stalled_for_want_of_a_driver_goes_on_with_one(
    fleet: Fleet,
) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    given = await fleet.offered(delivery, driver)
    stalled = [Move(Status.STALLED, Actor.SYSTEM, "No courier for too long")]
    await advance(fleet.platform, fleet.shop.scope, ENTREGA, delivery.id, stalled)
    await accept(fleet.platform, fleet.id, driver.id, given.id)
    assert await fleet.statuses(delivery) == [
        *(Status.PENDING, Status.STALLED, Status.PENDING, Status.ASSIGNED)
    ]
    (accepted,) = await fleet.history(delivery)
    assert accepted.state is STATE.ACCEPTED
    assert len(await fleet.tour(driver)) == 2
