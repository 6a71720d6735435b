"""Offer simulated deliveries to simulated drivers, and answer for those.

Who is asked decides the code that decides live (`usecases/fleet/automatic.py`), and an offer is
refused, or ends by itself, as live ones do. When a delivery is accepted is its plan's to say
(`usecases/sandbox/drivers.py`): this only sees to it that somebody has been asked by then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import Refusal
from estafette.core.fleet.assignment import LONGEST_OFFER, SHORTEST_OFFER
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.sandbox.scenario import MOST_ASKED, OFFER_STEPS, Answer
from estafette.logs import Logger
from estafette.loops import Loop, Pace, report
from estafette.routing.planner import Planner
from estafette.routing.travel_times import TravelTimes
from estafette.store.couriers import companies
from estafette.store.pool import Connection, now
from estafette.store.sandbox import drivers as simulated
from estafette.store.sandbox.drivers import Offered, Waiting
from estafette.usecases.fleet.automatic import Terms, decide
from estafette.usecases.fleet.denials import Denials
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.said import Said
from estafette.usecases.fleet.sight import look_around
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.plan import is_silent, planned_of

MOST_COMPANIES: Final = 50
"""At how many companies with simulated drivers a process looks."""

_MOST_WAITING: Final = 100
_MOST_OFFERED: Final = 200
_MOST_STOPS: Final = 500

NOBODY_SECONDS: Final = 30.0
"""How long a round rests where no driver is simulated, as in every installation that is no demo."""

_BUSY_STEPS, _QUIET_STEPS = 0.3, 0.4
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.25, 2.0
"""How long a round rests where there is something to answer, and where there is not: in steps, and
within what bounds. So somebody is asked before the first step of a delivery is over."""

_THINKING_STEPS: Final = 0.3
"""How long a driver who refuses thinks."""

_BEFORE: Final = 5 / 6
"""In which part of an offer it is to be accepted: the rest is for a worker who is late."""

_SOLVER_SECONDS: Final = 1.0
"""For how long the solver may search: live companies have the same one."""

_RULES: Final = DispatchingRules(automatic=True, rounds=MOST_ASKED)

_log = Logger()


def loop(platform: Platform, planner: Planner, times: TravelTimes) -> Loop:
    """Returns the loop of these offers.

    Any number of processes may run it: one at a time makes offers.
    """
    offers = Offers(platform, planner, times)

    async def one_round(_: asyncio.Event) -> float:
        return await offers.round()

    return Loop("simulated offers", one_round, Pace(longest=NOBODY_SECONDS))


class Offers:
    """The offers to simulated drivers, as one process makes and answers them."""

    def __init__(self, platform: Platform, planner: Planner, times: TravelTimes) -> None:
        """Begins with nothing; `planner` and `times` are those of live companies."""
        self._platform = platform
        self._planner = planner
        self._times = times
        self._denials = Denials()
        self._said = Said()

    async def round(self) -> float:
        """Answers what is offered, and offers what waits; returns how many seconds to rest.

        Where nobody is simulated it is one statement, where nothing is under way three.
        """
        platform, step = self._platform, self._platform.sandbox_step
        if not step:
            return NOBODY_SECONDS
        async with platform.pool.acquire() as connection:
            of = await simulated.companies(connection, MOST_COMPANIES)
            if not of:
                return NOBODY_SECONDS
            offered = await simulated.offered(connection, of, _MOST_OFFERED)
        await self._answer(offered)
        async with platform.pool.acquire() as connection:
            waiting = await simulated.waiting(connection, of, _MOST_WAITING)
        wanted: dict[UUID, list[Delivery]] = defaultdict(list)
        for one in waiting:
            if one.delivery.company_id and self._is_time_for(one):
                wanted[one.delivery.company_id].append(one.delivery)
        if wanted:
            await self._dispatch(wanted)
        steps = _BUSY_STEPS if offered or wanted else _QUIET_STEPS
        rest = steps * step.total_seconds()
        return min(max(rest, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    async def _answer(self, offered: Sequence[Offered]) -> None:
        """Refuses what drivers refuse, after they have thought about it."""
        thinking = _THINKING_STEPS * self._platform.sandbox_step.total_seconds()
        for one in offered:
            planned = planned_of(self._platform, one.delivery, one.dialect, one.step)
            is_refused = planned is not None and planned.answer(one.number) is Answer.REFUSES
            company_id = one.delivery.company_id
            if not is_refused or company_id is None or one.age_seconds < thinking:
                continue
            try:
                await refuse(
                    self._platform, company_id, one.driver_id, one.id, Noted.SIMULATED_REFUSED
                )
            except (FleetRefusal, Refusal) as refusal:  # it has ended meanwhile
                _log.info("offer not refused", offer=str(one.id), reason=str(refusal))

    def _is_time_for(self, one: Waiting) -> bool:
        """Whether somebody is to be asked: those who accept no sooner than an offer lasts."""
        planned = planned_of(self._platform, one.delivery, one.dialect, one.step)
        if planned is None or not planned.is_asked_about:
            return False
        soon = offer_length(self._platform.sandbox_step).total_seconds() * _BEFORE
        return bool(planned.answers) or one.due_in_seconds <= soon

    async def _dispatch(self, wanted: dict[UUID, list[Delivery]]) -> None:
        async with self._platform.pool.acquire() as connection:
            if not await simulated.take_turn(connection):
                return
            try:
                for company_id, deliveries in wanted.items():
                    try:
                        await self._offer(company_id, deliveries)
                    except Exception as error:  # one company's: the others have theirs
                        report("simulated offers", error, company=str(company_id))
            finally:
                await simulated.end_turn(connection)

    async def _offer(self, company_id: UUID, deliveries: Sequence[Delivery]) -> None:
        platform = self._platform
        async with platform.pool.acquire() as connection:
            company = await companies.find(connection, company_id)
            if company is None or not company.active:
                return
            at = await now(connection)
            of = (company_id, Mode.SANDBOX, _RULES)
            sight = await look_around(connection, *of, deliveries, at)
            ids = [one.driver.id for one in sight.working]
            stops = await simulated.errands(connection, [company_id], ids, _MOST_STOPS)
        silent = {
            one.driver_id
            for one in stops
            if is_silent(platform, one.delivery, one.dialect, one.step)
        }
        present = [one for one in sight.working if one.driver.id not in silent]
        length = offer_length(platform.sandbox_step)
        remembered = (self._denials, self._said)
        terms = Terms(length, _is_ours, *remembered, _SOLVER_SECONDS, gives_up=False)
        of_company = (company, sight, present)
        await decide(platform, self._planner, self._times, *of_company, terms)


async def _is_ours(_: Connection) -> bool:
    return True  # the turn's lock is held


def offer_length(step: timedelta) -> timedelta:
    """Returns for how long an offer to a simulated driver is open."""
    return max(SHORTEST_OFFER, min(step * OFFER_STEPS, LONGEST_OFFER))
