"""A city's day: how many fewer kilometres a delivery takes than with the nearest driver.

2,000 deliveries and 60 drivers on motorcycles, in compressed time (`bench/day.py`), the same day
for both: Estafette's planning as the dispatching loop does it, and the nearest driver who may have
one more, whose stops are made in the order in which they were accepted. The figure is ours to
theirs in kilometres a delivery, the mean of some seeds; it fails where less is on time, or anything
is stuck.
"""

import statistics
from datetime import timedelta

from bench.day import Day, Decisions, Dispatcher, Offer, Result, number_of
from bench.plan import Plan as BenchPlan
from bench.plan import say
from bench.report import Figure
from bench.stage import Stage
from estafette.core.fleet.dispatching import DispatchingRules, OpenJob, to_offer
from estafette.core.fleet.tour import StopKind
from estafette.core.quotes.place import CityIndex
from estafette.routing.plan import Action
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.routing.ways import great_circle
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.sight import Sight, key_of

NAME = "city_day_km"
REACH = 0.85

_DELIVERIES, _DRIVERS = 2_000, 60
_RULES = DispatchingRules(automatic=True)
_SECONDS = 4.0


async def measure(stage: Stage, plan: BenchPlan) -> Figure:
    """Kilometres a delivery, ours to those of the nearest driver."""
    planner = Planner()
    pairs: list[tuple[Result, Result]] = []
    try:
        for seed in range(plan.city_days):
            ours = await _day(seed, planned_by(planner))
            theirs = await _day(seed, nearest)
            say(f"  {NAME}, seed {seed}: {ours.row()}\n    nearest driver: {theirs.row()}")
            pairs.append((ours, theirs))
    finally:
        await planner.close()
    ratio = statistics.fmean(ours.km_each / theirs.km_each for ours, theirs in pairs)
    wrong = _wrong(pairs)
    return Figure(
        NAME,
        None if wrong else round(ratio, 3),
        REACH,
        "times",
        detail={"days": [[ours.__dict__, theirs.__dict__] for ours, theirs in pairs]},
        shown=f"{pairs[0][0].row()}; nearest driver: {pairs[0][1].row()}",
        missing=wrong,
    )


def _wrong(pairs: list[tuple[Result, Result]]) -> str | None:
    if any(ours.stuck for ours, _ in pairs):
        return "deliveries are stuck"
    late = [f"{ours.on_time:.1%}" for ours, theirs in pairs if ours.on_time < theirs.on_time]
    return f"less is on time than with the nearest driver: {', '.join(late)}" if late else None


async def _day(seed: int, dispatch: Dispatcher) -> Result:
    return await Day(seed, _DELIVERIES, _DRIVERS, _RULES).run(dispatch)


def planned_by(planner: Planner) -> Dispatcher:
    """Estafette's: the problem, the plan and the policy of the dispatching loop."""
    places = Places(CityIndex([]))

    async def dispatch(day: Day, sight: Sight) -> Decisions:
        made = draft(sight, sight.working, places, "UTC")
        problem, _ = await made.problem(CrowTimes())
        plan = await planner.plan(problem, seconds=_SECONDS)
        free, decided = set(made.jobs_of_nobody()), Decisions()
        for tour in plan.tours:
            working = made.drivers[tour.vehicle]
            planned = [
                OpenJob(visit.job, sight.at + timedelta(seconds=visit.arrival))
                for visit in tour.visits
                if visit.job in free and visit.action is Action.PICKUP
            ]
            for job in to_offer(planned, len(working.open), sight.rules, sight.at):
                number = number_of(key_of(made.deliveries[job]))
                decided.offers.append(Offer(number, tour.vehicle))
            if not day.wheels[tour.vehicle].planned:
                stops = day.wheels[tour.vehicle].stops
                order = [
                    (number_of(key_of(made.deliveries[visit.job])), StopKind(visit.action))
                    for visit in tour.visits
                ]
                known = [stop for stop in order if stop in stops]
                rest = [stop for stop in stops if stop not in known]
                decided.orders[tour.vehicle] = rest + known
        return decided

    return dispatch


async def nearest(day: Day, sight: Sight) -> Decisions:
    """The nearest driver who may have one more, asked in the order of distance."""
    decided = Decisions()
    has = [len(wheel.open) for wheel in day.wheels]
    for delivery in sight.waiting:
        number = number_of(key_of(delivery))
        asked = {one.driver_id for one in sight.asked.get(key_of(delivery), ())}
        place = day.place(number, StopKind.PICKUP)
        able = [
            n
            for n, wheel in enumerate(day.wheels)
            if has[n] < sight.rules.most_each and wheel.driver.id not in asked
        ]
        if able:
            best = min(able, key=lambda n: great_circle(day.where(day.wheels[n]), place))
            has[best] += 1
            decided.offers.append(Offer(number, best))
    return decided
