"""What there is to claim: the endpoints that have messages, and when the first of each is due.

No I/O. It is filled by surveys of the outbox, which cost one descent of an index for each endpoint
with messages that wait, and is asked before every claim, which then looks at those endpoints alone.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from estafette.store.webhooks.survey import Waiting

# Of a worker's time, and of a connection, so much may go into surveys: with ten endpoints one is
# made as often as somebody calls, with ten thousand it is not.
_SHARE_WHEN_CALLED: Final = 0.1
_SHARE_BY_ITSELF: Final = 0.02


class Agenda:
    """What one worker knows of the outbox, by the monotonic clock."""

    def __init__(self, *, every_seconds: float) -> None:
        """A survey is wanted every so many seconds, if it is quick, or when somebody has called."""
        self._every = every_seconds
        self._waiting: dict[UUID, tuple[Waiting, float]] = {}
        self._surveyed_at = float("-inf")
        self._took = 0.0
        self._called = False

    def call(self) -> None:
        """There may be messages that the last survey has not seen."""
        self._called = True

    def survey_in(self, now: float) -> float:
        """In how many seconds a survey is wanted; not above zero: now."""
        if self._called:
            gap = self._took / _SHARE_WHEN_CALLED
        else:
            gap = max(self._every, self._took / _SHARE_BY_ITSELF)
        return self._surveyed_at + gap - now

    def surveying(self) -> None:
        """A survey begins: it sees whatever somebody has called for before."""
        self._called = False

    def surveyed(self, found: Iterable[Waiting], began: float, now: float) -> None:
        """Takes in what a survey has found, in the place of what was known."""
        self._waiting = {each.endpoint_id: (each, began + each.due_in_seconds) for each in found}
        self._surveyed_at = now
        self._took = now - began

    def due(self, now: float) -> list[Waiting]:
        """The endpoints that have messages due."""
        return [each for each, at in self._waiting.values() if at <= now]

    def next_in(self, now: float) -> float | None:
        """In how many seconds the next endpoint comes due that is not yet; None: none will."""
        later = [at for _, at in self._waiting.values() if at > now]
        return min(later) - now if later else None

    def emptied(self, endpoint_id: UUID) -> None:
        """A claim has found no more due messages of the endpoint than it took."""
        self._waiting.pop(endpoint_id, None)
