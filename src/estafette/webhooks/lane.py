"""What is known of one endpoint: how it answered lately, its limits, the messages ready for it.

No I/O and no clock: `lanes.py` holds the lanes of all endpoints and decides whose turn it is.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from uuid import UUID

from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.store.webhooks.outbox import ClaimedMessage

# Requests at a time: an unknown endpoint starts with one, each answer in time allows one more, and
# an answer that came too late halves their number.
START: Final = 1
_LEAST: Final = 1
# Messages held ready for an endpoint: as many as it answers in this time, or so many for each of
# the requests that it may have at a time.
_AHEAD_SECONDS: Final = 1.0
_AHEAD_TIMES: Final = 63
_QUICK_SECONDS: Final = _AHEAD_SECONDS / _AHEAD_TIMES
# An endpoint that answers within this time on average answers soon; a longer request is late.
SOON_SECONDS: Final = 0.5


class LaneStanding(Enum):
    """How an endpoint has answered lately."""

    __hash__ = object.__hash__  # each is one object; Enum's own is a call in Python

    SOON = "answers soon"
    UNKNOWN = "nothing is known of it"
    SLOW = "answers in time, and not soon"
    FAILING = "failed again and again or was too late: it is sent one message at a time"


@dataclass(slots=True, eq=False)
class Job:
    """Messages of one delivery for one endpoint, sent one after another.

    Each comes with the moment, on the monotonic clock, at which it was claimed at the earliest.
    While it `is_sent`, unless it `is_late`, it takes one of the slots for endpoints of that
    `standing`; `turn` counts the messages sent.
    """

    key: tuple[UUID, UUID]
    account_id: UUID
    messages: deque[tuple[ClaimedMessage, float]] = field(default_factory=deque)
    standing: LaneStanding = LaneStanding.UNKNOWN
    is_sent: bool = False
    is_late: bool = False
    turn: int = 0


@dataclass(slots=True, eq=False)
class EndpointLane:
    """The messages that are ready for one endpoint, and how many are sent at a time.

    `limit` bounds the requests under way, `quota` the messages held, those under way included.
    `failures` counts those in a row, `late` the requests under way that take long. `standing`
    follows from the fields above it; it is kept because it is read several times for each message.
    """

    account_id: UUID
    limit: float = START
    seconds: float | None = None
    quota: int = 0
    sending: int = 0
    late: int = 0
    held: int = 0
    failures: int = 0
    in_time: bool = True
    has_more: bool = False
    queued: bool = False
    standing: LaneStanding = LaneStanding.UNKNOWN
    ready: deque[Job] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Sets the standing that follows from the other fields."""
        self.quota = int(2 * self.limit)
        self._judge()

    def hear_of(self, failures: int) -> None:
        """Notes that the last `failures` attempts of all workers have failed in a row."""
        self.failures = failures
        self._judge()

    @property
    def is_doubted(self) -> bool:
        """Whether it failed repeatedly, or its last answer came too late."""
        return self.failures >= OPENS_AFTER or not self.in_time

    @property
    def waiting(self) -> int:
        """How many messages are held, without those whose requests take long."""
        return self.held - self.late

    def _judge(self) -> None:
        if self.is_doubted:
            self.standing = LaneStanding.FAILING
        elif self.seconds is None:
            self.standing = LaneStanding.UNKNOWN
        else:
            self.standing = LaneStanding.SOON if self.seconds <= SOON_SECONDS else LaneStanding.SLOW

    @property
    def room(self) -> int:
        """How many messages may be claimed for it now; one where its answers are in doubt."""
        most = 1 if self.is_doubted or self.seconds is None else self.quota
        return max(most - self.held, 0)

    @property
    def is_hungry(self) -> bool:
        """Whether half of the `quota` is free, or fewer messages are held than may be sent now."""
        return 2 * self.held <= self.quota or self.held < self.limit

    @property
    def may_send(self) -> bool:
        """Whether a job is ready and one more request is allowed.

        Where the endpoint should answer soon and a request takes long, no other begins before its
        end.
        """
        if not self.ready:
            return False
        if self.standing is LaneStanding.FAILING:
            return self.sending == 0
        if self.late and (self.seconds is None or self.seconds <= SOON_SECONDS):
            return False
        return self.sending + 1 <= self.limit

    def learn(self, seconds: float, *, in_time: bool, delivered: bool, most: int) -> None:
        """Adapts the limits to a finished exchange."""
        self.failures = 0 if delivered else self.failures + 1
        self.in_time = in_time
        if in_time:
            self.limit = min(self.limit + 1, most)
        else:
            self.limit = max(self.limit / 2, min(_LEAST, most))
        self.seconds = seconds if self.seconds is None else 0.8 * self.seconds + 0.2 * seconds
        times = _AHEAD_SECONDS / self.seconds if self.seconds > _QUICK_SECONDS else _AHEAD_TIMES
        self.quota = int(self.limit * (1 + times))
        self._judge()
