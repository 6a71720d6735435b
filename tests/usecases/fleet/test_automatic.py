"""Automatic dispatching: offers in the order of a plan, the next driver, giving up, vanishing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from estafette.core.couriers.company import Connector
from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.dispatching import DispatchingRules, Outcome, Reason
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.refusals import NoDriversHere, NotOfCompany, NotOnShift
from estafette.core.ids import new_id
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.store.fleet import dispatching, positions, tours
from estafette.store.fleet.dispatching import Turn
from estafette.usecases.fleet import automatic
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.automatic import Done
from estafette.usecases.fleet.denials import Denials
from estafette.usecases.fleet.dispatching_rules import dispatching_rules, set_dispatching_rules
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.explanations import explain
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.steps import pick_up
from tests.rows import tables
from tests.usecases.angola import LUANDA, VIANA
from tests.usecases.fleet.conftest import Fleet

STATE = AssignmentState
NORTH, EAST = -8.84, 13.23
RULES = DispatchingRules(automatic=True)
HOLDER = timedelta(seconds=60)


def near(stop: Stop, metres_north: float) -> Stop:
    return replace(stop, latitude=NORTH + metres_north / 111_000, longitude=EAST)


async def is_at(fleet: Fleet, driver: Driver, metres_north: float) -> None:
    now = datetime.now(UTC)
    place = (NORTH + metres_north / 111_000, EAST, PositionSource.PAGE)
    async with fleet.platform.pool.acquire() as connection:
        await positions.keep(connection, [Position(fleet.id, driver.id, now, now, *place)])


async def ordered(fleet: Fleet, pickup: float, dropoff: float) -> Delivery:
    return await fleet.delivery(pickup=near(LUANDA, pickup), dropoff=near(VIANA, dropoff))


async def turn(fleet: Fleet, rules: DispatchingRules = RULES) -> Turn:
    """A claim of the company's turn, as a worker has it."""
    await set_dispatching_rules(fleet.platform, fleet.id, rules)
    mine = {"company_id": fleet.id}
    await tables.change(fleet.platform.pool, "dispatching", mine, due_at=timedelta(0))
    async with fleet.platform.pool.acquire() as connection:
        claimed = await dispatching.claim(connection, 100, HOLDER)
    return next(one for one in claimed if one.company_id == fleet.id)


async def look(fleet: Fleet, planner: Planner, rules: DispatchingRules = RULES) -> Done:
    return await automatic.dispatch(fleet.platform, planner, CrowTimes(), await turn(fleet, rules))


async def offers(fleet: Fleet, delivery: Delivery) -> list[Assignment]:
    return await fleet.history(delivery)


async def asked(fleet: Fleet, delivery: Delivery) -> list[UUID]:
    return [one.driver_id for one in await fleet.history(delivery)]


async def silent(fleet: Fleet, driver: Driver, minutes: int) -> None:
    """Nothing was heard of a driver for so long, besides what was silent already."""
    ago, mine = timedelta(minutes=-minutes), {"company_id": fleet.id, "driver_id": driver.id}
    pool = fleet.platform.pool
    await tables.shift(pool, "positions", mine, received_at=ago, at=ago)
    await tables.shift(pool, "shifts", mine, began_at=ago)
    await tables.shift(pool, "assignments", mine, accepted_at=ago, picked_up_at=ago)


async def test_each_delivery_goes_to_whom_it_suits_best_and_the_board_is_told_why(
    fleet: Fleet, planner: Planner
) -> None:
    west, east = await fleet.driver(), await fleet.driver()
    await is_at(fleet, west, 0)
    await is_at(fleet, east, 5_000)
    here, there = await ordered(fleet, 300, 900), await ordered(fleet, 4_800, 4_000)
    assert await look(fleet, planner) == Done(offered=2)
    assert await asked(fleet, here) == [west.id]
    assert await asked(fleet, there) == [east.id]
    (offer,) = await fleet.history(here)
    assert offer.state is STATE.OFFERED
    assert offer.answer_by is not None
    assert offer.reason == "the best for all that waits: 0.4 km from the pickup, there in 1 min"
    told = await explain(fleet.platform, fleet.id, here.id)
    (why,) = told.decisions
    assert (why.outcome, why.driver_id) == (Outcome.OFFERED, west.id)
    assert why.facts["engine"] == "vroom"
    assert 415 < why.facts["metres"] < 425
    (other,) = why.facts["others"]
    assert (other["driver"], other["why"]) == (str(east.id), Reason.BETTER_PLACED)
    assert told.names == {west.id: west.name, east.id: east.name}
    assert await look(fleet, planner) == Done()


async def test_another_companys_decisions_are_not_shown(fleet: Fleet, planner: Planner) -> None:
    await fleet.driver()
    delivery = await ordered(fleet, 0, 900)
    await look(fleet, planner)
    other = await fleet.shop.company(f"other-{fleet.id.hex[-8:]}")
    with pytest.raises(NotOfCompany):
        await explain(fleet.platform, other.id, delivery.id)


async def test_a_driver_at_the_other_end_of_the_world_or_with_rare_skills_keeps_nobody_from_offers(
    fleet: Fleet, planner: Planner
) -> None:
    far, here = await fleet.driver(), await fleet.driver()
    for number in range(3):
        rare = await fleet.driver(skills=[f"skill {number}.{one}" for one in range(20)])
        await is_at(fleet, rare, 20_000)
    await fleet.accepted(far, await ordered(fleet, 0, 900))
    now = datetime.now(UTC)
    forged = Position(fleet.id, far.id, now, now, -NORTH, EAST - 180, PositionSource.PAGE)
    async with fleet.platform.pool.acquire() as connection:
        await positions.keep(connection, [forged])
    await is_at(fleet, here, 300)
    delivery = await ordered(fleet, 300, 900)
    assert await look(fleet, planner) == Done(offered=1)
    assert await asked(fleet, delivery) == [here.id]


async def test_a_refusal_or_silence_gives_the_next_driver_and_at_last_the_delivery_stalls(
    fleet: Fleet, planner: Planner
) -> None:
    drivers = [await fleet.driver() for _ in range(3)]
    for number, driver in enumerate(drivers):
        await is_at(fleet, driver, 500 * number)
    delivery = await ordered(fleet, 0, 900)
    await look(fleet, planner)
    (first,) = await fleet.history(delivery)
    await refuse(fleet.platform, fleet.id, first.driver_id, first.id)
    await look(fleet, planner)
    _, second = await fleet.history(delivery)
    where = {"company_id": fleet.id, "id": second.id}
    await tables.change(fleet.platform.pool, "assignments", where, answer_by=timedelta(seconds=-1))
    await expire(fleet.platform)
    await look(fleet, planner)
    assert await asked(fleet, delivery) == [driver.id for driver in drivers]
    *_, third = await fleet.history(delivery)
    await refuse(fleet.platform, fleet.id, third.driver_id, third.id)
    assert await look(fleet, planner) == Done(given_up=1)
    last = (await fleet.shop.events(delivery.id))[-1]
    assert last.status is Status.STALLED
    assert last.note == "3 drivers were asked: 2 refused, 1 did not answer"
    made = (await explain(fleet.platform, fleet.id, delivery.id)).decisions
    assert [one.outcome for one in made] == [Outcome.GIVEN_UP, *[Outcome.OFFERED] * 3]
    assert [one["state"] for one in made[0].facts["asked"]] == ["refused", "expired", "refused"]


async def test_after_so_many_drivers_nobody_else_is_asked(fleet: Fleet, planner: Planner) -> None:
    for _ in range(3):
        await fleet.driver()
    rules, delivery = replace(RULES, rounds=1), await ordered(fleet, 0, 900)
    await look(fleet, planner, rules)
    (only,) = await fleet.history(delivery)
    await refuse(fleet.platform, fleet.id, only.driver_id, only.id)
    assert (await look(fleet, planner, rules)).given_up == 1
    assert len(await fleet.history(delivery)) == 1


async def test_what_is_on_board_stays_and_its_drop_off_takes_its_place_in_the_new_order(
    fleet: Fleet, planner: Planner
) -> None:
    driver = await fleet.driver()
    await is_at(fleet, driver, 0)
    on_board = await fleet.accepted(driver, await ordered(fleet, 0, 6_000))
    await pick_up(fleet.platform, fleet.id, driver.id, on_board.id)
    further = [await ordered(fleet, 6_100, 9_000), await ordered(fleet, 6_200, 8_000)]
    assert (await look(fleet, planner)).offered == 2
    for delivery in further:
        (offer,) = await fleet.history(delivery)
        await accept(fleet.platform, fleet.id, driver.id, offer.id)
    await look(fleet, planner)
    order = [id for id, _ in await fleet.tour(driver)]
    assert order[0] == on_board.id
    assert order[1:] == [further[0].id, further[1].id, further[1].id, further[0].id]
    async with fleet.platform.pool.acquire() as connection:
        planned = await tours.of_driver(connection, fleet.id, driver.id)
    times = [stop.planned_at for stop in planned]
    assert None not in times
    assert times == sorted(time for time in times if time)


async def test_who_vanishes_loses_what_was_not_fetched_and_the_board_is_told_of_the_rest(
    fleet: Fleet, planner: Planner
) -> None:
    gone, other = await fleet.driver(), await fleet.driver()
    await is_at(fleet, gone, 0)
    on_board = await fleet.accepted(gone, await ordered(fleet, 0, 6_000))
    await pick_up(fleet.platform, fleet.id, gone.id, on_board.id)
    fetched_later = await fleet.accepted(gone, await ordered(fleet, 100, 900))
    await silent(fleet, gone, RULES.vanish_minutes - 1)
    assert (await look(fleet, planner)).taken_back == 0
    await silent(fleet, gone, 2)
    for _ in range(2):
        await look(fleet, planner)
    assert await asked(fleet, fetched_later) == [gone.id, other.id]
    note = (await fleet.shop.events(fetched_later.id))[-1].note
    assert note == f"nothing was heard of the driver for {RULES.vanish_minutes + 1} minutes"
    told = (await explain(fleet.platform, fleet.id, on_board.id)).decisions
    assert [(one.outcome, one.driver_id) for one in told] == [(Outcome.LOST_SIGHT, gone.id)]
    (mine,) = await fleet.history(on_board)
    assert mine.state is STATE.ACCEPTED


async def test_a_driver_who_has_as_much_as_one_may_is_offered_nothing_more(
    fleet: Fleet, planner: Planner
) -> None:
    driver = await fleet.driver()
    await is_at(fleet, driver, 0)
    rules = replace(RULES, most_each=1)
    first, second = await ordered(fleet, 0, 900), await ordered(fleet, 0, 900)
    assert (await look(fleet, planner, rules)).offered == 1
    assert (await look(fleet, planner, rules)).offered == 0
    waiting = second if await fleet.history(first) else first
    (why,) = (await explain(fleet.platform, fleet.id, waiting.id)).decisions
    assert why.outcome is Outcome.NOBODY
    assert why.facts["why"] == Reason.BUSY
    async with Planner(executable="/bin/false") as broken:  # a plan would change nothing
        third = await ordered(fleet, 0, 900)
        assert (await look(fleet, broken, rules)).offered == 0
    (why,) = (await explain(fleet.platform, fleet.id, third.id)).decisions
    assert why.facts == {"why": Reason.BUSY, "waiting": 2}


async def test_without_drivers_or_a_place_a_delivery_waits_with_the_reason(
    fleet: Fleet, planner: Planner
) -> None:
    placed = await ordered(fleet, 0, 900)
    nowhere = await fleet.delivery(dropoff=replace(VIANA, city=None, province=None))
    assert await look(fleet, planner) == Done()
    for delivery, reason in ((placed, Reason.NO_DRIVER), (nowhere, Reason.NO_PLACE)):
        (why,) = (await explain(fleet.platform, fleet.id, delivery.id)).decisions
        assert (why.outcome, why.facts["why"]) == (Outcome.NOBODY, reason)
        assert (await fleet.shop.delivery(delivery.id)).status is Status.PENDING


async def test_without_a_solver_the_nearest_driver_is_asked_and_it_is_said(fleet: Fleet) -> None:
    driver = await fleet.driver()
    await is_at(fleet, driver, 0)
    delivery = await ordered(fleet, 300, 900)
    async with Planner(executable="/bin/false") as broken:
        assert await look(fleet, broken) == Done(offered=1)
    assert await asked(fleet, delivery) == [driver.id]
    (why,) = (await explain(fleet.platform, fleet.id, delivery.id)).decisions
    assert (why.facts["engine"], why.facts["no_solver"]) == ("nearest", "not_started")


async def test_a_claim_that_somebody_else_has_taken_over_makes_no_offer(
    fleet: Fleet, planner: Planner
) -> None:
    await fleet.driver()
    delivery = await ordered(fleet, 0, 900)
    old = await turn(fleet)
    await turn(fleet)
    assert await automatic.dispatch(fleet.platform, planner, CrowTimes(), old) == Done()
    assert await fleet.history(delivery) == []


async def test_two_workers_do_not_look_at_a_company_at_once(fleet: Fleet) -> None:
    await turn(fleet)
    async with fleet.platform.pool.acquire() as connection:
        others = await dispatching.claim(connection, 100, HOLDER)
    assert fleet.id not in {one.company_id for one in others}


async def test_the_loop_looks_at_a_company_and_gives_its_turn_back(
    fleet: Fleet, planner: Planner
) -> None:
    await fleet.driver()
    delivery = await ordered(fleet, 0, 900)
    await set_dispatching_rules(fleet.platform, fleet.id, RULES)
    await automatic.loop(fleet.platform, planner, CrowTimes()).once()
    assert len(await fleet.history(delivery)) == 1
    mine = {"company_id": fleet.id}
    assert await tables.value(fleet.platform.pool, "dispatching", "leased_until", mine) is None
    assert await tables.value(fleet.platform.pool, "dispatching", "due_at", mine) is not None


async def test_rules_have_bounds_and_are_of_companies_with_drivers(fleet: Fleet) -> None:
    assert await dispatching_rules(fleet.platform, fleet.id) == DispatchingRules()
    await set_dispatching_rules(fleet.platform, fleet.id, RULES)
    assert await dispatching_rules(fleet.platform, fleet.id) == RULES
    for wrong in ({"offer_seconds": 14}, {"rounds": 0}, {"most_each": 51}, {"vanish_minutes": 2}):
        with pytest.raises(ValueError, match="has to be from"):
            replace(RULES, **wrong)
    of_others = await fleet.shop.company(
        f"r-{fleet.id.hex[-8:]}", tariffs=[], connector=Connector.REMOTE
    )
    with pytest.raises(NoDriversHere):
        await set_dispatching_rules(fleet.platform, of_others.id, RULES)


async def test_with_rules_turned_off_nothing_is_offered(fleet: Fleet, planner: Planner) -> None:
    await fleet.driver()
    delivery = await ordered(fleet, 0, 900)
    claimed = await turn(fleet)
    await set_dispatching_rules(fleet.platform, fleet.id, DispatchingRules())
    assert await automatic.dispatch(fleet.platform, planner, CrowTimes(), claimed) == Done()
    assert await fleet.history(delivery) == []


async def test_who_may_not_be_given_a_delivery_holds_it_up_for_nobody_else(
    fleet: Fleet, planner: Planner
) -> None:
    near_one, far_one = await fleet.driver(grams=5_000), await fleet.driver()
    await is_at(fleet, near_one, 0)
    await is_at(fleet, far_one, 3_000)
    await fleet.accepted(near_one, await fleet.delivery(4_500, pickup=near(LUANDA, 0)))
    delivery = await fleet.delivery(4_500, pickup=near(LUANDA, 100), dropoff=near(VIANA, 900))
    denials, now = Denials(lambda: 0.0), CrowTimes()
    for _ in range(2):
        claimed = await turn(fleet)
        await automatic.dispatch(fleet.platform, planner, now, claimed, denials)
    assert await asked(fleet, delivery) == [far_one.id]


def test_what_was_denied_is_forgotten_after_a_minute() -> None:
    now, delivery, driver = 0.0, new_id(), new_id()
    denials = Denials(lambda: now)
    denials.note(delivery, driver, NotOnShift(driver))
    assert denials.of(delivery, driver) == "not_on_shift"
    assert denials.of(driver, delivery) is None
    now = 60.0
    assert denials.of(delivery, driver) is None
