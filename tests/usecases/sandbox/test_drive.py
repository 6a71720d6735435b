"""Simulated drivers are seen on their way, and the demo's city lives for a while."""

from datetime import timedelta

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.position import Position, PositionSource
from estafette.store.fleet import assignments, positions, tours
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.sandbox.city import (
    AT_FIRST,
    MOST_UNDER_WAY,
    REST_SECONDS,
    UNTIL_SECONDS,
)
from estafette.usecases.sandbox.drive import BUSY_SECONDS, NOBODY_SECONDS, QUIET_SECONDS, Drivers
from estafette.usecases.seed import prepare_demo
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.sandbox.conftest import STEP, Demo
from tests.usecases.stage import new_tenant, platform_over

ENDED = {Status.DELIVERED, Status.FAILED, Status.STALLED}
"""Where the city's deliveries come to, the one included that everybody refuses."""


async def test_a_city_is_prepared_once_and_live_mode_has_nothing_of_it(fresh_database: str) -> None:
    plain = await prepare_demo(fresh_database, [CIPHER_KEY], {})
    assert plain.people.keys() == {"office", "kaspi", "entrega"}
    async with platform_over(fresh_database) as platform:
        assert await tables.count(platform.pool, "drivers") == 0
        first = await prepare_demo(fresh_database, [CIPHER_KEY], {}, city=True)
        assert first.people.keys() - plain.people.keys() == {"kaspi_board", "entrega_board"}
        counted = ("accounts", "companies", "drivers", "shifts", "positions")
        before = {table: await tables.count(platform.pool, table) for table in counted}
        await prepare_demo(fresh_database, [CIPHER_KEY], {}, city=True)
        assert {table: await tables.count(platform.pool, table) for table in counted} == before
        assert before["drivers"] == before["shifts"] == before["positions"] == 2 * 7 + 3 * 3
        assert await tables.count(platform.pool, "drivers", {"mode": "live"}) == 0
        city = await find_account(platform, "kaspi-city")
        assert await tables.count(platform.pool, "api_keys", {"account_id": city.id}) == 0


async def test_a_city_has_few_deliveries_at_a_time_in_both_markets_and_comes_to_an_end(
    demo: Demo,
) -> None:
    other = await find_account(demo.platform, "kaspi-city")
    await demo.city.round()
    assert len(await demo.statuses()) == AT_FIRST
    assert await demo.count("deliveries", account_id=other.id) == AT_FIRST
    for _ in range(2 * MOST_UNDER_WAY):
        await demo.city.round()
    assert len(await demo.statuses()) == MOST_UNDER_WAY
    assert await demo.count("deliveries") == 2 * MOST_UNDER_WAY  # no developer's account has any
    for _ in range(14):
        await demo.make_step()
    assert set(await demo.statuses()) == {Status.DELIVERED, Status.STALLED}
    assert await demo.count("deliveries", account_id=demo.account.id, status="stalled") == 1
    demo.now = UNTIL_SECONDS + 1
    assert await demo.city.round() == REST_SECONDS
    assert len(await demo.statuses()) == MOST_UNDER_WAY


async def test_drivers_carry_what_is_assigned_and_ride_to_its_stops(demo: Demo) -> None:
    drivers, pool, company = Drivers(demo.platform), demo.platform.pool, await demo.company()
    assert await drivers.round() == QUIET_SECONDS
    await demo.city.round()
    await drivers.round()
    assert await demo.count("assignments") == 0  # nothing is assigned yet
    await demo.make_step()
    assert await drivers.round() == BUSY_SECONDS
    carried = AT_FIRST - 1  # one is refused by everybody
    assert await demo.count("assignments", company_id=company, state="accepted") == carried
    given = await tables.values(pool, "assignments", "driver_id", {"company_id": company})
    assert len(set(given)) == carried  # each has a driver of its own, since there are enough
    async with pool.acquire() as connection:
        before = await positions.of_drivers(connection, company, given)
        stops = await tours.of_drivers(connection, company, given)
    assert len(stops) == 2 * carried
    for _ in range(3):
        ago = {"company_id": company}
        await tables.change(pool, "positions", ago, at=timedelta(seconds=-4))
        await drivers.round()
    async with pool.acquire() as connection:
        after = await positions.of_drivers(connection, company, given)
    moved = [one for one in given if _place(before[one]) != _place(after[one])]
    assert moved
    assert {after[one].source for one in moved} == {PositionSource.SIMULATED}
    while not set(await demo.statuses()) <= ENDED:
        await demo.make_step()
        await drivers.round()
    states = await tables.values(pool, "assignments", "state", {"company_id": company})
    assert states.count("done") == carried
    assert set(states) == {"done", "released"}  # one courier gives back
    assert await demo.count("tour_stops", company_id=company) == 0


def _place(position: Position) -> tuple[float, float]:
    return position.latitude, position.longitude


async def test_what_a_driver_gives_back_goes_to_another_one(demo: Demo) -> None:
    drivers, pool, company = Drivers(demo.platform), demo.platform.pool, await demo.company()
    await demo.city.round()
    where = {"account_id": demo.account.id, "scenario": "courier_gives_back"}
    [id] = await tables.values(pool, "deliveries", "id", where)
    for _ in range(3):
        await demo.make_step()
        await drivers.round()
    async with pool.acquire() as connection:
        had = await assignments.of_delivery(connection, company, demo.account.id, id)
    assert [one.state for one in had] == ["released", "accepted"]
    assert had[0].driver_id != had[1].driver_id
    assert "gave the delivery back" in (had[0].reason or "")


async def test_nobody_drives_where_no_driver_is_simulated(fresh_database: str) -> None:
    async with platform_over(fresh_database, step=STEP) as platform:
        tenant = await new_tenant(platform)
        await tenant.create()
        assert await Drivers(platform).round() == NOBODY_SECONDS
        assert await tables.count(platform.pool, "positions") == 0


async def test_a_full_fleet_leaves_a_delivery_without_a_driver_and_it_arrives(demo: Demo) -> None:
    pool, company = demo.platform.pool, await demo.company()
    await tables.change(pool, "drivers", {"company_id": company}, capacity_grams=1)
    await demo.city.round()
    drivers = Drivers(demo.platform)
    while not set(await demo.statuses()) <= ENDED:
        await demo.make_step()
        await drivers.round()
    assert await demo.count("assignments", company_id=company) == 0
    assert await demo.count("deliveries", mode=Mode.LIVE) == 0
