"""Why a delivery was offered to whom, or to nobody, in bounded facts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.dispatching import MOST_OTHERS, PICKUP_AHEAD, Reason
from estafette.routing.plan import Candidate, Obstacle, Plan
from estafette.routing.problem import Problem
from estafette.store.fleet.waiting import Asked
from estafette.usecases.fleet.answers import answers, asked_facts
from estafette.usecases.fleet.problems import Draft
from estafette.usecases.fleet.sight import key_of

_OBSTACLES: Final[Mapping[Obstacle, Reason]] = {
    Obstacle.REFUSED: Reason.REFUSED,
    Obstacle.TAKES_NOTHING_NEW: Reason.BUSY,
    Obstacle.SKILLS: Reason.SKILLS,
    Obstacle.CAPACITY: Reason.CAPACITY,
    Obstacle.TOO_LATE: Reason.TOO_LATE,
    Obstacle.SHIFT_ENDS: Reason.SHIFT_ENDS,
}


class Told:
    """What a plan says of each delivery of nobody."""

    def __init__(
        self, made: Draft, problem: Problem, plan: Plan, trouble: Mapping[str, str | None]
    ) -> None:
        """`trouble` is why the plan is not the solver's, or the ways are not along streets."""
        self._draft = made
        self._problem = problem
        self._plan = plan
        self._trouble = trouble
        self._candidates = {one.job: one.nearest for one in plan.candidates}
        self._order = {
            visit.job: (number, visit.arrival)
            for tour in plan.tours
            for number, visit in reversed(tuple(enumerate(tour.visits)))
        }
        self.free = set(made.jobs_of_nobody())

    def offered(self, job: int, vehicle: int) -> dict[str, object]:
        """The facts of an offer: the driver's way and load, and why not others."""
        delivery, working = self._draft.deliveries[job], self._draft.drivers[vehicle]
        pickup = self._problem.jobs[job].pickup
        assert pickup is not None  # noqa: S101 - a job of nobody is fetched
        way = self._problem.ways.between(self._problem.vehicles[vehicle].start, pickup.place)
        stops_before, arrival = self._order[job]
        asked = self._draft.sight.asked.get(key_of(delivery), ())
        return {
            **self._general(),
            "metres": way.metres,
            "seconds": arrival,
            "stops_before": stops_before,
            "has": len(working.open),
            "asked": asked_facts(asked),
            "others": self._others(job, besides=vehicle),
        }

    def nobody(self, job: int, later: int | None) -> dict[str, object]:
        """The facts of a delivery that waits; `later` is the vehicle that it is planned for."""
        if later is not None:
            driver = self._draft.drivers[later].driver
            seconds = self._order[job][1]
            is_far = seconds > PICKUP_AHEAD.total_seconds()
            why = Reason.LATER if is_far else Reason.BUSY
            facts = {"why": why, "for": str(driver.id), "seconds": seconds}
            return {**self._general(), **facts}
        if not self._draft.drivers:
            return {**self._general(), "why": Reason.NO_DRIVER}
        delivery = self._draft.deliveries[job]
        asked = self._draft.sight.asked.get(key_of(delivery), ())
        others = self._others(job)
        facts = {
            "why": self._why_nobody(delivery, others),
            "asked": asked_facts(asked),
            "others": others,
        }
        return {**self._general(), **facts}

    def _why_nobody(self, delivery: Delivery, others: Sequence[Mapping[str, Any]]) -> str:
        """The reason of the nearest driver who has the skills that it demands, if anybody has."""
        if self._draft.nobody_is_skilled(delivery):
            return Reason.SKILLS
        able = (one["why"] for one in others if one["why"] != Reason.SKILLS)
        return next(able, Reason.BUSY)

    def given_up(self, asked: Sequence[Asked]) -> dict[str, object]:
        """The facts of a delivery that stalls because nobody who was asked took it."""
        return {**self._general(), **answers(asked)}

    def _general(self) -> dict[str, object]:
        drivers, waiting = len(self._draft.drivers), len(self.free)
        trouble = {name: why for name, why in self._trouble.items() if why is not None}
        return {
            "engine": self._plan.engine,
            "drivers": drivers,
            "waiting": waiting,
            **trouble,
        }

    def _others(self, job: int, besides: int | None = None) -> list[dict[str, Any]]:
        near = [one for one in self._candidates.get(job, ()) if one.vehicle != besides]
        return [self._other(job, one) for one in near[:MOST_OTHERS]]

    def _other(self, job: int, one: Candidate) -> dict[str, Any]:
        driver = self._draft.drivers[one.vehicle].driver
        why: str = Reason.BETTER_PLACED
        if one.obstacle is Obstacle.REFUSED:
            why = self._draft.barring(driver.id, self._draft.deliveries[job])
        elif one.obstacle is not None:
            why = _OBSTACLES[one.obstacle]
        return {
            "driver": str(driver.id),
            "metres": one.metres,
            "seconds": one.seconds,
            "why": why,
        }
