"""Deliveries created a second while offers go out, against the same with dispatching by hand.

The shop's three in-house companies have drivers on shift, and a worker runs all the time. In turns
their deliveries are offered by themselves and are not; nobody answers, so that each offer ends
after its time and the next driver is asked. Dispatching does nothing when a delivery is created: it
looks at what waits every three seconds, and plans behind whoever answers requests.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from bench import load
from bench.day import anywhere
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.shop import open_shop
from bench.stage import Stage
from estafette.app import open_platform
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Vehicle
from estafette.core.fleet.position import Position, PositionSource
from estafette.settings import Settings
from estafette.store.fleet import positions
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.platform import Platform

NAME = "create_with_offers"
REACH = 0.90

_DRIVERS_EACH = 20
_RULES = DispatchingRules(automatic=True, offer_seconds=15)
_ROUNDS = 3
_SECONDS = 18.0
"""Of each half of a round: longer than an offer, so that each has all that an offer brings."""


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; every delivery that was created is looked for afterwards."""
    shop = await open_shop(stage)
    settings = Settings(
        database_url=stage.dsn, secret_key=stage.environment["ESTAFETTE_SECRET_KEY"]
    )
    pairs: list[Pair] = []
    async with stage.worker(), open_platform(settings) as platform:
        ids = [company.id for company in shop.companies]
        for number, company_id in enumerate(ids):
            await _drivers(platform, company_id, number)
        await shop.create_for(2)
        rounds = min(plan.rounds, _ROUNDS)
        for number in range(1, rounds + 1):
            await _dispatch(platform, ids, automatic=True)
            ours = await shop.create_for(_SECONDS)
            await _dispatch(platform, ids, automatic=False)
            theirs = await shop.create_for(_SECONDS)
            pairs.append(Pair(ours.per_second, theirs.per_second))
            say(
                f"  {NAME}: round {number} of {rounds}: {ours.per_second:,.0f}/s with offers,"
                f" {theirs.per_second:,.0f}/s without, ratio {pairs[-1].ratio:.2f}"
            )
        offers = await stage.connection.fetchval(
            "select count(*) from assignments where company_id = any($1::uuid[])", ids
        )
    detail = {"offers": offers, "drivers": _DRIVERS_EACH * len(ids), "by": load.CONNECTIONS}
    figure = compared(NAME, REACH, pairs, detail)
    return figure if offers else replace(figure, value=None, missing="no offer was made")


async def _drivers(platform: Platform, company_id: UUID, number: int) -> None:
    """Drivers of a company, on shift, all over the city."""
    chance, now = random.Random(number), datetime.now(UTC)
    for one in range(_DRIVERS_EACH):
        driver = await add_driver(
            platform,
            company_id,
            name=f"Driver {one}",
            phone_e164=f"+24492{number}{one:06}",
            vehicle=Vehicle.MOTORCYCLE,
        )
        await start_shift(platform, company_id, driver.id, "bench")
        at = anywhere(chance)
        position = Position(company_id, driver.id, now, now, *at, source=PositionSource.SIMULATED)
        async with platform.pool.acquire() as connection:
            await positions.keep(connection, [position])


async def _dispatch(platform: Platform, ids: list[UUID], *, automatic: bool) -> None:
    for company_id in ids:
        await set_dispatching_rules(platform, company_id, replace(_RULES, automatic=automatic))
