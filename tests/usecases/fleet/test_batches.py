"""Scheduled deliveries are planned together, and offered to whom they are planned for first."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.schedule import Schedule
from estafette.core.fleet.dispatching import HELD_UNTIL, DispatchingRules, Reason
from estafette.core.quotes.place import CityIndex
from estafette.routing.travel_times import CrowTimes
from estafette.store.fleet import dispatching, planned_drivers, waiting
from estafette.store.fleet.dispatching import Batch
from estafette.store.fleet.planned_drivers import PlannedDriver
from estafette.usecases.fleet.batches import plan_batch
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.sight import Key, key_of, look
from tests.usecases.angola import CITIES, LUANDA, VIANA
from tests.usecases.fleet.conftest import Fleet
from tests.usecases.fleet.test_automatic import is_at, near

RULES = DispatchingRules(automatic=True)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def ordered(fleet: Fleet, metres: float, after: timedelta) -> Delivery:
    """A delivery from so far north, to be fetched after some time."""
    schedule = Schedule(datetime.now(UTC) + after)
    pickup, dropoff = near(LUANDA, metres), near(VIANA, metres + 700)
    return await fleet.delivery(pickup=pickup, dropoff=dropoff, schedule=schedule)


async def plan(fleet: Fleet) -> Mapping[Key, UUID]:
    return await plan_batch(fleet.platform, CrowTimes(), Batch(fleet.id, RULES), seconds=0.3)


async def test_a_batch_is_planned_as_a_whole_and_planned_anew_only_for_the_better(
    fleet: Fleet,
) -> None:
    south, north = await fleet.driver(), await fleet.driver()
    await is_at(fleet, south, 0)
    await is_at(fleet, north, 9_000)
    below = [await ordered(fleet, 100 * n, 2 * HOUR) for n in (1, 2)]
    above = [await ordered(fleet, 9_000 + 100 * n, 2 * HOUR) for n in (1, 2)]
    wanted = {
        **{key_of(one): south.id for one in below},
        **{key_of(one): north.id for one in above},
    }
    assert await plan(fleet) == wanted
    assert await plan(fleet) == wanted
    other_way = [
        PlannedDriver(fleet.id, *key, north.id if driver == south.id else south.id, _soon())
        for key, driver in wanted.items()
    ]
    async with fleet.platform.pool.acquire() as connection:
        await planned_drivers.replace_all(connection, fleet.id, other_way)
    assert await plan(fleet) == wanted


def _soon() -> datetime:
    return datetime.now(UTC) + HOUR


async def test_what_is_not_a_batch_any_more_is_planned_for_nobody(fleet: Fleet) -> None:
    driver = await fleet.driver()
    few = [await ordered(fleet, 100, 2 * HOUR) for _ in range(2)]
    later = [await ordered(fleet, 100, 9 * HOUR) for _ in range(3)]
    async with fleet.platform.pool.acquire() as connection:
        old = [PlannedDriver(fleet.id, *key_of(one), driver.id, _soon()) for one in (*few, *later)]
        await planned_drivers.replace_all(connection, fleet.id, old)
        assert await plan(fleet) == {}
        assert await planned_drivers.of_company(connection, fleet.id) == {}


async def test_a_delivery_is_held_for_its_planned_driver_until_its_pickup_is_near(
    fleet: Fleet,
) -> None:
    mine, other = await fleet.driver(), await fleet.driver()
    delivery = await ordered(fleet, 100, 30 * MINUTE)
    async with fleet.platform.pool.acquire() as connection:
        planned = PlannedDriver(fleet.id, *key_of(delivery), mine.id, _soon())
        await planned_drivers.replace_all(connection, fleet.id, [planned])
        sight = await look(connection, fleet.id, RULES)
    places = Places(CityIndex(CITIES))
    made = draft(sight, sight.working, places, "UTC")
    problem, _ = await made.problem(CrowTimes())
    numbers = {one.driver.id: number for number, one in enumerate(made.drivers)}
    assert problem.jobs[0].barred == {numbers[other.id]}
    assert made.barring(other.id, delivery) == Reason.PLANNED
    near_at = delivery.pickup_by - HELD_UNTIL + MINUTE
    away = [one for one in sight.working if one.driver.id != mine.id]
    for at, working in ((near_at, sight.working), (sight.at, away)):
        made = draft(replace(sight, at=at), working, places, "UTC")
        problem, _ = await made.problem(CrowTimes())
        assert problem.jobs[0].barred == frozenset()


async def test_what_is_for_tomorrow_takes_no_place_of_what_waits_now(fleet: Fleet) -> None:
    tomorrow = await ordered(fleet, 100, 20 * HOUR)
    now = await fleet.delivery()
    until = datetime.now(UTC) + HOUR
    async with fleet.platform.pool.acquire() as connection:
        found = await waiting.waiting(connection, fleet.id, until, 1)
        assert [one.id for one in found] == [now.id]
        of = (connection, fleet.id, until)
        assert await waiting.scheduled(*of, until + HOUR, 9) == []
        found = await waiting.scheduled(*of, until + 24 * HOUR, 9)
        assert [one.id for one in found] == [tomorrow.id]


async def test_a_company_is_claimed_for_its_batch_by_one_worker(fleet: Fleet) -> None:
    async with fleet.platform.pool.acquire() as connection:
        await dispatching.save(connection, fleet.id, RULES)
        claimed = [await dispatching.claim_batch(connection, HOUR) for _ in range(200)]
    assert claimed.count(Batch(fleet.id, RULES)) == 1
