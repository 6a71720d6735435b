"""Plan the scheduled deliveries of the coming hours together, better than a round has time for.

It happens beside the rounds, in a process of its own that is there no longer than it takes. What
comes of it is for whom each delivery is planned: the rounds offer it to that driver first.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.core.fleet.dispatching import (
    LEAST_PLANNED,
    MOST_PLANNED,
    PLANNED_AHEAD,
    PLANNED_EVERY,
)
from estafette.logs import Logger
from estafette.loops import Loop, Pace, report
from estafette.routing.plan import Action, Plan
from estafette.routing.planner import NoPlanError, Planner
from estafette.routing.problem import Problem
from estafette.routing.travel_times import TravelTimes
from estafette.store.couriers import companies
from estafette.store.fleet import dispatching, planned_drivers, waiting
from estafette.store.fleet.dispatching import Batch
from estafette.store.fleet.planned_drivers import PlannedDriver
from estafette.store.pool import now
from estafette.usecases.fleet.problems import Draft, Places, draft
from estafette.usecases.fleet.sight import Key, key_of, look_around
from estafette.usecases.platform import Platform

_REST_SECONDS: Final = 60.0
_PACE: Final = Pace(longest=_REST_SECONDS)
_SECONDS, _KEPT_SECONDS = 20.0, 3.0
"""For how long the solvers search, and for how long they look what the plan so far comes to."""

_EFFORT: Final = 2

_log = Logger()


def loop(platform: Platform, times: TravelTimes) -> Loop:
    """Returns the loop that plans batches. Any number of processes may run it."""

    async def one_round(_: asyncio.Event) -> float:
        async with platform.pool.acquire() as connection:
            batch = await dispatching.claim_batch(connection, PLANNED_EVERY)
        if batch is None:
            return _REST_SECONDS
        try:
            await plan_batch(platform, times, batch)
        except NoPlanError as error:
            _log.warning("no plan of a batch", reason=error.reason, error=str(error))
        except Exception as error:  # one company's: the others have theirs
            report("planned batches", error, company=str(batch.company_id))
        return 0

    return Loop("planned batches", one_round, _PACE)


async def plan_batch(
    platform: Platform, times: TravelTimes, batch: Batch, seconds: float = _SECONDS
) -> Mapping[Key, UUID]:
    """Plans what a company is to fetch in the coming hours; returns for whom each is planned.

    A new plan is taken where it leaves fewer deliveries, or as many and is quicker, than the one
    before with what has come since. Raises NoPlanError; the plan before holds on then.
    """
    async with platform.pool.acquire() as connection:
        company = await companies.find(connection, batch.company_id)
        at = await now(connection)
        of = (connection, batch.company_id)
        waits = await waiting.scheduled(*of, at, at + PLANNED_AHEAD, MOST_PLANNED)
        if company is None or len(waits) < LEAST_PLANNED:
            await planned_drivers.replace_all(*of, [])
            return {}
        sight = await look_around(*of, Mode.LIVE, batch.rules, waits, at)
        before = await planned_drivers.of_company(*of)
    present = [one for one in sight.working if not one.has_vanished(batch.rules, at)]
    if times.along_streets:
        sight = replace(sight, speeds=())
    places = Places((await platform.catalog.prices(company.market)).cities)
    made = draft(sight, present, places, company.time_zone, later=True)
    problem, _ = await made.problem(times)
    plan = await _best(problem, _kept(made, problem, before), seconds)
    planned = _planned(company, made, plan)
    async with platform.pool.acquire() as connection:
        await planned_drivers.replace_all(connection, company.id, planned)
    return {(one.account_id, one.delivery_id): one.driver_id for one in planned}


async def _best(problem: Problem, kept: Problem | None, seconds: float) -> Plan:
    async with Planner() as planner:
        plan = await planner.plan(problem, seconds=seconds, effort=_EFFORT, improve=True)
        if kept is None:
            return plan
        before = await planner.plan(kept, seconds=_KEPT_SECONDS)
    return plan if _cost(problem, plan) < _cost(problem, before) else before


def _cost(problem: Problem, plan: Plan) -> tuple[int, int]:
    left = sum(1 + problem.jobs[job].priority for job in plan.unassigned)
    return left, sum(tour.seconds for tour in plan.tours)


def _kept(made: Draft, problem: Problem, before: Mapping[Key, UUID]) -> Problem | None:
    """The problem in which each delivery is for whom it was planned; None: for nobody here."""
    vehicles = {one.driver.id: number for number, one in enumerate(made.drivers)}
    jobs, known = list(problem.jobs), 0
    for number, delivery in enumerate(made.deliveries):
        vehicle = vehicles.get(before.get(key_of(delivery), delivery.id))
        if vehicle is not None and vehicle not in jobs[number].barred:
            others = frozenset(range(len(made.drivers))) - {vehicle}
            jobs[number] = replace(jobs[number], barred=others)
            known += 1
    return replace(problem, jobs=tuple(jobs)) if known else None


def _planned(company: Company, made: Draft, plan: Plan) -> list[PlannedDriver]:
    return [
        PlannedDriver(
            company.id,
            *key_of(made.deliveries[visit.job]),
            made.drivers[tour.vehicle].driver.id,
            made.sight.at + timedelta(seconds=visit.arrival),
        )
        for tour in plan.tours
        for visit in tour.visits
        if visit.action is Action.PICKUP
    ]
