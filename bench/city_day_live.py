"""A city's day through the real database: fewer kilometres, nothing stuck, everything right.

The day of `city_day_km`, with drivers who vanish and cash to collect, through Estafette itself
(`bench/live_day.py`): orders are created, the loop's own round dispatches, drivers answer and tap.
Then the same day with the nearest driver, who is offered each delivery by the same verb. The figure
is ours to theirs in kilometres a delivery; it fails where less is on time, where anything is stuck,
or where the tables say anything that cannot be.
"""

from datetime import timedelta

import asyncpg

from bench.city_day_km import nearest
from bench.day import Result
from bench.live_day import Decide, LiveDay, open_firm
from bench.live_day_sql import wrong
from bench.plan import Plan as BenchPlan
from bench.plan import say
from bench.report import Figure
from bench.stage import Stage
from estafette.app import open_platform
from estafette.core.errors import Refusal
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.refusals import FleetRefusal
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.settings import Settings
from estafette.store.fleet import dispatching
from estafette.usecases.fleet.automatic import dispatch
from estafette.usecases.fleet.denials import Denials
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.said import Said
from estafette.usecases.fleet.sight import look
from estafette.usecases.fleet.vanished import release_what_vanished

NAME = "city_day_live_km"
REACH = 0.85

_RULES = DispatchingRules(automatic=True)
_LEASE = timedelta(minutes=2)
_SEED = 0


async def measure(stage: Stage, plan: BenchPlan) -> Figure:
    """Kilometres a delivery, ours to those of the nearest driver."""
    deliveries, drivers = plan.live_day
    say(f"  {NAME}: {deliveries} deliveries, {drivers} drivers")
    async with Planner() as planner:
        ours, broken = await _day(stage, "planned", plan.live_day, by_estafette(planner))
    theirs, also = await _day(stage, "nearest", plan.live_day, by_nearest)
    problems = broken + also
    if ours.on_time < theirs.on_time:
        problems.append(f"less is on time than with the nearest driver: {ours.on_time:.1%}")
    return Figure(
        NAME,
        None if problems else round(ours.km_each / theirs.km_each, 3),
        REACH,
        "times",
        detail={"day": [ours.__dict__, theirs.__dict__], "of": [deliveries, drivers]},
        shown=f"{ours.row()}; nearest driver: {theirs.row()}",
        missing="; ".join(problems) or None,
    )


async def _day(
    stage: Stage, name: str, of: tuple[int, int], decide: Decide
) -> tuple[Result, list[str]]:
    deliveries, drivers = of
    settings = Settings(
        database_url=stage.dsn, secret_key=stage.environment["ESTAFETTE_SECRET_KEY"]
    )
    connection = await asyncpg.connect(stage.dsn, command_timeout=60)
    try:
        async with open_platform(settings) as platform:
            name = f"day-{name}-{stage.new_run()}"
            firm = await open_firm(platform, connection, name, drivers, _RULES)
            day = LiveDay(firm, _SEED, deliveries, _RULES)
            result = await day.live(decide)
            say(f"  {name}: {result.row()}; {day.released} times something had stalled")
            return result, await wrong(connection, firm.company.id)
    finally:
        await stage.empty_outbox()
        await connection.close()


def by_estafette(planner: Planner) -> Decide:
    """The round of a worker's own loop."""
    denials = Denials()

    async def decide(day: LiveDay) -> None:
        platform = day.firm.platform
        async with platform.pool.acquire() as connection:
            turns = await dispatching.claim(connection, 1, _LEASE)
        for turn in turns:
            await dispatch(platform, planner, CrowTimes(), turn, denials)
            async with platform.pool.acquire() as connection:
                await dispatching.give_back(connection, turn, _LEASE)

    return decide


async def by_nearest(day: LiveDay) -> None:
    """The nearest driver who may have one more, without a plan."""
    platform, company = day.firm.platform, day.firm.company.id
    async with platform.pool.acquire() as connection:
        sight = await look(connection, company, day.rules)
        await release_what_vanished(platform, sight, Said())
    for n, number in (await nearest(day, day.sight())).offers:
        driver = day.firm.phones[number].driver
        try:
            await offer(platform, company, day.ids[n], driver.id, day.rules.offer_length)
        except (FleetRefusal, Refusal):
            continue
