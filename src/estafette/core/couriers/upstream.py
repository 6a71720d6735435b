"""A delivery that another platform carries: its state there, and what that means here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from estafette.core.deliveries.delivery import COURSE, FINAL, Progress, Status, way


class Recalled(StrEnum):
    """The result of cancelling a delivery at another platform."""

    CANCELLED = "cancelled"
    """The delivery is cancelled there, now or before."""
    REFUSED = "refused"
    """It has gone too far there."""
    UNKNOWN = "unknown"
    """There was no clear answer: it may be cancelled there or not."""


@dataclass(frozen=True, slots=True)
class UpstreamStep:
    """One event of the delivery there: its id there, the status it reached, and a note."""

    id: str
    status: Status
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What another platform reports of a delivery.

    `steps` are its events there from the creation on, oldest first; empty where it reports none.
    `pin` is what the recipient will have to say, where that platform asks for one.
    """

    status: Status
    steps: Sequence[UpstreamStep] = ()
    pin: str | None = None

    @property
    def end(self) -> Status | None:
        """How the delivery has ended there; None: it has not.

        The status and the steps may have been requested one after the other; an end that either of
        them shows is true.
        """
        latest = (self.status, *(step.status for step in self.steps[-1:]))
        return next((status for status in latest if status in FINAL), None)


@dataclass(slots=True)
class Following:
    """What a report means: the moves to make, in order, each with its note.

    `seen` is the id of the last step that is applied with these. `is_news` is whether the report
    held anything that was not applied before. `conflict` is the status there where the delivery
    cannot come to it here: an end, or any other status while it was given up here.
    """

    moves: list[tuple[Status, str | None]] = field(default_factory=list[tuple[Status, str | None]])
    seen: str | None = None
    is_news: bool = False
    conflict: Status | None = None


def follow(progress: Progress, report: Report, seen: str | None) -> Following:
    """Returns what a report means for a delivery that has come as far as `progress`.

    `seen` is the id of the last step that was applied, None before the first report. A report
    without that step is older than it, and changes nothing unless it shows an end: nothing follows
    an end, so that it is never outdated. A step that the delivery has passed is skipped, and missed
    steps are made before the one that followed them. The delivery goes back here only where a step
    goes back there.
    """
    following = Following(seen=seen)
    was, fresh = _fresh(report.steps, seen)
    if not report.steps:
        fresh = [UpstreamStep("", report.status)] if _is_onwards(progress, report.status) else []
    for step in fresh:
        if step.status is not Status.PENDING or was in _TAKEN:  # else it has only begun
            progress = _go(following, progress, step)
        was = step.status
        following.seen = step.id or seen
        following.is_news = True
    end = report.end
    if end and progress.status is not end:
        progress = _go(following, progress, UpstreamStep("", end))
        following.is_news = True
    if end and progress.status is not end:
        following.conflict = end
    elif not end and progress.status in _GIVEN_UP:
        following.conflict = report.status
    return following


_GIVEN_UP = frozenset({Status.CANCELLED, Status.FAILED})
_TAKEN = frozenset({Status.ASSIGNED, Status.PICKUP_READY, Status.STALLED})


def _fresh(
    steps: Sequence[UpstreamStep], seen: str | None
) -> tuple[Status | None, Sequence[UpstreamStep]]:
    """Returns the status of the step that was seen, and the steps after it; none without it."""
    if seen is None:
        return None, steps
    for index, step in enumerate(steps):
        if step.id == seen:
            return step.status, steps[index + 1 :]
    return None, ()


def _go(following: Following, progress: Progress, step: UpstreamStep) -> Progress:
    """Adds the moves that bring the delivery to a step, if the transitions allow it."""
    for status in _way_to(progress, step.status):
        after = progress.moved(status)
        if after is None:  # `way` returns only legal transitions
            return progress
        following.moves.append((status, step.note if status is step.status else None))
        progress = after
    return progress


def _way_to(progress: Progress, to: Status) -> tuple[Status, ...]:
    if to is progress.status:
        return ()
    found = way(progress, to)
    if found is None and progress.before_stall and to in COURSE:
        return (
            progress.before_stall,
        )  # it has come further here, and it goes on there: the stall ends
    return found or ()


def _is_onwards(progress: Progress, to: Status) -> bool:
    """Returns whether a status that is reported without its history is not behind `progress`."""
    if to is progress.status:
        return False
    if to not in COURSE:
        return True
    at = progress.before_stall or progress.status
    return at in COURSE and COURSE.index(to) > COURSE.index(at)
