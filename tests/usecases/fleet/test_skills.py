"""Skills that a delivery demands: who is asked, who is given it by hand, and who keeps it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import AfterAttempts, AttemptReason
from estafette.core.deliveries.schedule import Schedule
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.dispatching import Decision, Outcome, Reason
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import SkillsLacking
from estafette.core.quotes.place import CityIndex
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.store.fleet import planned_drivers
from estafette.store.fleet.planned_drivers import PlannedDriver
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.automatic import Done
from estafette.usecases.fleet.bulk import Wanted, assign_all
from estafette.usecases.fleet.drivers import change_driver
from estafette.usecases.fleet.explanations import explain
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.problems import Places, draft
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.sight import key_of
from estafette.usecases.fleet.sight import look as see
from estafette.usecases.fleet.steps import pick_up
from tests.usecases.angola import CITIES, LUANDA, VIANA
from tests.usecases.fleet.conftest import MINUTE, Fleet
from tests.usecases.fleet.test_automatic import RULES, asked, is_at, look, near, silent
from tests.usecases.fleet.test_batches import plan
from tests.usecases.fleet.test_failed_attempts import at_the_door, with_policy

COLD = ("cold box", "Age check")
HAS = ("COLD  Box", "age check", "fragile")


async def ordered(fleet: Fleet, *skills: str, **changes: Any) -> Delivery:
    pickup, dropoff = near(LUANDA, 0), near(VIANA, 900)
    return await fleet.delivery(pickup=pickup, dropoff=dropoff, skills=skills, **changes)


async def drivers(fleet: Fleet, *, on_shift: bool = True) -> tuple[Driver, Driver]:
    """One who is near and lacks a skill, and one who is far and has all."""
    lacks = await fleet.driver(skills=HAS[:1])
    has = await fleet.driver(skills=HAS, on_shift=on_shift)
    await is_at(fleet, lacks, 0)
    await is_at(fleet, has, 4_000)
    return lacks, has


async def latest(fleet: Fleet, delivery: Delivery) -> Decision:
    return (await explain(fleet.platform, fleet.id, delivery.id)).decisions[0]


def not_asked(why: Decision) -> list[tuple[UUID, str]]:
    return [(UUID(one["driver"]), one["why"]) for one in why.facts["others"]]


@pytest.mark.parametrize("solver", [True, False], ids=["solver", "no solver"])
async def test_a_delivery_waits_for_a_driver_who_has_every_skill_and_is_offered_to_nobody_else(
    fleet: Fleet, planner: Planner, solver: bool
) -> None:
    lacks, has = await drivers(fleet, on_shift=False)
    async with Planner(executable="/bin/false") as broken:
        by = planner if solver else broken
        delivery = await ordered(fleet, *COLD)
        assert await look(fleet, by) == Done()
        why = await latest(fleet, delivery)
        assert (why.outcome, why.facts["why"]) == (Outcome.NOBODY, Reason.SKILLS)
        assert not_asked(why) == [(lacks.id, Reason.SKILLS)]
        assert (await fleet.shop.delivery(delivery.id)).status is Status.PENDING

        await start_shift(fleet.platform, fleet.id, has.id, "a phone")
        assert await look(fleet, by) == Done(offered=1)
        assert await asked(fleet, delivery) == [has.id]
        why = await latest(fleet, delivery)
        assert (why.outcome, not_asked(why)) == (Outcome.OFFERED, [(lacks.id, Reason.SKILLS)])

        (offered,) = await fleet.history(delivery)
        await refuse(fleet.platform, fleet.id, has.id, offered.id)
        assert await look(fleet, by) == Done(given_up=1), "nobody is left who could"
    assert (await fleet.shop.delivery(delivery.id)).status is Status.STALLED


async def test_where_somebody_has_the_skills_it_waits_for_what_keeps_them(
    fleet: Fleet, planner: Planner
) -> None:
    lacks = await fleet.driver(skills=HAS[:1])
    has = await fleet.driver(skills=HAS, grams=1_000)
    await is_at(fleet, lacks, 0)
    await is_at(fleet, has, 4_000)
    delivery = await ordered(fleet, *COLD)
    assert await look(fleet, planner) == Done()
    why = await latest(fleet, delivery)
    assert why.facts["why"] == Reason.CAPACITY
    assert not_asked(why) == [(lacks.id, Reason.SKILLS), (has.id, Reason.CAPACITY)]


async def test_it_is_offered_anew_to_those_alone_who_have_them_when_its_driver_vanishes(
    fleet: Fleet, planner: Planner
) -> None:
    lacks, gone = await drivers(fleet)
    delivery = await fleet.accepted(gone, await ordered(fleet, *COLD))
    await silent(fleet, gone, RULES.vanish_minutes + 1)
    for _ in range(2):
        await look(fleet, planner)
    assert (await fleet.shop.delivery(delivery.id)).skills == COLD
    assert await asked(fleet, delivery) == [gone.id]
    other = await fleet.driver(skills=HAS)
    await is_at(fleet, other, 9_000)
    await look(fleet, planner)
    assert await asked(fleet, delivery) == [gone.id, other.id]
    assert not_asked(await latest(fleet, delivery)) == [(lacks.id, Reason.SKILLS)]


async def test_more_names_than_a_solver_takes_keep_nobody_from_offers(
    fleet: Fleet, planner: Planner
) -> None:
    names = [f"skill {number}" for number in range(60)]
    lacks = await fleet.driver(skills=names[:19])
    has = [await fleet.driver(skills=names[at : at + 20]) for at in (0, 20, 40)]
    await is_at(fleet, lacks, 0)
    for one in has:
        await is_at(fleet, one, 2_000)
    deliveries = [await ordered(fleet, *names[at : at + 20]) for at in (0, 20, 40)]
    plain = await ordered(fleet)
    assert await look(fleet, planner) == Done(offered=4)
    for delivery, driver in zip(deliveries, has, strict=True):
        assert await asked(fleet, delivery) == [driver.id]
        whys = dict(not_asked(await latest(fleet, delivery)))
        assert whys.pop(lacks.id) == Reason.SKILLS
        assert set(whys.values()) == {Reason.SKILLS}
    assert len(await asked(fleet, plain)) == 1


async def test_a_batch_is_planned_for_those_who_have_the_skills(fleet: Fleet) -> None:
    lacks, has = await drivers(fleet)
    schedule = Schedule(datetime.now(UTC) + timedelta(hours=2))
    cold = [await ordered(fleet, *COLD, schedule=schedule) for _ in range(2)]
    plain = await ordered(fleet, schedule=schedule)
    planned = await plan(fleet)
    assert [planned[key_of(one)] for one in cold] == [has.id, has.id]
    assert planned[key_of(plain)] in (lacks.id, has.id)


async def test_what_is_planned_for_somebody_who_lost_the_skill_is_held_for_nobody(
    fleet: Fleet,
) -> None:
    lacks, has = await drivers(fleet)
    soon = datetime.now(UTC) + timedelta(minutes=30)
    delivery = await ordered(fleet, *COLD, schedule=Schedule(soon))
    async with fleet.platform.pool.acquire() as connection:
        planned = PlannedDriver(fleet.id, *key_of(delivery), lacks.id, soon)
        await planned_drivers.replace_all(connection, fleet.id, [planned])
        sight = await see(connection, fleet.id, RULES)
    made = draft(sight, sight.working, Places(CityIndex(CITIES)), "Africa/Luanda")
    problem, _ = await made.problem(CrowTimes())
    [job] = problem.jobs
    assert (job.barred, job.skills) == (frozenset(), {"cold box", "age check"})
    by_driver = dict(zip([one.driver.id for one in made.drivers], problem.vehicles, strict=True))
    assert by_driver[has.id].skills == {"cold box", "age check"}, "of three, what is demanded"
    assert by_driver[lacks.id].skills == {"cold box"}


async def test_by_hand_too_it_is_given_to_nobody_who_lacks_a_skill(fleet: Fleet) -> None:
    lacks, has = await drivers(fleet)
    delivery = await ordered(fleet, *COLD)
    refusal = SkillsLacking(lacks.id, ("Age check",))
    of = (fleet.platform, fleet.id, delivery.id)
    with pytest.raises(SkillsLacking, match="lacks what the delivery demands: Age check") as told:
        await assign(*of, lacks.id)
    assert told.value == refusal
    with pytest.raises(SkillsLacking):
        await offer(*of, lacks.id, MINUTE)
    plain = await ordered(fleet)
    wanted = [Wanted(delivery.id, lacks.id), Wanted(plain.id, lacks.id)]
    done = await assign_all(fleet.platform, fleet.id, wanted)
    assert [one.refusal for one in done] == [refusal, None]
    assert await fleet.history(delivery) == []

    assert (await assign(*of, has.id)).state is AssignmentState.ACCEPTED
    await pick_up(fleet.platform, fleet.id, has.id, delivery.id)
    with pytest.raises(SkillsLacking):
        await assign(*of, lacks.id, instead_of=has.id, took_over=True)


async def test_what_a_driver_has_stays_theirs_whatever_skills_they_lose_but_no_offer_does(
    fleet: Fleet, planner: Planner
) -> None:
    await with_policy(fleet, 1, AfterAttempts.RETURN)
    _, has = await drivers(fleet)
    delivery, of = await at_the_door(fleet, has, skills=COLD)
    offered = await fleet.offered(await ordered(fleet, *COLD), has)
    await change_driver(fleet.platform, fleet.id, has.id, skills=())
    with pytest.raises(SkillsLacking):
        await accept(fleet.platform, fleet.id, has.id, offered.id)
    assert (await look(fleet, planner)).taken_back == 0
    (mine,) = await fleet.history(delivery)
    assert mine.state is AssignmentState.ACCEPTED

    await attempt_failed(*of, AttemptReason.NOBODY_THERE)
    failed = await fleet.shop.delivery(delivery.id)
    assert failed.return_id is not None
    back = await fleet.shop.delivery(failed.return_id)
    assert back.skills == COLD, "it is the same parcel"
    (theirs,) = await fleet.history(back)
    assert (theirs.driver_id, theirs.state) == (has.id, AssignmentState.ACCEPTED)
