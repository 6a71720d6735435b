"""The loop that runs errands at other platforms: places deliveries there, and follows them."""

import asyncio
import random
from datetime import timedelta
from typing import Final

from estafette.core.couriers.company import CourierFailed
from estafette.couriers.platforms import metrics
from estafette.couriers.platforms.errands import (
    Lost,
    Never,
    NotNow,
    Placed,
    Placing,
    PlatformApi,
    Seen,
    Unseen,
    Verdict,
    look,
)
from estafette.couriers.platforms.failures import Late
from estafette.couriers.platforms.places import Places
from estafette.couriers.platforms.reach import Reach
from estafette.logs import Logger
from estafette.loops import Loop, Pace, report
from estafette.usecases.couriers import dispatch
from estafette.usecases.couriers.dispatch import Errand
from estafette.usecases.platform import Platform

_ERRAND_TO_LEASE: Final = 0.75
_PACE: Final = Pace(longest=2.0)
_FIRST_RETRY: Final = 1.0
_LONGEST_RETRY: Final = 60.0
_POLL_GROWTH: Final = 1.6
_POLL_LONGEST: Final = 12  # times the first
_FINISH_SECONDS: Final = 5.0
_JITTER: Final = 0.2

_log = Logger()


class Worker:
    """Runs errands for one process; any number of processes may, over one database."""

    def __init__(
        self,
        platform: Platform,
        api: PlatformApi,
        reach: Reach,
        *,
        lease_seconds: float,
        poll_seconds: float,
    ) -> None:
        """Asks through `api`.

        An errand may take three quarters of `lease_seconds`; a dead worker's is taken over after
        all of them. `poll_seconds` after its placing a delivery is looked at for the first time,
        then ever more rarely, unless a webhook says that there is news.
        """
        self._platform = platform
        self._api = api
        self._reach = reach
        self._lease = timedelta(seconds=lease_seconds)
        self._errand_seconds = lease_seconds * _ERRAND_TO_LEASE
        self._poll_seconds = poll_seconds
        self._places = Places(api.manners)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = Loop("errands to other platforms", self._round, _PACE)

    def wake(self) -> None:
        """There may be errands."""
        self._loop.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then ends with what is under way, or soon without it.

        What is cut off is claimed again after its lease, and looked up first.
        """
        try:
            await self._loop.run(stop)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_FINISH_SECONDS)
        finally:
            own = list(self._tasks)
            for task in own:
                task.cancel()
            await asyncio.gather(*own, return_exceptions=True)

    async def _round(self, _: asyncio.Event) -> float:
        """Claims what there is room for; returns the seconds until there may be more."""
        rooms, rests = self._places.rooms()
        due_in = None
        if rooms.in_all > 0:
            claimed = await dispatch.claim(self._platform, self._lease, rooms)
            for errand in claimed.errands:
                self._start(errand)
            due_in = claimed.due_in_seconds
        # what is due and was not claimed waits for room, whose coming wakes
        longest = due_in if due_in is not None and due_in > 0 else _PACE.longest
        return longest if rests is None else min(longest, rests)

    def _start(self, errand: Errand) -> None:
        company_id, is_look = errand.company.id, errand.upstream_id is not None
        self._places.begun(company_id, is_look=is_look)
        task = asyncio.create_task(self._run(errand))
        self._tasks.add(task)
        metrics.UNDER_WAY.inc()

        def ended(_: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._places.ended(company_id, is_look=is_look)
            metrics.UNDER_WAY.dec()
            self.wake()

        task.add_done_callback(ended)

    async def _run(self, errand: Errand) -> None:
        try:
            verdict = await self._try(errand)
            outcome = await self._record(errand, verdict)
            metrics.ERRANDS.labels(errand.company.slug, outcome).inc()
        except Exception as error:  # one errand must not stop the others; its lease gives it back
            delivery = str(errand.delivery.id)
            report("errands", error, company=errand.company.slug, delivery=delivery)

    async def _try(self, errand: Errand) -> Verdict:
        access = await self._reach(errand.company, errand.delivery.scope.mode)
        if access is None:
            reason = "the company is not connected in this mode"
            if errand.upstream_id is None:
                return NotNow(reason, doubtful=False, looked_up=False)
            return Unseen(reason)
        if errand.upstream_id is not None:
            try:
                async with asyncio.timeout(self._errand_seconds):
                    return await look(self._api, access, errand, errand.upstream_id)
            except TimeoutError:
                return Unseen(str(self._late()))
        placing = Placing(self._api, access, errand)
        try:
            async with asyncio.timeout(self._errand_seconds):
                return await placing.place()
        except TimeoutError:
            return placing.not_now(self._late())

    def _late(self) -> CourierFailed:
        return Late(f"not done within {self._errand_seconds:g} s")

    async def _record(self, errand: Errand, verdict: Verdict) -> str:
        """Writes the verdict down; returns what to count it as."""
        platform, ours = self._platform, True
        match verdict:
            case Placed(placement, found):
                first = timedelta(seconds=self._poll_seconds)
                ours = await dispatch.placed(platform, errand, placement, first)
                outcome = "found" if found else "placed"
            case NotNow(reason, doubtful, looked_up, wait):
                retry_in = _retry(errand.attempt, wait)
                _log.info(
                    "errand_postponed",
                    company=errand.company.slug,
                    delivery=str(errand.delivery.id),
                    reason=reason,
                    doubtful=doubtful,
                    retry_in_seconds=round(retry_in.total_seconds(), 1),
                )
                ours = await dispatch.unplaced(
                    platform, errand, reason, retry_in, doubtful=doubtful, looked_up=looked_up
                )
                outcome = "doubtful" if doubtful else "postponed"
            case Never(reason):
                ours = await dispatch.refused(platform, errand, reason)
                outcome = "refused"
            case Seen(report):
                ours = await dispatch.followed(platform, errand, report, self._again(errand.polls))
                outcome = "followed"
            case Unseen(reason, wait):
                again = self._again(errand.polls)
                retry_in = again if wait is None else max(again, timedelta(seconds=wait))
                ours = await dispatch.unplaced(platform, errand, reason, retry_in)
                outcome = "unseen"
            case Lost(reason):
                ours = await dispatch.lost(platform, errand, reason)
                outcome = "lost"
        return outcome if ours else "stale"

    def _again(self, polls: int) -> timedelta:
        """When to look again after that many looks in a row that saw nothing new."""
        times = min(_POLL_GROWTH ** min(polls, _POLL_LONGEST), _POLL_LONGEST)
        return timedelta(seconds=self._poll_seconds * times * _jitter())


def _retry(attempt: int, wanted_seconds: float | None) -> timedelta:
    """When to try again to place a delivery after so many tries, no sooner than wanted."""
    usual = min(_FIRST_RETRY * 2 ** min(attempt - 1, 16), _LONGEST_RETRY)
    return timedelta(seconds=max(usual, wanted_seconds or 0) * _jitter())


def _jitter() -> float:
    """A random factor from 1 on, so that what failed together does not come back together."""
    return 1 + _JITTER * random.random()  # noqa: S311 - nothing secret depends on it
