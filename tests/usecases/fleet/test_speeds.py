"""How fast drivers are is learned from what they have done, and planned with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.ids import new_id
from estafette.core.quotes.place import CityIndex
from estafette.core.retention import Retention
from estafette.routing.speeds import metres_per_second
from estafette.routing.travel_times import CrowTimes
from estafette.routing.ways import DETOUR, Point
from estafette.store.fleet import assignments, dispatching, ends, learned_speeds, position_history
from estafette.usecases.fleet.learn_speeds import learn_speeds
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.sight import look
from estafette.usecases.fleet.speeds import Speeds, known_speeds
from tests.rows import tables
from tests.usecases.angola import CITIES, LUANDA, VIANA
from tests.usecases.fleet.conftest import Fleet

NORTH, EAST, METRES = -8.84, 13.23, 3_000.0
USUAL = timedelta(seconds=METRES * DETOUR / metres_per_second("motorcycle", 12))
AT_PICKUP, AT_DROPOFF = timedelta(minutes=3), timedelta(minutes=4)
ROUNDS, DAYS = 5, 4
SLOWER = 1.5


async def carried(fleet: Fleet, driver: Driver, late: timedelta = timedelta()) -> list[Position]:
    """What a driver has carried to and fro for some days, half as slow again as is usual.

    Each tap of a handing-over was `late`; returns where the driver was when there.
    """
    way = USUAL * SLOWER
    pickup = replace(LUANDA, latitude=NORTH, longitude=EAST)
    dropoff = replace(VIANA, latitude=NORTH + METRES / 111_195, longitude=EAST)
    delivery = await fleet.delivery(pickup=pickup, dropoff=dropoff)
    given: list[Assignment] = []
    there: list[Position] = []
    for day in range(1, DAYS + 1):
        at = datetime.now(UTC).replace(hour=9, minute=30) - timedelta(days=day)
        for _ in range(ROUNDS):
            picked_up = at + AT_PICKUP
            arrived = picked_up + way
            done = arrived + AT_DROPOFF + late
            given.append(_done(fleet, driver, delivery, len(given) + 1, at, picked_up, done))
            there.append(
                Position(fleet.id, driver.id, arrived, arrived, *_at(delivery), PositionSource.PAGE)
            )
            at = done + way
    async with fleet.platform.pool.acquire() as connection:
        await assignments.insert_many(connection, given)
    return there


def _at(delivery: Delivery) -> tuple[float, float]:
    return delivery.dropoff.latitude or 0.0, delivery.dropoff.longitude or 0.0


def _done(
    fleet: Fleet,
    driver: Driver,
    delivery: Delivery,
    number: int,
    arrived_at: datetime,
    picked_up_at: datetime,
    ended_at: datetime,
) -> Assignment:
    early = arrived_at - timedelta(hours=12)
    return Assignment(
        *(fleet.id, new_id(), delivery.scope, delivery.id, number, driver.id),
        state=AssignmentState.DONE,
        grams=1,
        by=By.process("test"),
        created_at=early,
        accepted_at=early,
        arrived_at=arrived_at,
        picked_up_at=picked_up_at,
        ended_at=ended_at,
    )


async def ratios(fleet: Fleet) -> Sequence[tuple[str, str, str, float]]:
    learned = await learn_speeds(fleet.platform, fleet.id)
    return [(one.city, one.vehicle, one.hours, one.ratio) for one in learned]


async def test_ways_are_planned_at_the_speed_at_which_drivers_have_made_them(fleet: Fleet) -> None:
    for _ in range(2):
        await carried(fleet, await fleet.driver())
    assert await known_speeds(fleet.platform, fleet.company) == []
    ((city, vehicle, hours, ratio),) = await ratios(fleet)
    assert (city, vehicle, hours) == ("luanda", "motorcycle", "day")
    assert 1.3 < ratio < SLOWER  # drawn towards what is usual
    (known,) = await known_speeds(fleet.platform, fleet.company)
    assert (known.city, known.legs) == ("Luanda", 2 * DAYS * (2 * ROUNDS - 1))
    assert (round(known.usual_kmh), known.kmh) == (24, known.usual_kmh / ratio)
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    async with fleet.platform.pool.acquire() as connection:
        sight = await look(connection, fleet.id, DispatchingRules(automatic=True))
    planned: list[float] = []
    for one in (sight, replace(sight, speeds=())):
        made = draft(replace(one, at=noon), one.working, Places(CityIndex(CITIES)), "UTC")
        problem, _ = await made.problem(CrowTimes())
        planned.append(problem.vehicles[0].speed)
    assert planned[0] == planned[1] / ratio
    speeds, usual = Speeds(12, sight.speeds), metres_per_second("motorcycle", 12)
    assert speeds.of("motorcycle", Point(NORTH, EAST)) == usual / ratio
    assert speeds.of("motorcycle", Point(-12.58, 13.41)) == usual  # in Benguela nothing is known
    assert speeds.of("car", Point(NORTH, EAST)) == metres_per_second("car", 12)
    assert Speeds(8, sight.speeds).of("motorcycle", Point(NORTH, EAST)) < usual


async def test_a_driver_who_taps_an_hour_later_is_as_fast_as_positions_say(fleet: Fleet) -> None:
    there: list[Position] = []
    for _ in range(3):
        there += await carried(fleet, await fleet.driver(), late=timedelta(hours=1))
    ((*_, untold),) = await ratios(fleet)
    (known,) = await known_speeds(fleet.platform, fleet.company)
    async with fleet.platform.pool.acquire() as connection:
        await position_history.keep(connection, (), there)
    ((*_, ratio),) = await ratios(fleet)
    assert 1.3 < ratio < SLOWER
    assert 1.2 < untold < ratio  # by the ways to the pickups alone, which are told in time
    (surer,) = await known_speeds(fleet.platform, fleet.company)
    assert surer.legs > 1.5 * known.legs


async def test_a_company_is_looked_at_once_in_a_while_and_speeds_have_an_end(fleet: Fleet) -> None:
    pool, mine = fleet.platform.pool, {"company_id": fleet.id}
    every = timedelta(hours=6)
    async with pool.acquire() as connection:
        await dispatching.save(connection, fleet.id, DispatchingRules(automatic=True))
        claimed = [await dispatching.claim_learning(connection, every) for _ in range(200)]
        assert claimed.count(fleet.id) == 1
        await tables.shift(pool, "dispatching", mine, learned_at=-every)
        assert await dispatching.claim_learning(connection, every) == fleet.id
    for _ in range(2):
        await carried(fleet, await fleet.driver())
    await learn_speeds(fleet.platform, fleet.id)
    assert await tables.count(pool, "learned_speeds", mine) == 1
    await tables.shift(pool, "learned_speeds", mine, learned_at=timedelta(days=-36))
    async with pool.acquire() as connection:
        await ends.forget(connection, Retention())
        assert await learned_speeds.of_company(connection, fleet.id) == []
