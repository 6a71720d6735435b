"""The loop that claims messages of the outbox, renders and sends them, and records the results.

Claiming, sending and recording overlap, and none waits for the others beyond what the lanes allow.
No transaction is open while a request is under way. Any number of workers may run side by side.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from estafette.logs import Logger
from estafette.loops import Loop, Pace
from estafette.store import signals
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.store.webhooks import messages, outbox
from estafette.store.webhooks import survey as outbox_survey
from estafette.store.webhooks.outbox import ClaimedMessage
from estafette.webhooks import metrics
from estafette.webhooks.agenda import Agenda
from estafette.webhooks.exchanges import Exchanges
from estafette.webhooks.finished import finished
from estafette.webhooks.lane import Job
from estafette.webhooks.lanes import Lanes
from estafette.webhooks.message import Renderer
from estafette.webhooks.recorder import Recorder
from estafette.webhooks.requests import Requests
from estafette.webhooks.sender import ExchangeOutcome, Request, Result

_log = Logger()

_LEASE_TO_TIMEOUT: Final = 1.5
_CLAIM_SPACING_SECONDS: Final = 0.02
_MEASURE: Final = Pace(longest=5.0)
_MAKE_WAY: Final = Pace(longest=0.1, first=0.1)
_GIVE_UP: Final = Pace(longest=60.0, shortest=0.1)
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Sends(Protocol):
    """What the worker needs of `webhooks.sender.Sender`."""

    async def send(self, request: Request) -> Result:
        """Sends one request and returns its result in time, whatever the receiver does."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages and requests a worker has at a time.

    Attributes:
        lease_seconds: how long a claimed message is this worker's; at least half as long again
            as any dialect's exchange may take.
        poll_seconds: how long it sleeps at most without looking for due messages.
        per_endpoint: requests under way to one endpoint.
        total: requests under way to all that do not take long.
        late: requests under way beside these that take longer than half a second; None: three times
            `total`. Each request needs a file descriptor.
        held: messages claimed at a time.
        claim: messages claimed by one statement.
    """

    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    per_endpoint: int = 64
    total: int = 512
    late: int | None = None
    held: int = 4096
    claim: int = 1024


class WebhookWorker:
    """Sends the messages that are due. Each worker calls `run` once."""

    def __init__(
        self,
        pool: Pool,
        dsn: str,
        renderers: Mapping[str, Renderer],
        sender: Sends,
        decrypt: Callable[[bytes, bytes], str],
        limits: Limits | None = None,
        *,
        name: str | None = None,
    ) -> None:
        """Works on the outbox of `pool`, and listens for new messages over a connection to `dsn`.

        `renderers` by the name of the dialect; `decrypt` reads an endpoint's secret, given what it
        belongs to (`Cipher.decrypt`). `name` stands with its leases and attempts, and must be
        unique among all workers. Takes three connections of the pool at most.
        Raises ValueError when the lease is too short for an exchange with some margin.
        """
        self._limits = limits or Limits()
        self._requests = Requests(renderers, decrypt)
        longest = self._requests.longest_seconds
        self._lease = self._limits.lease_seconds
        if self._lease < longest * _LEASE_TO_TIMEOUT:
            raise ValueError(
                f"a lease of {self._lease:g} s is too short for exchanges of up to {longest:g} s"
            )
        self._pool = pool
        self._dsn = dsn
        self._sender = sender
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._lanes = Lanes(
            per_endpoint=self._limits.per_endpoint,
            total=self._limits.total,
            late=self._limits.late,
            held=self._limits.held,
        )
        self._exchanges = Exchanges()
        self._agenda = Agenda(every_seconds=self._limits.poll_seconds)
        self._oldest_seconds = 0.0
        self._recorder = Recorder(pool, self.name, lambda: self._lanes.sending > 1, self._written)
        self._awaits_recorder = False
        pace = Pace(
            longest=self._limits.poll_seconds,
            apart=_CLAIM_SPACING_SECONDS,
            first_retry=_FIRST_PAUSE_SECONDS,
            longest_retry=_LONGEST_PAUSE_SECONDS,
        )
        self._claiming = Loop("claiming webhooks", self._claim, pace)
        self._beside = (
            Loop("measuring the outbox", self._measure, _MEASURE),
            Loop("giving webhooks up", self._give_up, _GIVE_UP),
            Loop("making way", self._make_way, _MAKE_WAY),
        )
        self._stopping = asyncio.Event()
        self._runners: set[asyncio.Task[None]] = set()
        self._unsent: list[ClaimedMessage] = []
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then finishes the requests under way and releases the rest.

        Stopping takes no longer than the longest exchange and a few statements. While the database
        is unavailable, the worker waits for it. If the task is cancelled instead, its claimed
        messages are sent by others after their leases.
        """
        recording = asyncio.create_task(self._recorder.run())
        claiming = asyncio.create_task(self._claiming.run(self._stopping))
        beside = [
            asyncio.create_task(signals.listen(self._dsn, {signals.OUTBOX: self._called})),
            *(asyncio.create_task(loop.run(self._stopping)) for loop in self._beside),
            asyncio.create_task(self._failed.wait()),
            asyncio.create_task(stop.wait()),
        ]
        own: list[asyncio.Task[Any]] = [recording, claiming, *beside]
        try:
            ended, _ = await asyncio.wait(own, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            await claiming
            await self._finish(recording)
            for task in ended:
                task.result()  # raises the error that ended it, if it did not end at `stop`
            if self._failure is not None:
                raise self._failure
        finally:
            for task in [*own, *self._runners]:
                task.cancel()
            await asyncio.gather(*own, *self._runners, return_exceptions=True)

    async def _finish(self, recording: asyncio.Task[None]) -> None:
        """Waits for the requests under way, records their results, releases all other messages."""
        if self._runners:
            await asyncio.wait(self._runners)
        self._recorder.close()
        with suppress(*DATABASE_TROUBLE):
            await self._give_back()
        with suppress(
            TimeoutError
        ):  # messages without a recorded result are sent again after their lease
            await asyncio.wait_for(recording, self._lease)

    def _called(self) -> None:
        """Notes that there are new messages."""
        self._agenda.call()
        self._claiming.wake()

    def _written(self) -> None:
        """Allows further claims that waited until results were written."""
        if self._awaits_recorder:
            self._claiming.wake()

    async def _claim(self, _: asyncio.Event) -> float:
        """Claims as many messages as there is room for; returns the seconds until the next look."""
        await self._give_back()
        now = time.monotonic()
        waiting = self._recorder.waiting  # unwritten results count too
        most = min(self._limits.claim, self._lanes.room)
        limit = min(most, self._lanes.room - waiting)
        # While results wait, no small claims are made for the room that is left: each costs a
        # statement.
        self._awaits_recorder = waiting > 0 and limit <= most // 2
        if self._awaits_recorder or limit <= 0:
            return self._limits.poll_seconds
        async with self._pool.acquire() as connection:
            if self._agenda.survey_in(now) <= 0:
                self._agenda.surveying()
                survey = await outbox_survey.survey(connection)
                self._agenda.surveyed(survey.waiting, now, time.monotonic())
                self._oldest_seconds = survey.oldest_seconds
            asked = self._lanes.ask(self._agenda.due(time.monotonic()), limit)
            if not asked:
                return self._until_due()
            claimed_at = time.monotonic()
            claimed = await outbox.claim(
                connection,
                asked,
                lease_seconds=self._lease,
                worker=self.name,
                order=self._requests.order,
            )
        for endpoint_id in self._lanes.accept(self._in_order(claimed, asked), claimed_at, asked):
            self._agenda.emptied(endpoint_id)
        self._start_runners()
        return 0.0

    def _in_order(
        self, claimed: list[ClaimedMessage], asked: dict[UUID, int]
    ) -> list[ClaimedMessage]:
        """Returns the claimed messages without those that have to wait.

        A message waits for an earlier one of its delivery, unless this worker sends the earlier
        one: then it is sent after that. Messages that wait are treated as not asked for. Messages
        for an endpoint that was disabled since the last survey are left out too.
        """
        sendable: list[ClaimedMessage] = []
        for message in claimed:
            must_wait = message.wait_seconds and not self._lanes.is_sending(message.key)
            if message.url is None or must_wait:
                self._unsent.append(message)
                self._claiming.wake()
            else:
                sendable.append(message)
            if must_wait:
                asked[message.endpoint_id] -= 1
        return sendable

    def _until_due(self) -> float:
        """Returns in how many seconds messages are due. Free room wakes the loop earlier."""
        now = time.monotonic()
        next_in = self._agenda.next_in(now)
        survey_in = self._agenda.survey_in(now)
        return max(survey_in if next_in is None else min(next_in, survey_in), 0.0)

    def _start_runners(self) -> None:
        """Starts a runner for each job that may be sent and has none."""
        while (job := self._lanes.take(time.monotonic())) is not None:
            task = asyncio.create_task(self._runner(job))
            self._runners.add(task)
            task.add_done_callback(self._runner_ended)
        if self._lanes.is_hungry:
            self._claiming.wake()

    def _runner_ended(self, task: asyncio.Task[None]) -> None:
        self._runners.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._failed.set()

    async def _runner(self, job: Job | None) -> None:
        """Sends one job after another while there are some that are not being sent."""
        while job is not None:
            more = True
            while more:
                claimed, claimed_at = job.messages[0]
                await self._one(job, claimed, claimed_at)
                more = self._lanes.go_on(job, time.monotonic())
            self._lanes.finish(job)
            job = self._lanes.take(time.monotonic())
            self._start_runners()  # the endpoint may have one more request than before

    async def _one(self, job: Job, claimed: ClaimedMessage, claimed_at: float) -> None:
        """Sends the first message of a job, or releases messages of it.

        Messages are released in three cases: the lease could end before the exchange; their
        endpoint is not sent to for a while; order is kept and an earlier message has failed.
        """
        schedule = self._requests.schedule(claimed)
        began = time.monotonic()
        is_late = began >= claimed_at + self._lease - schedule.timeout_seconds
        if self._stopping.is_set() or is_late:
            self._give_back_from(job, 0)
            return
        if self._lanes.is_spared(job):
            self._give_back_from(job, len(job.messages) - 1)
            return
        result = await self._attempt(claimed)
        if isinstance(result, str):
            self._lanes.unsent(job)
        else:
            metrics.SECONDS.observe(result.duration_seconds)
            self._lanes.sent(
                job,
                result.duration_seconds,
                in_time=result.outcome is not ExchangeOutcome.TIMED_OUT,
                delivered=result.outcome is ExchangeOutcome.DELIVERED,
            )
        round_seconds = claimed.round_seconds + time.monotonic() - claimed_at
        kept = self._exchanges.kept(claimed, result, began)
        known = finished(claimed, schedule, result, began, round_seconds, kept)
        self._recorder.add(known)
        if known.retry_seconds is not None and round_seconds < claimed.order_seconds:
            wait = min(known.retry_seconds, claimed.order_seconds - round_seconds)
            self._give_back_from(job, 0, wait)
        if self._lanes.is_hungry:
            self._claiming.wake()

    def _give_back_from(self, job: Job, place: int, wait_seconds: float = 0.0) -> None:
        """Releases the messages of a job from index `place` on; they wait that many seconds."""
        for message in self._lanes.cut(job, place):
            self._unsent.append(message._replace(wait_seconds=wait_seconds))
            self._claiming.wake()

    async def _attempt(self, claimed: ClaimedMessage) -> Result | str:
        """Returns the result of sending a message, or the reason why it could not be sent."""
        # An unexpected error with one message must not stop the others.
        try:
            request = self._requests.make(claimed)
            return request if isinstance(request, str) else await self._sender.send(request)
        except Exception as error:
            _log.exception("webhook_not_sent", message_id=str(claimed.id), type=claimed.type)
            return f"could not be rendered or sent: {type(error).__name__}"

    async def _give_back(self) -> None:
        """Releases messages that were not sent. It tries once, since their lease ends anyway."""
        unsent, self._unsent = self._unsent, []
        if unsent:
            metrics.RELEASED.inc(len(unsent))
            async with self._pool.acquire() as connection:
                await outbox.release(connection, unsent, worker=self.name)

    async def _make_way(self, _: asyncio.Event) -> float:
        """Marks requests that take long as late, so that others get their slots."""
        if self._lanes.is_crowded:
            self._start_runners()
        return _MAKE_WAY.longest

    async def _give_up(self, _: asyncio.Event) -> float:
        """Ends the waiting of messages for endpoints where all attempts of a day have failed."""
        async with self._pool.acquire() as connection:
            count = await messages.give_up(connection)
        if count:
            _log.warning("webhooks_given_up", count=count)
        return _GIVE_UP.shortest if count else _GIVE_UP.longest

    async def _measure(self, _: asyncio.Event) -> float:
        """Keeps the gauges of the outbox up to date."""
        metrics.UNDER_WAY.set(self._lanes.sending)
        async with self._pool.acquire() as connection:
            pending, held = await outbox_survey.count(connection)
        metrics.PENDING.set(pending)
        metrics.HELD.set(held)
        metrics.OLDEST.set(self._oldest_seconds if pending else 0.0)
        return _MEASURE.longest
