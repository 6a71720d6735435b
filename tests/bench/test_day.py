"""A city's day is the same for every dispatcher, and nothing of it is lost."""

from bench.city_day_km import nearest, planned_by
from bench.day import Day, Decisions, Dispatcher, Result
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.routing.planner import Planner
from estafette.usecases.fleet.sight import Sight

RULES = DispatchingRules(automatic=True)


async def day(dispatch: Dispatcher, seed: int = 3) -> Result:
    return await Day(seed, 90, 3, RULES).run(dispatch)


async def test_a_day_ends_with_everything_delivered_and_planning_needs_fewer_kilometres() -> None:
    async with Planner(grace_seconds=60) as planner:
        ours = await day(planned_by(planner))
    theirs = await day(nearest)
    assert (ours.stuck, theirs.stuck) == (0, 0)
    assert ours.km_each < 0.85 * theirs.km_each
    assert ours.on_time >= theirs.on_time
    assert ours.offers_each >= 1


async def test_the_same_seed_is_the_same_day_and_another_one_is_not() -> None:
    first = await day(nearest)
    assert await day(nearest) == first
    assert await day(nearest, seed=4) != first


async def test_what_nobody_is_offered_is_stuck_at_the_end() -> None:
    async def nothing(_: Day, __: Sight) -> Decisions:
        return Decisions()

    found = await day(nothing)
    assert (found.delivered, found.stuck, found.km_each) == (0, 90, 0)
