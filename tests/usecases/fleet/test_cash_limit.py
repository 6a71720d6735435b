"""A driver over the cash limit is offered and given no cash, by hand or by the plan."""

from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.dispatching import DispatchingRules, Reason
from estafette.core.fleet.refusals import CashLimitReached
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.core.quotes.place import CityIndex
from estafette.routing.travel_times import CrowTimes
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.sight import look
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.money.handovers import cash_in_hand
from tests.usecases.angola import CITIES
from tests.usecases.fleet.conftest import Fleet

MINUTE = timedelta(minutes=1)


async def with_cash(fleet: Fleet, cash: int) -> Delivery:
    payment = Payment(PaymentMethod.COD, cash_collect=cash)
    return await fleet.shop.create(payment=payment)


async def test_what_is_in_hand_and_what_is_carried_count_against_the_limit(fleet: Fleet) -> None:
    driver = await fleet.driver(cash_limit=5_000)
    carried, more, free = (
        await with_cash(fleet, 3_000),
        await with_cash(fleet, 2_001),
        await fleet.shop.create(),
    )
    given = await offer(fleet.platform, fleet.id, carried.id, driver.id, MINUTE)
    await accept(fleet.platform, fleet.id, driver.id, given.id)
    with pytest.raises(CashLimitReached, match="3000 of 5000"):
        await offer(fleet.platform, fleet.id, more.id, driver.id, MINUTE)
    await pick_up(fleet.platform, fleet.id, driver.id, carried.id)
    await hand_over(fleet.platform, fleet.id, driver.id, carried.id)
    found = await cash_in_hand(fleet.platform, fleet.id, driver.id)
    assert (found.room.in_hand, found.room.to_collect) == (3_000, 0)
    with pytest.raises(CashLimitReached):
        await assign(fleet.platform, fleet.id, more.id, driver.id)
    await assign(fleet.platform, fleet.id, free.id, driver.id)
    await assign(fleet.platform, fleet.id, (await with_cash(fleet, 2_000)).id, driver.id)


async def test_a_plan_asks_nobody_who_is_over_the_limit_and_says_why(fleet: Fleet) -> None:
    full, able = await fleet.driver(cash_limit=100), await fleet.driver()
    delivery = await with_cash(fleet, 101)
    async with fleet.platform.pool.acquire() as connection:
        sight = await look(connection, fleet.id, DispatchingRules())
    made = draft(sight, sight.working, Places(CityIndex(CITIES)), "Africa/Luanda")
    problem, _ = await made.problem(CrowTimes())
    [job] = problem.jobs
    ids = [one.driver.id for one in made.drivers]
    assert job.barred == frozenset({ids.index(full.id)})
    assert able.id in ids
    assert made.barring(full.id, delivery) is Reason.CASH
