"""Taps: what a driver did on the page, with or without a connection, and when it was done.

A tap comes with the phone's own time, in a batch that says what the phone's clock shows now. What
that clock is wrong by is the same for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MOST_AT_ONCE = 50
"""How many taps one batch has at most."""

LATEST = timedelta(days=3)
"""How long after it was made a tap is still taken."""

KEPT = timedelta(days=14)
"""How long it is kept which taps were taken: longer than one can come late, by any clock."""

CLOCK_TOLERANCE = timedelta(seconds=2)
"""A clock that differs by less is right: what a batch was under way for cannot be told apart.

Nobody reads what became of a tap and makes the next one within it: so a tap of a phone whose clock
is a little behind is not taken for one that was made before that was known.
"""

LONGEST_SEQUENCE = 2**31
LONGEST_NOTE = 500


class TapKind(StrEnum):
    """What was done."""

    SHIFT_STARTED = "shift_started"
    SHIFT_ENDED = "shift_ended"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_REFUSED = "offer_refused"
    ARRIVED = "arrived"
    PICKED_UP = "picked_up"
    ON_THE_WAY = "on_the_way"
    HANDED_OVER = "handed_over"
    LEFT_AT_DOOR = "left_at_door"
    ATTEMPT_FAILED = "attempt_failed"
    HANDED_BACK = "handed_back"
    CASH_DECLARED = "cash_declared"
    PLACE_FOUND = "place_found"
    """The drop-off is where the driver stands, whatever its address says."""

    @property
    def is_about_stop(self) -> bool:
        """Whether it is about one delivery that was offered or given to the driver."""
        return self not in _OF_DRIVER


_OF_DRIVER = frozenset({TapKind.SHIFT_STARTED, TapKind.SHIFT_ENDED, TapKind.CASH_DECLARED})


class TapRefusal(StrEnum):
    """Why a tap was not done. The page says each in words that a driver understands."""

    TOO_LATE = "too_late"
    """It is older than LATEST."""
    NOT_YOURS = "not_yours"
    """There is no such delivery, or it is not this driver's."""
    OFFER_OVER = "offer_over"
    """The offer has ended, or somebody else has the delivery."""
    TAKEN_BACK = "taken_back"
    """It was taken back or given to another driver."""
    OVER = "over"
    """The delivery has ended: it was cancelled, or handed over before."""
    NOT_NOW = "not_now"
    """The delivery is not where this could follow."""
    EARLIER_REFUSED = "earlier_refused"
    """An earlier tap of the same stop was refused, and this one was made before that was known."""
    NO_SHIFT = "no_shift"
    """The driver is not on shift."""
    HAS_PARCELS = "has_parcels"
    """A driver with parcels cannot end the shift."""
    FULL = "full"
    """The vehicle has no room for it."""
    LACKS_SKILL = "lacks_skill"
    """The driver has not all skills that the delivery demands."""
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"
    PROOF_MISSING = "proof_missing"
    """The merchant or the company wants a proof that is not there."""
    CASH_REFUSED = "cash_refused"
    """The sum of cash is not what is to be taken, or the driver has too much already."""
    PLACE_REFUSED = "place_refused"
    """The place is none, or too far from the address."""
    REASON_MISSING = "reason_missing"
    MAY_NOT_LEAVE = "may_not_leave"
    """Nobody has allowed that the parcel is left at the door."""
    PAUSED = "paused"
    """The company has paused the driver."""


@dataclass(frozen=True, slots=True)
class Tap:
    """One thing that a driver did on the page.

    `sequence` counts the taps of a device without a gap, from 1; `key` is its own for good. `about`
    is the assignment, `at` the time by the phone's clock. `facts` are those of its kind.
    """

    key: UUID
    sequence: int
    kind: TapKind
    at: datetime
    about: UUID | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def text(self, name: str) -> str | None:
        """Returns a fact that is a text; None where there is none, or an empty one."""
        value = self.facts.get(name)
        return value if isinstance(value, str) and value else None

    def number(self, name: str) -> int | None:
        """Returns a fact that is a number."""
        value = self.facts.get(name)
        return value if isinstance(value, int) else None


def clock_error(phone_now: datetime, now: datetime) -> timedelta:
    """Returns what has to be added to times of a phone whose clock shows `phone_now` at `now`."""
    error = now - phone_now
    return timedelta() if abs(error) <= CLOCK_TOLERANCE else error


def corrected(taps: Sequence[Tap], phone_now: datetime, now: datetime) -> list[datetime]:
    """Returns when taps, in the order of their sequence, were made by our clock.

    None is later than `now`, and none earlier than one before it: a clock that was set meanwhile
    does not change the order of what was done.
    """
    error = clock_error(phone_now, now)
    times: list[datetime] = []
    for tap in taps:
        at = min(tap.at + error, now)
        times.append(max(at, times[-1]) if times else at)
    return times
