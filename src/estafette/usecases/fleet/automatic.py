"""Dispatch by itself: look at a company, plan, offer what is planned, and say why.

One worker looks at a company at a time. A round reads with a few statements, plans in the planner's
process without a transaction, and makes each offer by the verb that dispatchers use.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import Refusal
from estafette.core.fleet.dispatching import (
    Decision,
    OpenJob,
    Outcome,
    Reason,
    to_offer,
)
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.fleet.tour import StopKind
from estafette.logs import Logger
from estafette.loops import Loop, Pace, report
from estafette.routing import nearest
from estafette.routing.obstacles import candidates
from estafette.routing.plan import Action, Plan, Tour
from estafette.routing.planner import NoPlanError, Planner
from estafette.routing.problem import Problem
from estafette.routing.travel_times import TravelTimes
from estafette.store.couriers import companies
from estafette.store.fleet import dispatching
from estafette.store.fleet.dispatching import Turn
from estafette.store.pool import Connection
from estafette.usecases.fleet.answers import explained
from estafette.usecases.fleet.denials import Denials
from estafette.usecases.fleet.give_up import give_up
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.problems import Draft, Places, draft
from estafette.usecases.fleet.reasons import Told
from estafette.usecases.fleet.reorder import PlannedStop, reorder
from estafette.usecases.fleet.said import Said
from estafette.usecases.fleet.sight import Sight, Working, key_of, look
from estafette.usecases.fleet.vanished import release_what_vanished
from estafette.usecases.platform import Platform

_AT_ONCE: Final = 4
_PACE: Final = Pace(longest=2.0, shortest=0.1)
_REST: Final = timedelta(seconds=3)
"""Between two looks at a company: how long a refused delivery waits for the next driver."""

_LEASE: Final = timedelta(seconds=120)
"""Longer than a round with a planner that has to start and then fails."""

_SECONDS: Final = 4.0
"""For how long the solver may search; a decision takes less than one."""

_log = Logger()


class Done(NamedTuple):
    """What a round of a company did: how many offers it made, and how many deliveries gave up."""

    offered: int = 0
    given_up: int = 0
    taken_back: int = 0


def loop(platform: Platform, planner: Planner, times: TravelTimes) -> Loop:
    """Returns the loop that dispatches. Any number of processes may run it."""
    denials, said = Denials(), Said()

    async def one_round(stop: asyncio.Event) -> float:
        async with platform.pool.acquire() as connection:
            due = await dispatching.QUEUE.due_in_seconds(connection)
            if due is None or due > 0:
                return _PACE.until(due)
            turns = await dispatching.claim(connection, _AT_ONCE, _LEASE)
        for turn in turns:
            await _take(platform, planner, times, turn, denials, said)
        return 0 if turns and not stop.is_set() else _PACE.shortest

    return Loop("dispatching", one_round, _PACE)


async def _take(
    platform: Platform,
    planner: Planner,
    times: TravelTimes,
    turn: Turn,
    denials: Denials,
    said: Said,
) -> None:
    try:
        await dispatch(platform, planner, times, turn, denials, said)
    except Exception as error:  # one company's: the others have theirs
        report("dispatching", error, company=str(turn.company_id))
    async with platform.pool.acquire() as connection:
        await dispatching.give_back(connection, turn, _REST)


async def dispatch(
    platform: Platform,
    planner: Planner,
    times: TravelTimes,
    turn: Turn,
    denials: Denials | None = None,
    said: Said | None = None,
) -> Done:
    """Does one round of a company whose turn the caller has claimed.

    `denials` are what rounds before were refused, `said` what they have explained.
    """
    async with platform.pool.acquire() as connection:
        company = await companies.find(connection, turn.company_id)
        if company is None or not company.active:
            return Done()
        sight = await look(connection, turn.company_id, turn.rules)
    said = said or Said()
    present, taken_back = await release_what_vanished(platform, sight, said)
    terms = Terms(
        turn.rules.offer_length,
        lambda connection: dispatching.is_held(connection, turn),
        denials,
        said,
    )
    done = await decide(platform, planner, times, company, sight, present, terms)
    return done._replace(taken_back=taken_back)


@dataclass(frozen=True, slots=True)
class Terms:
    """How what was planned is carried out.

    Attributes:
        offer_length: for how long an offer is open.
        is_ours: whether nobody else decides for the company meanwhile.
        denials: what rounds before were refused.
        said: what they have explained.
        seconds: for how long the solver may search.
        gives_up: whether a delivery stalls that enough drivers were asked about.
    """

    offer_length: timedelta
    is_ours: Callable[[Connection], Awaitable[bool]]
    denials: Denials | None = None
    said: Said = field(default_factory=Said)
    seconds: float = _SECONDS
    gives_up: bool = True


async def decide(
    platform: Platform,
    planner: Planner,
    times: TravelTimes,
    company: Company,
    sight: Sight,
    present: Sequence[Working],
    terms: Terms,
) -> Done:
    """Plans what a company has and what waits, and carries it out by the drivers present."""
    if not sight.waiting and not _unplanned(present):
        return Done()
    if _all_are_full(sight, present):
        await _say_busy(platform, sight, terms.said)
        return Done()
    if times.along_streets:  # what was learned is how far streets differ from the crow's way
        sight = replace(sight, speeds=())
    prices = await platform.catalog.prices(company.market)
    made = draft(sight, present, Places(prices.cities), company.time_zone, terms.denials)
    problem, no_streets = await made.problem(times)
    plan, no_solver = await _plan(planner, problem, terms.seconds)
    async with platform.pool.acquire() as connection:
        if not await terms.is_ours(connection):
            return Done()
    trouble = {"no_solver": no_solver, "no_streets": no_streets}
    return await _Round(platform, company, made, problem, plan, trouble, terms).carry_out()


async def _plan(planner: Planner, problem: Problem, seconds: float) -> tuple[Plan, str | None]:
    """A plan, and why it is not the solver's where it is not."""
    try:
        return await planner.plan(problem, seconds=seconds), None
    except NoPlanError as error:
        _log.warning("no plan from the solver", reason=error.reason, error=str(error))
        return replace(nearest.plan(problem), candidates=candidates(problem)), error.reason


def _all_are_full(sight: Sight, present: Sequence[Working]) -> bool:
    """Whether a plan could change nothing: nobody takes more, all is ordered, nothing gives up."""
    rules = sight.rules
    return (
        bool(present)
        and all(len(one.open) >= rules.most_each for one in present)
        and not _unplanned(present)
        and all(len(asked) < rules.rounds for asked in sight.asked.values())
    )


async def _say_busy(platform: Platform, sight: Sight, said: Said) -> None:
    facts = {"why": Reason.BUSY, "waiting": len(sight.waiting)}
    made = [
        Decision(sight.company_id, *key_of(one), Outcome.NOBODY, sight.at, None, facts)
        for one in sight.waiting
    ]
    await said.write(platform, made)


def _unplanned(working: Sequence[Working]) -> bool:
    """Whether a driver has stops that no plan has a time for."""
    return any(stop.planned_at is None for one in working for stop in one.stops)


class _Round:
    """What a plan makes of a company: offers, stalled deliveries, orders of stops."""

    def __init__(
        self,
        platform: Platform,
        company: Company,
        made: Draft,
        problem: Problem,
        plan: Plan,
        trouble: Mapping[str, str | None],
        terms: Terms,
    ) -> None:
        self._platform = platform
        self._terms = terms
        self._company = company
        self._draft = made
        self._sight: Sight = made.sight
        self._plan = plan
        self._told = Told(made, problem, plan, trouble)
        self._decisions: list[Decision] = []

    async def carry_out(self) -> Done:
        """Makes the offers, and writes down why."""
        given_up = await self._give_up_exhausted()
        offered, later = await self._offer()
        given_up += await self._wait_or_give_up(later)
        for tour in self._plan.tours:
            await self._order(tour)
        await self._terms.said.write(self._platform, self._decisions)
        return Done(offered, given_up)

    async def _offer(self) -> tuple[int, dict[int, int]]:
        """Offers what is planned; returns how many, and what is planned for later, by vehicle."""
        free, offered, later = set(self._draft.jobs_of_nobody()), 0, dict[int, int]()
        for tour in self._plan.tours:
            planned = [
                OpenJob(visit.job, self._sight.at + timedelta(seconds=visit.arrival))
                for visit in tour.visits
                if visit.job in free and visit.action is Action.PICKUP
            ]
            working = self._draft.drivers[tour.vehicle]
            has, rules = len(working.open), self._sight.rules
            now = to_offer(planned, has, rules, self._sight.at)
            later |= {one.job: tour.vehicle for one in planned if one.job not in now}
            for job in now:
                offered += await self._offer_one(job, tour.vehicle)
        return offered, later

    async def _offer_one(self, job: int, vehicle: int) -> int:
        delivery, driver = self._draft.deliveries[job], self._draft.drivers[vehicle].driver
        facts = self._told.offered(job, vehicle)
        try:
            await offer(
                self._platform,
                self._company.id,
                delivery.id,
                driver.id,
                self._terms.offer_length,
                explained(facts),
            )
        except FleetRefusal as refusal:  # by a rule that no plan knows, or somebody was faster
            self._draft.denials.note(delivery.id, driver.id, refusal)
            _log.info("offer not made", delivery=str(delivery.id), reason=str(refusal))
            return 0
        except Refusal:  # it has moved meanwhile; the next round sees it
            return 0
        self._decide(delivery, Outcome.OFFERED, facts, driver.id)
        return 1

    async def _give_up_exhausted(self) -> int:
        """Lets those stall of which so many drivers were asked that nobody else is."""
        given_up = 0
        for delivery in self._draft.exhausted:
            given_up += await self._give_up(delivery)
        return given_up

    async def _wait_or_give_up(self, later: dict[int, int]) -> int:
        """Says of what was not offered why; lets stall what everybody was asked about."""
        given_up = 0
        for job in (*self._plan.unassigned, *later):
            delivery = self._draft.deliveries[job]
            if job not in self._told.free:
                continue
            if self._draft.everybody_was_asked(delivery) and await self._give_up(delivery):
                given_up += 1
            else:
                self._decide(delivery, Outcome.NOBODY, self._told.nobody(job, later.get(job)))
        for delivery in self._draft.unplaced:
            self._decide(delivery, Outcome.NOBODY, {"why": Reason.NO_PLACE})
        return given_up

    async def _give_up(self, delivery: Delivery) -> bool:
        if not self._terms.gives_up:
            return False
        facts = self._told.given_up(self._sight.asked.get(key_of(delivery), ()))
        of = (self._company.id, delivery.id)
        if not await give_up(self._platform, *of, explained(facts)):
            return False
        self._decide(delivery, Outcome.GIVEN_UP, facts)
        return True

    async def _order(self, tour: Tour) -> None:
        """Brings the stops of a driver into the order of the plan, where one has no time yet."""
        working = self._draft.drivers[tour.vehicle]
        if not _unplanned([working]):
            return
        order = self._in_order(tour, working)
        try:
            await reorder(self._platform, self._company.id, working.driver.id, order)
        except FleetRefusal as refusal:  # the tour has changed meanwhile
            _log.info("tour not ordered", driver=str(working.driver.id), reason=str(refusal))

    def _in_order(self, tour: Tour, working: Working) -> list[PlannedStop]:
        """The next stop, which is committed, then the others as planned, those unknown at last."""
        stops = {(stop.delivery_id, stop.kind): stop for stop in working.stops}
        first = working.stops[0]
        at = first.planned_at or first.put_off_until or self._sight.at
        order = [PlannedStop(first.delivery_id, first.kind, at)]
        del stops[first.delivery_id, first.kind]
        for visit in tour.visits:
            kind = StopKind.PICKUP if visit.action is Action.PICKUP else StopKind.DROPOFF
            id: UUID = self._draft.deliveries[visit.job].id
            if stops.pop((id, kind), None) is not None:
                at = self._sight.at + timedelta(seconds=visit.arrival)
                order.append(PlannedStop(id, kind, at))
        rest = [PlannedStop(id, kind, stop.put_off_until) for (id, kind), stop in stops.items()]
        return order + rest

    def _decide(
        self,
        delivery: Delivery,
        outcome: Outcome,
        facts: "dict[str, object]",
        driver_id: UUID | None = None,
    ) -> None:
        account_id, id = key_of(delivery)
        of = (self._company.id, account_id, id)
        self._decisions.append(Decision(*of, outcome, self._sight.at, driver_id, facts))
