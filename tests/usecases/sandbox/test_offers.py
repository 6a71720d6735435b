"""Simulated drivers are asked as live ones are, answer by the scenario, and say why."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.fleet.dispatching import Decision, Outcome
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.tour import StopKind
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.store.sandbox import drivers as simulated
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.explanations import explain
from estafette.usecases.sandbox.offers import NOBODY_SECONDS, Offers
from estafette.usecases.sandbox.simulate import tick
from tests.rows import tables
from tests.usecases.angola import LUANDA, VIANA, angola_over, new_shop
from tests.usecases.fleet.conftest import Fleet

STEP = timedelta(seconds=600)
LONG_AGO = timedelta(hours=-1)


@dataclass
class Playground:
    """A company in the sandbox with simulated drivers."""

    fleet: Fleet
    offers: Offers

    async def driver(self) -> Driver:
        return await self.fleet.driver(mode=Mode.SANDBOX)

    async def order(self, scenario: str | None = None, **changes: Any) -> Delivery:
        of = {"pickup": LUANDA, "dropoff": VIANA, "scenario": scenario}
        return await self.fleet.delivery(**of, **changes)

    async def ask(self) -> None:
        """Lets what was asked be long ago, and then drivers answer and others be asked."""
        open_ = {"company_id": self.fleet.id, "state": "offered"}
        await tables.shift(self.fleet.platform.pool, "assignments", open_, created_at=LONG_AGO)
        await self.offers.round()

    async def step(self, delivery: Delivery) -> Delivery:
        """Has the plan of a delivery make its next step; returns the delivery after it."""
        due = {"delivery_id": delivery.id, "due_at": tables.PRESENT}
        await tables.change(self.fleet.platform.pool, "sandbox_runs", due, due_at=timedelta())
        await tick(self.fleet.platform)
        return await self.fleet.shop.delivery(delivery.id)

    async def states(self, delivery: Delivery) -> list[str]:
        return [str(one.state) for one in await self.fleet.history(delivery)]

    async def decisions(self, delivery: Delivery) -> list[Decision]:
        """What was decided about a delivery, the latest first."""
        return (await explain(self.fleet.platform, self.fleet.id, delivery.id)).decisions

    async def last_note(self, delivery: Delivery) -> str | None:
        return (await self.fleet.shop.events(delivery.id))[-1].note


@pytest.fixture
async def quick() -> AsyncIterator[Planner]:
    """A planner without a solver: whoever is there first is asked."""
    async with Planner(executable="/bin/false") as one:
        yield one


@pytest.fixture
async def playground(clean_database: str, quick: Planner) -> AsyncGenerator[Playground]:
    """A company with two simulated drivers."""
    async with angola_over(clean_database, step=STEP) as platform:
        shop = await new_shop(platform, Mode.SANDBOX)
        fleet = Fleet(shop, await shop.company(f"moto-{shop.account.id.hex[-8:]}"))
        made = Playground(fleet, Offers(platform, quick, CrowTimes()))
        await made.driver()
        await made.driver()
        yield made


async def test_an_offer_by_the_solver_is_explained_and_accepted_when_the_plan_says_so(
    playground: Playground,
) -> None:
    platform = playground.fleet.platform
    delivery = await playground.order(skills=("every simulated driver has it",))
    async with Planner(executable=sys.executable, grace_seconds=60) as planner:
        await Offers(platform, planner, CrowTimes()).round()
    (offer,) = await playground.fleet.history(delivery)
    assert offer.state == "offered"
    assert offer.answer_by is not None
    assert "km from the pickup" in (offer.reason or "")
    (why,) = await playground.decisions(delivery)
    assert (why.outcome, why.driver_id, why.facts["engine"]) == (
        Outcome.OFFERED,
        offer.driver_id,
        "vroom",
    )
    assert len(why.facts["others"]) == 1
    await playground.ask()
    assert (await playground.fleet.shop.delivery(delivery.id)).status is Status.PENDING
    after = await playground.step(delivery)
    assert (after.status, await playground.last_note(delivery)) == (
        Status.ASSIGNED,
        "Courier assigned",
    )
    assert await playground.states(delivery) == ["accepted"]
    async with platform.pool.acquire() as connection:
        stops = await simulated.errands(connection, [playground.fleet.id], [offer.driver_id], 10)
    assert [one.kind for one in stops] == [StopKind.PICKUP, StopKind.DROPOFF]
    while after.status is not Status.DELIVERED:
        after = await playground.step(delivery)
    assert await playground.states(delivery) == ["done"]


@pytest.mark.parametrize(
    ("drivers", "note"),
    [
        (3, "Three drivers were asked, and all refused"),
        (2, "2 drivers were asked: 2 refused, 0 did not answer"),
    ],
)
async def test_what_everybody_refuses_stalls_with_the_reason_and_nobody_else_is_asked(
    playground: Playground, drivers: int, note: str
) -> None:
    for _ in range(drivers - 2):
        await playground.driver()
    delivery = await playground.order("refused_by_all")
    for _ in range(5):
        await playground.ask()
    assert await playground.states(delivery) == drivers * ["refused"]
    assert (await playground.fleet.shop.delivery(delivery.id)).status is Status.PENDING
    assert (await playground.step(delivery)).status is Status.STALLED
    assert await playground.last_note(delivery) == note
    why = (await playground.decisions(delivery))[0]
    assert (why.outcome, why.facts["refused"]) == (Outcome.GIVEN_UP, drivers)


async def test_the_step_that_stalls_has_the_last_driver_refuse(playground: Playground) -> None:
    delivery = await playground.order("refused_by_all")
    await playground.offers.round()
    assert await playground.states(delivery) == ["offered"]
    await playground.step(delivery)
    assert await playground.states(delivery) == ["refused"]
    assert await playground.last_note(delivery) == "1 driver was asked: 1 refused, 0 did not answer"


@pytest.mark.parametrize(
    ("scenario", "first"), [("driver_refuses", "refused"), ("driver_silent", "expired")]
)
async def test_after_a_driver_who_refuses_or_is_silent_the_next_one_accepts(
    playground: Playground, scenario: str, first: str
) -> None:
    pool = playground.fleet.platform.pool
    delivery = await playground.order(scenario)
    await playground.offers.round()
    if first == "expired":
        await playground.ask()
        assert await playground.states(delivery) == ["offered"]  # no answer
        mine = {"delivery_id": delivery.id}
        await tables.change(pool, "assignments", mine, answer_by=timedelta(0))
        await expire(playground.fleet.platform)
    await playground.ask()
    assert await playground.states(delivery) == [first, "offered"]
    await playground.step(delivery)
    given = await playground.fleet.history(delivery)
    assert [str(one.state) for one in given] == [first, "accepted"]
    assert given[0].driver_id != given[1].driver_id
    assert [one.outcome for one in await playground.decisions(delivery)] == 2 * [Outcome.OFFERED]


async def test_what_a_driver_who_vanishes_has_is_taken_back_and_offered_to_another(
    playground: Playground,
) -> None:
    delivery = await playground.order("driver_vanishes")
    await playground.offers.round()
    for _ in range(2):
        await playground.step(delivery)
    (had,) = await playground.fleet.history(delivery)
    other = await playground.order()
    await playground.offers.round()
    asked = (await playground.fleet.history(other))[0]
    assert asked.driver_id != had.driver_id  # nothing is heard of the first one
    while (await playground.step(delivery)).status is not Status.PENDING:
        pass
    why = (await playground.decisions(delivery))[0]
    assert (why.outcome, why.driver_id) == (Outcome.TAKEN_BACK, had.driver_id)
    await playground.ask()
    await playground.step(delivery)
    first, second = await playground.fleet.history(delivery)
    assert (str(first.state), str(second.state)) == ("released", "accepted")
    assert first.driver_id != second.driver_id


async def test_a_driver_who_vanishes_with_the_parcel_is_told_of_and_keeps_it(
    playground: Playground,
) -> None:
    delivery = await playground.order("driver_vanishes_with_parcel")
    await playground.offers.round()
    while (await playground.step(delivery)).status is not Status.STALLED:
        pass
    why = (await playground.decisions(delivery))[0]
    assert why.outcome is Outcome.LOST_SIGHT
    assert await playground.states(delivery) == ["accepted"]


@pytest.mark.parametrize("scenario", ["recipient_absent_twice", "refused_at_the_door"])
async def test_what_comes_back_is_a_delivery_of_its_own_that_arrives(
    playground: Playground, scenario: str
) -> None:
    delivery = await playground.order(scenario)
    await playground.offers.round()
    after = delivery
    while after.status is not Status.FAILED:
        after = await playground.step(delivery)
    assert after.return_id is not None
    back = await playground.fleet.shop.delivery(after.return_id)
    assert (back.status, back.return_of) == (Status.IN_TRANSIT, delivery.id)
    (mine,) = await playground.fleet.history(back)
    (theirs,) = await playground.fleet.history(delivery)
    assert (str(mine.state), mine.driver_id) == ("accepted", theirs.driver_id)
    while back.status is not Status.DELIVERED:
        back = await playground.step(back)
    assert await playground.states(back) == ["done"]


async def test_without_time_to_ask_a_delivery_goes_its_way(playground: Playground) -> None:
    delivery = await playground.order()
    assert (await playground.step(delivery)).status is Status.ASSIGNED
    assert await playground.states(delivery) == []


async def test_nobody_is_asked_long_before_the_answer_nor_by_two_at_a_time(
    playground: Playground,
) -> None:
    platform, mine = playground.fleet.platform, {"company_id": playground.fleet.id}
    later, now = await playground.order("slow"), await playground.order()
    async with platform.pool.acquire() as connection:
        assert await simulated.take_turn(connection)
        await playground.offers.round()
        assert await tables.count(platform.pool, "assignments", mine) == 0
        await simulated.end_turn(connection)
    await playground.offers.round()
    assert await playground.states(now) == ["offered"]
    assert await playground.states(later) == []


async def test_where_nobody_is_simulated_it_rests_for_long(clean_database: str) -> None:
    async with Planner(executable="/bin/false") as planner, angola_over(clean_database) as platform:
        shop = await new_shop(platform, Mode.SANDBOX)
        fleet = Fleet(shop, await shop.company(f"moto-{shop.account.id.hex[-8:]}"))
        await fleet.delivery()
        assert await Offers(platform, planner, CrowTimes()).round() == NOBODY_SECONDS
        driver = await fleet.driver(mode=Mode.SANDBOX)
        assert await Offers(platform, planner, CrowTimes()).round() < NOBODY_SECONDS
        assert await _asked(fleet) == [driver.id]


async def _asked(fleet: Fleet) -> list[UUID]:
    mine = {"company_id": fleet.id}
    return list(await tables.values(fleet.platform.pool, "assignments", "driver_id", mine))
