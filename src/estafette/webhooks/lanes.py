"""Which endpoint is sent to next: each has a lane, so that a slow one delays no other.

No I/O and no clock. The worker asks how many messages to claim of which endpoints (`ask`), adds
what it claimed (`accept`), takes jobs to send (`take`) and reports each result (`sent`). From the
results a lane adapts how many requests its endpoint may have at a time, and how many messages are
held ready for it, so that they are sent before their lease ends.

A worker has a bounded number of requests under way, called slots. Who may take a slot depends on
how an endpoint answered lately (`LaneStanding`). Only endpoints that answer soon may take the last
slots, so that the others cannot stop them. A request that takes long gives its slot back and
counts as late from then on; late requests are bounded too.
See docs/decisions/0030-places-by-how-they-behaved.md.
"""

import random
from collections import Counter, OrderedDict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.store.webhooks.outbox import ClaimedMessage
from estafette.store.webhooks.survey import Waiting
from estafette.webhooks.lane import SOON_SECONDS, START, EndpointLane, Job, LaneStanding

_KNOWN_LANES: Final = 16_384
_MOST_ASKED: Final = 1024


# The share of the slots that all endpoints of a standing may take together. The last three
# together leave a quarter to those that answer soon; these leave an eighth to the others.
_SHARES: Final = {
    LaneStanding.SOON: 7 / 8,
    LaneStanding.UNKNOWN: 1 / 2,
    LaneStanding.SLOW: 1 / 8,
    LaneStanding.FAILING: 1 / 8,
}
_OTHERS: Final = (LaneStanding.UNKNOWN, LaneStanding.SLOW, LaneStanding.FAILING)


@dataclass(slots=True)
class _Pool:
    """The slots for one standing: their number, the accounts that use them, the next lane."""

    # `held` counts the messages that are ready or being sent, without late ones.
    slots: int
    taken: int = 0
    held: int = 0
    starved: bool = False
    by_account: Counter[UUID] = field(default_factory=Counter[UUID])
    turns: OrderedDict[UUID, deque[EndpointLane]] = field(
        default_factory=OrderedDict[UUID, deque[EndpointLane]]
    )

    @property
    def most_held(self) -> int:
        """How many messages of endpoints that do not answer soon may be held: two for a slot."""
        return 2 * self.slots

    @property
    def is_hungry(self) -> bool:
        """Whether the last claim left messages behind for which there is room now."""
        return self.starved and 2 * self.held <= self.most_held


class Lanes:
    """The lanes of all endpoints of one worker."""

    def __init__(
        self, *, per_endpoint: int, total: int, held: int, late: int | None = None
    ) -> None:
        """Allows at most `per_endpoint` requests at a time to one endpoint and `total` to all.

        In addition there may be `late` requests that take long (None: three times `total`). At most
        `held` messages are kept at a time, those being sent included.
        """
        self._per_endpoint = per_endpoint
        self._start = min(START, per_endpoint)
        self._total = total
        self._most_late = 3 * total if late is None else late
        self._most_held = held
        self._sending = 0
        self._late = 0
        self._late_by_account: Counter[UUID] = Counter()
        self._held = 0
        self._held_by_account: Counter[UUID] = Counter()
        self._lanes: OrderedDict[UUID, EndpointLane] = OrderedDict()
        self._jobs: dict[tuple[UUID, UUID], Job] = {}
        self._pools = {each: _Pool(max(1, int(total * share))) for each, share in _SHARES.items()}
        self._begun: deque[tuple[float, Job, int]] = deque()
        self._hungry = False
        self._is_short = False

    @property
    def sending(self) -> int:
        """How many requests are under way, late ones included."""
        return self._sending + self._late

    @property
    def held(self) -> int:
        """How many messages are claimed and not finished, those being sent included."""
        return self._held

    @property
    def room(self) -> int:
        """How many messages may be claimed now, over all endpoints."""
        return self._most_held - self._held

    @property
    def is_crowded(self) -> bool:
        """Whether a message waits for a slot, ready or not claimed yet."""
        return any(pool.turns or pool.starved for pool in self._pools.values())

    @property
    def is_hungry(self) -> bool:
        """Whether there is room now for messages that the last claim left behind."""
        return self._hungry

    def ask(self, due: Collection[Waiting], limit: int) -> dict[UUID, int]:
        """Returns how many messages to claim of which endpoints, at most `limit` in all.

        `due` are the endpoints that have messages due. Each account in turn gets at most half of
        what is left, so that none gets everything.
        """
        self._hungry = self._is_short = False
        for pool in self._pools.values():
            pool.starved = False
        accounts: dict[UUID, list[Waiting]] = {}
        for each in due:
            accounts.setdefault(each.account_id, []).append(each)
        asked: dict[UUID, int] = {}
        left = min(limit, self.room)
        asking: Counter[LaneStanding] = Counter()
        for account_id, endpoints in random.sample(list(accounts.items()), len(accounts)):
            free = self.room - self._held_by_account[account_id]
            share = min(max(left // 2, 1), left, free)
            for waiting in random.sample(endpoints, len(endpoints)):
                lane = self._lane(waiting.endpoint_id, account_id, waiting.failures)
                if not lane.is_hungry:  # a claim of many messages costs less for each
                    lane.has_more = True
                    continue
                room = min(lane.room, share) if len(asked) < _MOST_ASKED else 0
                self._is_short = self._is_short or room < lane.room
                if lane.standing is not LaneStanding.SOON:
                    pool = self._pools[lane.standing]
                    room = min(room, pool.most_held - pool.held - asking[lane.standing])
                    pool.starved = pool.starved or room < lane.room
                if room < 1:
                    lane.has_more = True
                    continue
                asked[waiting.endpoint_id] = room
                asking[lane.standing] += room
                share -= room
                left -= room
        return asked

    def accept(
        self, claimed: Sequence[ClaimedMessage], claimed_at: float, asked: dict[UUID, int]
    ) -> list[UUID]:
        """Adds the messages of one claim to the lanes of their endpoints.

        `claimed_at` is the moment on the monotonic clock at which they were claimed at the
        earliest, `asked` what `ask` returned for this claim. Returns the endpoints that have no
        more messages due.
        """
        counts = Counter([message.endpoint_id for message in claimed])
        firsts: dict[UUID, ClaimedMessage] = {}
        for message in claimed:
            firsts.setdefault(message.endpoint_id, message)
        for id, first in firsts.items():
            lane = self._lane(id, first.scope.account_id, first.failures)
            self._hold(lane, counts[id])
        for message in claimed:
            self._add(message, claimed_at)
        for id, room in asked.items():
            self._lanes[id].has_more = counts[id] >= room
        self._forget()
        return [id for id, room in asked.items() if counts[id] < room]

    def _add(self, message: ClaimedMessage, claimed_at: float) -> None:
        """Adds a message to the job of its delivery, and a job that is new to its lane."""
        job = self._jobs.get(message.key)
        if job is None:
            job = self._jobs[message.key] = Job(message.key, message.scope.account_id)
            lane = self._lanes[message.endpoint_id]
            lane.ready.append(job)
            self._queue(lane)
        job.messages.append((message, claimed_at))

    def take(self, now: float) -> Job | None:
        """Returns the next job, whose first message is sent `now`; None when none may be sent."""
        self._notice_late(now)
        if self._sending >= self._total:
            return None
        job = self._take_of(LaneStanding.SOON) or self._take_of_others()
        if job is not None:
            self._begin(job, now)
        return job

    def _take_of_others(self) -> Job | None:
        """Returns the next job of endpoints that do not answer soon, of a random standing."""
        waiting = [standing for standing in _OTHERS if self._pools[standing].turns]
        if len(waiting) > 1:
            random.shuffle(waiting)
        return next((job for one in waiting if (job := self._take_of(one)) is not None), None)

    def _take_of(self, standing: LaneStanding) -> Job | None:
        pool = self._pools[standing]
        for _ in range(len(pool.turns)):
            free = min(pool.slots - pool.taken, self._total - self._sending)
            if free <= 0:
                return None
            account_id, lanes = next(iter(pool.turns.items()))
            if pool.by_account[account_id] >= free:  # what is free is for the others
                pool.turns.move_to_end(account_id)
                continue
            lane = lanes.popleft()
            if lanes:
                pool.turns.move_to_end(account_id)
            else:
                del pool.turns[account_id]
            lane.queued = False
            if lane.may_send and lane.standing is standing:
                job = lane.ready.popleft()
                lane.sending += 1
                job.standing = standing
                return job
            self._queue(lane)
        return None

    def _begin(self, job: Job, now: float) -> None:
        pool = self._pools[job.standing]
        pool.taken += 1
        pool.by_account[job.account_id] += 1
        self._sending += 1
        job.is_sent, job.is_late = True, False
        self._await(job, now)
        self._queue(self._lanes[job.key[0]])

    def _await(self, job: Job, now: float) -> None:
        job.turn += 1
        self._begun.append((now, job, job.turn))

    def go_on(self, job: Job, now: float) -> bool:
        """Returns whether the next message of a job that was taken is sent now, in its slot.

        If not, the caller calls `finish`, and the rest of the job waits for another turn.
        """
        lane = self._lanes[job.key[0]]
        if job.is_late or not job.messages or lane.standing is not job.standing:
            return False
        self._await(job, now)
        return True

    def _notice_late(self, now: float) -> None:
        """Counts requests that take long as late, as far as the bounds of late ones allow."""
        while self._begun and self._begun[0][0] <= now - SOON_SECONDS:
            _, job, turn = self._begun.popleft()
            if not job.is_sent or job.is_late or job.turn != turn:
                continue
            mine = self._late_by_account[job.account_id]
            if mine >= self._most_late - self._late:  # what is free is for the others
                self._begun.append((now, job, turn))
                continue
            self._leave(job)
            job.is_late = True
            self._late += 1
            self._late_by_account[job.account_id] += 1
            lane = self._lanes[job.key[0]]
            lane.late += 1
            pool = self._pools[lane.standing]
            pool.held -= 1
            self._hungry = self._hungry or pool.is_hungry

    def _leave(self, job: Job) -> None:
        """Gives back the slot of a job."""
        pool = self._pools[job.standing]
        pool.taken -= 1
        pool.by_account[job.account_id] -= 1
        if not pool.by_account[job.account_id]:
            del pool.by_account[job.account_id]
        self._sending -= 1

    def sent(self, job: Job, seconds: float, *, in_time: bool, delivered: bool = True) -> None:
        """Removes the first message of a job, whose exchange took `seconds`.

        `in_time` is whether the endpoint answered within the timeout, `delivered` whether with
        success.
        """
        lane = self._lanes[job.key[0]]
        before = lane.standing
        lane.learn(seconds, in_time=in_time, delivered=delivered, most=self._per_endpoint)
        if lane.standing is not before:
            self._pools[before].held -= lane.waiting
            self._pools[lane.standing].held += lane.waiting
        self._drop(lane, job)

    def is_spared(self, job: Job) -> bool:
        """Returns whether a job's last message is to be released, as its endpoint fails now."""
        message, _ = job.messages[0]
        lane = self._lanes[job.key[0]]
        if lane.failures >= OPENS_AFTER > message.failures:
            return True
        return lane.is_doubted and lane.waiting > 1

    def is_sending(self, key: tuple[UUID, UUID]) -> bool:
        """Returns whether messages of that endpoint and delivery are held."""
        return key in self._jobs

    def unsent(self, job: Job) -> None:
        """Removes the first message of a job, which was not sent for a reason of our own."""
        self._drop(self._lanes[job.key[0]], job)

    def cut(self, job: Job, place: int) -> list[ClaimedMessage]:
        """Removes and returns the messages of a job from index `place` on, which are not sent."""
        lane = self._lanes[job.key[0]]
        taken = [job.messages[at][0] for at in range(place, len(job.messages))]
        for _ in taken:
            self._drop(lane, job, last=True)
        return taken

    def _hold(self, lane: EndpointLane, count: int) -> None:
        lane.held += count
        self._held += count
        self._held_by_account[lane.account_id] += count
        self._pools[lane.standing].held += count

    def _drop(self, lane: EndpointLane, job: Job, *, last: bool = False) -> None:
        if last:
            job.messages.pop()
        else:
            job.messages.popleft()
        self._hold(lane, -1)
        pool = self._pools[lane.standing]
        if (
            (lane.has_more and lane.is_hungry)
            or (self._is_short and 2 * self._held <= self._most_held)
            or pool.is_hungry
        ):
            self._hungry = True
        self._queue(lane)

    def finish(self, job: Job) -> None:
        """Gives the slot of a job back; the rest of its messages waits for another turn."""
        lane = self._lanes[job.key[0]]
        lane.sending -= 1
        if job.is_late:
            lane.late -= 1
            self._pools[lane.standing].held += 1
            self._late -= 1
            self._late_by_account[job.account_id] -= 1
        else:
            self._leave(job)
        job.is_sent = job.is_late = False
        if job.messages:
            lane.ready.appendleft(job)
        else:
            del self._jobs[job.key]
        self._queue(lane)

    def _lane(self, id: UUID, account_id: UUID, failures: int) -> EndpointLane:
        lane = self._lanes.get(id)
        if lane is None:
            lane = self._lanes[id] = EndpointLane(account_id, limit=self._start, failures=failures)
        else:
            self._lanes.move_to_end(id)
            if not lane.held:
                lane.hear_of(failures)  # other workers may have sent to it
        return lane

    def _queue(self, lane: EndpointLane) -> None:
        if not lane.queued and lane.may_send:
            lane.queued = True
            turns = self._pools[lane.standing].turns
            turns.setdefault(lane.account_id, deque()).append(lane)

    def _forget(self) -> None:
        """Drops the lanes that were idle for longest, so that their number stays bounded."""
        for id in list(self._lanes)[: max(len(self._lanes) - _KNOWN_LANES, 0)]:
            if not self._lanes[id].held:
                del self._lanes[id]
        for counts in (self._held_by_account, self._late_by_account):
            if len(counts) > _KNOWN_LANES:
                for account_id in [each for each, count in counts.items() if not count]:
                    del counts[account_id]
