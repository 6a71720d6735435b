"""Assignments: that one delivery is offered or given to one driver.

What each step of the driver means for the delivery is said here alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import By
from estafette.core.deliveries.delivery import COURSE, Progress, Status, way
from estafette.core.fleet.driver import Capacity

MOST_ASSIGNMENTS = 200
"""How many assignments one delivery has at most, from its creation to its end."""

LONGEST_REASON = 500
"""How long a reason may be, in characters."""

SHORTEST_OFFER = timedelta(seconds=5)
LONGEST_OFFER = timedelta(hours=1)
"""Between these a driver has to answer an offer."""


class AssignmentState(StrEnum):
    """What became of an assignment."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DONE = "done"
    """The driver handed the parcel over."""
    REFUSED = "refused"
    EXPIRED = "expired"
    """Nobody answered in time."""
    RELEASED = "released"
    """It was taken back, handed back, or went to somebody else; or the delivery ended otherwise."""


OPEN = frozenset({AssignmentState.OFFERED, AssignmentState.ACCEPTED})
"""From these it goes on; nothing follows the others."""

TRANSITIONS: Mapping[AssignmentState, frozenset[AssignmentState]] = {
    AssignmentState.OFFERED: frozenset(
        {
            AssignmentState.ACCEPTED,
            AssignmentState.REFUSED,
            AssignmentState.EXPIRED,
            AssignmentState.RELEASED,
        }
    ),
    AssignmentState.ACCEPTED: frozenset({AssignmentState.DONE, AssignmentState.RELEASED}),
    AssignmentState.DONE: frozenset(),
    AssignmentState.REFUSED: frozenset(),
    AssignmentState.EXPIRED: frozenset(),
    AssignmentState.RELEASED: frozenset(),
}


class Step(StrEnum):
    """What a driver does with a delivery, in order."""

    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    """At the pickup."""
    PICKED_UP = "picked_up"
    ON_THE_WAY = "on_the_way"
    """To this drop-off, or near it."""
    HANDED_OVER = "handed_over"


STATUS_AFTER: Mapping[Step, Status] = {
    Step.ACCEPTED: Status.ASSIGNED,
    Step.ARRIVED: Status.PICKUP_READY,
    Step.PICKED_UP: Status.IN_TRANSIT,
    Step.ON_THE_WAY: Status.OUT_FOR_DELIVERY,
    Step.HANDED_OVER: Status.DELIVERED,
}
"""Where a delivery is after each step."""

GIVEN_BACK = Status.PENDING
"""Where a delivery is whose driver has given it back before the pickup."""


def moves_for(step: Step, progress: Progress) -> tuple[Status, ...] | None:
    """Returns the statuses that a delivery passes by a step, in order; none where it is there.

    What stalled returns to its course first. None: the step cannot be taken any more.
    """
    goal = STATUS_AFTER[step]
    if progress.status in COURSE and COURSE.index(progress.status) >= COURSE.index(goal):
        return ()  # somebody was faster: time moved it, or the operator did
    if progress.status is Status.AWAITING_PAYMENT or progress.is_final:
        return None
    before = progress.before_stall
    if before and before in COURSE and COURSE.index(before) >= COURSE.index(goal):
        return (before,) if before in progress.allowed() else None
    return way(progress, goal)


def state_after(status: Status, *, was: AssignmentState) -> AssignmentState:
    """Returns the state of an assignment whose delivery came to a status, whoever moved it."""
    if was not in OPEN:
        return was
    if status is Status.DELIVERED and was is AssignmentState.ACCEPTED:
        return AssignmentState.DONE
    if status in ENDING or (was is AssignmentState.OFFERED and status in ON_BOARD):
        return AssignmentState.RELEASED
    return was


ENDING = frozenset({Status.PENDING, Status.DELIVERED, Status.CANCELLED, Status.FAILED})
"""With these a delivery is nobody's: pending once more, or over."""

ON_BOARD = frozenset({Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})
"""With these its driver has the parcel."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One delivery with one driver of its company.

    `number` counts those of the delivery. `grams` is what the parcel takes of the vehicle. `by` is
    who gave it; `reason` why, and after its end why it ended. `answer_by` is until when an offer
    can be accepted. `arrived_at`, `picked_up_at` and `ended_at` are by the driver's own time.
    """

    company_id: UUID
    id: UUID
    scope: Scope
    delivery_id: UUID
    number: int
    driver_id: UUID
    state: AssignmentState
    grams: int
    by: By
    created_at: datetime
    reason: str | None = None
    answer_by: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    picked_up_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether something can follow."""
        return self.state in OPEN

    @property
    def is_on_board(self) -> bool:
        """Whether the driver has the parcel."""
        return self.state is AssignmentState.ACCEPTED and self.picked_up_at is not None

    def moved(
        self, to: AssignmentState, at: datetime, reason: str | None = None
    ) -> "Assignment | None":
        """Returns the assignment after one transition, or None when the table does not allow it.

        Without a `reason` the one that it was given for stays.
        """
        if to not in TRANSITIONS[self.state]:
            return None
        return replace(
            self,
            state=to,
            reason=self.reason if reason is None else reason[:LONGEST_REASON],
            answer_by=None,
            accepted_at=at if to is AssignmentState.ACCEPTED else self.accepted_at,
            ended_at=None if to in OPEN else at,
        )


def is_left_behind(assignment: Assignment, status: Status) -> bool:
    """Returns whether a delivery has come to a status without this assignment of it.

    An offer of what is pending is open, whatever came before it.
    """
    if not assignment.is_open or (
        status is Status.PENDING and assignment.state is AssignmentState.OFFERED
    ):
        return False
    if state_after(status, was=assignment.state) is not assignment.state:
        return True
    return status in ON_BOARD and not assignment.is_on_board


@dataclass(frozen=True, slots=True)
class Load:
    """What a driver has accepted and not yet ended."""

    grams: int = 0
    parcels: int = 0
    on_board: int = 0

    def has_room_for(self, grams: int, capacity: Capacity) -> bool:
        """Returns whether one more parcel fits into the vehicle with all that was accepted."""
        return self.grams + grams <= capacity.grams and self.parcels + 1 <= capacity.parcels
