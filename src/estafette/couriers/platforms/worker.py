"""The loop that runs errands at other platforms: it places deliveries there and follows them."""

import asyncio
import random
from datetime import timedelta
from typing import Final

from estafette.core.couriers.company import CourierFailed
from estafette.couriers.platforms import metrics
from estafette.couriers.platforms.errands import (
    DeliverySeen,
    Lost,
    Never,
    NotNow,
    Placed,
    Placing,
    PlatformApi,
    Unseen,
    Verdict,
    look,
)
from estafette.couriers.platforms.failures import Late
from estafette.couriers.platforms.reach import Reach
from estafette.couriers.platforms.slots import ErrandSlots
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
_POLL_LONGEST: Final = 12  # as a multiple of the first
_FINISH_SECONDS: Final = 5.0
_JITTER: Final = 0.2

_log = Logger()


class ErrandWorker:
    """Runs errands for one process. Any number of processes may do so over one database."""

    def __init__(
        self,
        platform: Platform,
        api: PlatformApi,
        reach: Reach,
        *,
        lease_seconds: float,
        poll_seconds: float,
    ) -> None:
        """Will ask through `api`.

        An errand may take three quarters of `lease_seconds`; that of a dead worker is taken over
        after the whole lease. A delivery is looked at `poll_seconds` after it was placed, and then
        at growing intervals, unless a webhook announces news.
        """
        self._platform = platform
        self._api = api
        self._reach = reach
        self._lease = timedelta(seconds=lease_seconds)
        self._errand_seconds = lease_seconds * _ERRAND_TO_LEASE
        self._poll_seconds = poll_seconds
        self._slots = ErrandSlots(api.manners)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = Loop("errands to other platforms", self._round, _PACE)

    def wake(self) -> None:
        """Notes that there may be errands."""
        self._loop.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then waits some seconds for the errands under way.

        An errand that is cut off then is claimed again after its lease, and looked up first.
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
        """Claims as many errands as there is room for; returns the seconds until the next look."""
        rooms, rests = self._slots.rooms()
        due_in = None
        if rooms.in_all > 0:
            claimed = await dispatch.claim(self._platform, self._lease, rooms)
            for errand in claimed.errands:
                self._start(errand)
            due_in = claimed.due_in_seconds
        # Due errands that were not claimed wait for room; the end of another errand wakes the loop.
        longest = due_in if due_in is not None and due_in > 0 else _PACE.longest
        return longest if rests is None else min(longest, rests)

    def _start(self, errand: Errand) -> None:
        company_id, is_look = errand.company.id, errand.upstream_id is not None
        self._slots.begun(company_id, is_look=is_look)
        task = asyncio.create_task(self._run(errand))
        self._tasks.add(task)
        metrics.UNDER_WAY.inc()

        def ended(_: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._slots.ended(company_id, is_look=is_look)
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
        """Records a verdict; returns the label that it is counted under."""
        platform = self._platform
        match verdict:
            case Placed(placement):
                first_look = timedelta(seconds=self._poll_seconds)
                is_recorded = await dispatch.placed(platform, errand, placement, first_look)
            case NotNow():
                is_recorded = await self._postpone(errand, verdict)
            case Never(reason):
                is_recorded = await dispatch.refused(platform, errand, reason)
            case DeliverySeen(report):
                look_again_in = self._again(errand.polls)
                is_recorded = await dispatch.followed(platform, errand, report, look_again_in)
            case Unseen(reason, wait):
                retry_in = max(self._again(errand.polls), timedelta(seconds=wait or 0))
                is_recorded = await dispatch.unplaced(platform, errand, reason, retry_in)
            case Lost(reason):
                is_recorded = await dispatch.lost(platform, errand, reason)
        return label_of(verdict) if is_recorded else "stale"

    async def _postpone(self, errand: Errand, verdict: NotNow) -> bool:
        """Records that a delivery was not placed; returns False for a stale attempt."""
        retry_in = _retry(errand.attempt, verdict.retry_in_seconds)
        _log.info(
            "errand_postponed",
            company=errand.company.slug,
            delivery=str(errand.delivery.id),
            reason=verdict.reason,
            doubtful=verdict.doubtful,
            retry_in_seconds=round(retry_in.total_seconds(), 1),
        )
        return await dispatch.unplaced(
            self._platform,
            errand,
            verdict.reason,
            retry_in,
            doubtful=verdict.doubtful,
            looked_up=verdict.looked_up,
        )

    def _again(self, polls: int) -> timedelta:
        """Returns when to look again after so many looks in a row without news."""
        times = min(_POLL_GROWTH ** min(polls, _POLL_LONGEST), _POLL_LONGEST)
        return timedelta(seconds=self._poll_seconds * times * _jitter())


def label_of(verdict: Verdict) -> str:
    """Returns the label under which the metric of errands counts a recorded verdict."""
    match verdict:
        case Placed(found=found):
            return "found" if found else "placed"
        case NotNow(doubtful=doubtful):
            return "doubtful" if doubtful else "postponed"
        case Never():
            return "refused"
        case DeliverySeen():
            return "followed"
        case Unseen():
            return "unseen"
        case Lost():
            return "lost"


def _retry(attempt: int, wanted_seconds: float | None) -> timedelta:
    """Returns when to try again to place a delivery, no sooner than the platform wants."""
    usual = min(_FIRST_RETRY * 2 ** min(attempt - 1, 16), _LONGEST_RETRY)
    return timedelta(seconds=max(usual, wanted_seconds or 0) * _jitter())


def _jitter() -> float:
    """Returns a random factor from 1 on, so that failed errands are not all retried at once."""
    return 1 + _JITTER * random.random()  # noqa: S311 - nothing secret depends on it
