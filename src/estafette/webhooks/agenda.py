"""Which endpoints have messages to claim, and when the first message of each is due.

No I/O. A survey of the outbox fills the agenda; it costs one descent of an index for each endpoint
with messages that wait. Before every claim the worker asks the agenda which endpoints to look at.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from estafette.store.webhooks.survey import Waiting

# The share of a worker's time that surveys may take: with ten endpoints one is made after every
# signal of new messages, with ten thousand it is not.
_SHARE_WHEN_CALLED: Final = 0.1
_SHARE_BY_ITSELF: Final = 0.02


class Agenda:
    """What one worker knows of the outbox, by the monotonic clock."""

    def __init__(self, *, every_seconds: float) -> None:
        """Plans a survey every `every_seconds` and after `call`, as long as surveys are quick."""
        self._every = every_seconds
        self._waiting: dict[UUID, tuple[Waiting, float]] = {}
        self._surveyed_at = float("-inf")
        self._took = 0.0
        self._called = False

    def call(self) -> None:
        """Notes that there may be messages which the last survey has not seen."""
        self._called = True

    def survey_in(self, now: float) -> float:
        """Returns in how many seconds a survey is wanted; zero or less for now."""
        if self._called:
            gap = self._took / _SHARE_WHEN_CALLED
        else:
            gap = max(self._every, self._took / _SHARE_BY_ITSELF)
        return self._surveyed_at + gap - now

    def surveying(self) -> None:
        """Notes that a survey begins. It will see the messages of all earlier calls."""
        self._called = False

    def surveyed(self, found: Iterable[Waiting], began: float, now: float) -> None:
        """Replaces what was known by what a survey `found`; it `began` then and ends `now`."""
        self._waiting = {each.endpoint_id: (each, began + each.due_in_seconds) for each in found}
        self._surveyed_at = now
        self._took = now - began

    def due(self, now: float) -> list[Waiting]:
        """Returns the endpoints that have messages due."""
        return [each for each, at in self._waiting.values() if at <= now]

    def next_in(self, now: float) -> float | None:
        """Returns in how many seconds the next endpoint becomes due; None: none will."""
        later = [at for _, at in self._waiting.values() if at > now]
        return min(later) - now if later else None

    def emptied(self, endpoint_id: UUID) -> None:
        """Notes that a claim took all due messages of the endpoint."""
        self._waiting.pop(endpoint_id, None)
