"""Who is sent to next: a lane for each endpoint, so that a slow one holds up itself alone.

No I/O and no clock. The worker puts in what it has claimed, takes out what to send, and tells how
it went. A lane learns from that how much its endpoint bears: how many requests at a time, and how
many messages may be held ready for it without outliving their lease.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from estafette.store.outbox import Claimed

# Requests at a time: an unknown endpoint starts with few, each answer in time allows one more, one
# that came too late halves them. A thousand endpoints that hang then hold few connections each.
_START: Final = 8
_LEAST: Final = 2
# Messages held ready for an endpoint: what it takes in this time, or so many times its requests.
_AHEAD_SECONDS: Final = 1.0
_AHEAD_TIMES: Final = 15
_QUICK_SECONDS: Final = _AHEAD_SECONDS / _AHEAD_TIMES
_KNOWN_LANES: Final = 4096


@dataclass(slots=True)
class Job:
    """Messages of one delivery for one endpoint, sent one after another.

    Each comes with the moment, on the monotonic clock, at which it was claimed at the earliest.
    """

    key: tuple[UUID, UUID]
    messages: deque[tuple[Claimed, float]] = field(default_factory=deque)


@dataclass(slots=True)
class Lane:
    """What is ready for one endpoint, and how much of it at a time.

    `limit` bounds the requests under way, `quota` the messages held, those under way included.
    """

    limit: float = _START
    seconds: float | None = None
    quota: int = 0
    sending: int = 0
    held: int = 0
    has_more: bool = False
    queued: bool = False
    ready: deque[Job] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """An endpoint of which nothing is known."""
        self.quota = int(2 * self.limit)

    @property
    def may_send(self) -> bool:
        """Whether a job is ready and a request more is allowed."""
        return bool(self.ready) and self.sending + 1 <= self.limit

    def learn(self, seconds: float, *, in_time: bool, most: int) -> None:
        """Takes a finished exchange into account."""
        if in_time:
            self.limit = min(self.limit + 1, most)
        else:
            self.limit = max(self.limit / 2, min(_LEAST, most))
        self.seconds = seconds if self.seconds is None else 0.8 * self.seconds + 0.2 * seconds
        times = _AHEAD_SECONDS / self.seconds if self.seconds > _QUICK_SECONDS else _AHEAD_TIMES
        self.quota = int(self.limit * (1 + times))


class Lanes:
    """The lanes of all endpoints of one worker."""

    def __init__(self, *, per_endpoint: int, total: int, held: int) -> None:
        """At most `per_endpoint` requests at a time to one endpoint and `total` to all.

        At most `held` messages are kept at a time, those being sent included.
        """
        self._per_endpoint = per_endpoint
        self._start = min(_START, per_endpoint)
        self._total = total
        self._most_held = held
        self._sending = 0
        self._held = 0
        self._lanes: OrderedDict[UUID, Lane] = OrderedDict()
        self._jobs: dict[tuple[UUID, UUID], Job] = {}
        self._turns: deque[Lane] = deque()
        self._cut_short = False
        self._hungry = False
        self._left_behind = False

    @property
    def sending(self) -> int:
        """Requests under way."""
        return self._sending

    @property
    def held(self) -> int:
        """Messages claimed and not finished, those being sent included."""
        return self._held

    @property
    def room(self) -> int:
        """How many messages may be claimed now, over all endpoints."""
        return self._most_held - self._held

    @property
    def start_room(self) -> int:
        """How many messages may be claimed for an endpoint without a lane."""
        return Lane(limit=self._start).quota

    def rooms(self) -> dict[UUID, int]:
        """How many messages may be claimed for each endpoint that has a lane."""
        return {id: max(lane.quota - lane.held, 0) for id, lane in self._lanes.items()}

    @property
    def left_behind(self) -> bool:
        """Whether the last claim left messages behind: then hunger will tell when to claim."""
        return self._left_behind

    @property
    def is_hungry(self) -> bool:
        """Whether the last claim left messages behind for which there is room by now."""
        return self._hungry

    def accept(
        self, claimed: Sequence[Claimed], claimed_at: float, rooms: dict[UUID, int], limit: int
    ) -> None:
        """Takes in what a claim with these rooms and this limit brought, in its order."""
        counts: dict[UUID, int] = {}
        for message in claimed:
            counts[message.endpoint_id] = counts.get(message.endpoint_id, 0) + 1
            lane = self._lane(message.endpoint_id)
            lane.held += 1
            key = (message.endpoint_id, message.delivery_id or message.id)
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = Job(key)
                lane.ready.append(job)
                self._queue(lane)
            job.messages.append((message, claimed_at))
        self._held += len(claimed)
        self._hungry = False
        self._cut_short = len(claimed) >= limit
        self._left_behind = self._cut_short
        for id, lane in self._lanes.items():
            asked = rooms.get(id, self.start_room)
            if asked > 0:
                lane.has_more = counts.get(id, 0) >= asked
            self._left_behind = self._left_behind or lane.has_more
        self._forget()

    def take(self) -> Job | None:
        """The next job to be sent, of the endpoint whose turn it is; None: nothing may be sent."""
        while self._turns and self._sending < self._total:
            lane = self._turns.popleft()
            lane.queued = False
            if lane.may_send:
                job = lane.ready.popleft()
                lane.sending += 1
                self._sending += 1
                self._queue(lane)
                return job
        return None

    def sent(self, job: Job, seconds: float, *, in_time: bool) -> None:
        """The first message of a job that was taken is finished after `seconds`."""
        lane = self._lanes[job.key[0]]
        lane.learn(seconds, in_time=in_time, most=self._per_endpoint)
        self._drop(lane, job)

    def unsent(self, job: Job) -> None:
        """The first message of a job that was taken will not be sent."""
        self._drop(self._lanes[job.key[0]], job)

    def _drop(self, lane: Lane, job: Job) -> None:
        job.messages.popleft()
        lane.held -= 1
        self._held -= 1
        if (lane.has_more and lane.held * 2 <= lane.quota) or (
            self._cut_short and self._held * 2 <= self._most_held
        ):
            self._hungry = True
        self._queue(lane)

    def finish(self, job: Job) -> None:
        """A job that was taken has no messages left."""
        lane = self._lanes[job.key[0]]
        lane.sending -= 1
        self._sending -= 1
        del self._jobs[job.key]
        self._queue(lane)

    def _lane(self, id: UUID) -> Lane:
        lane = self._lanes.get(id)
        if lane is None:
            lane = self._lanes[id] = Lane(limit=self._start)
        else:
            self._lanes.move_to_end(id)
        return lane

    def _queue(self, lane: Lane) -> None:
        if not lane.queued and lane.may_send:
            lane.queued = True
            self._turns.append(lane)

    def _forget(self) -> None:
        """Drops the lanes that were idle for longest, so that their number stays bounded."""
        for id in list(self._lanes)[: max(len(self._lanes) - _KNOWN_LANES, 0)]:
            if not self._lanes[id].held:
                del self._lanes[id]
