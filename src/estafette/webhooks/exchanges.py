"""What is kept of an attempt besides its result: the request as it was sent, and the answer.

Developers of receivers look at failed exchanges, at tests, and at a few successful ones. Keeping
all would cost more than sending them. Therefore only some are kept for an endpoint that is sent
many webhooks a second (docs/decisions/0061).
"""

from collections import OrderedDict
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.webhooks.outbox import ClaimedMessage
from estafette.webhooks.sender import ExchangeOutcome, Result

MOST_REQUEST_BYTES: Final = 8_192
MOST_ANSWER_BYTES: Final = 4_096

DELIVERED_A_SECOND: Final = 2
FAILED_A_SECOND: Final = 10
"""One worker keeps so many failed exchanges with an endpoint a second, and all tests."""

_ENDPOINTS: Final = 10_000


class Kept(NamedTuple):
    """The beginnings of a request and of its answer; None: not kept."""

    request: bytes | None = None
    answer: bytes | None = None


NOTHING_KEPT: Final = Kept()


class Exchanges:
    """Decides which exchanges one worker keeps."""

    def __init__(self, delivered: int = DELIVERED_A_SECOND, failed: int = FAILED_A_SECOND) -> None:
        """Keeps so many delivered and so many failed exchanges with an endpoint a second."""
        self._most = failed, delivered
        # The second in which one was last kept, and how many failed and were delivered in it.
        self._counts: OrderedDict[UUID, list[int]] = OrderedDict()

    def kept(self, claimed: ClaimedMessage, result: Result | str, now: float) -> Kept:
        """Returns what is kept of an attempt that began at `now` of the monotonic clock."""
        if isinstance(result, str) or not result.written:
            return NOTHING_KEPT
        is_delivered = result.outcome is ExchangeOutcome.DELIVERED
        is_room = self._is_room(claimed.endpoint_id, int(now), is_delivered)
        if not is_room and claimed.delivery_id is not None:
            return NOTHING_KEPT  # every test is kept
        request = without_values(result.written, result.private)
        return Kept(request[:MOST_REQUEST_BYTES], result.received[:MOST_ANSWER_BYTES])

    def _is_room(self, endpoint_id: UUID, second: int, is_delivered: int) -> bool:
        counts = self._counts.get(endpoint_id)
        if counts is None or counts[0] != second:
            self._counts[endpoint_id] = counts = [second, 0, 0]
            self._counts.move_to_end(endpoint_id)
            if len(self._counts) > _ENDPOINTS:
                self._counts.popitem(last=False)
        if counts[1 + is_delivered] >= self._most[is_delivered]:
            return False
        counts[1 + is_delivered] += 1
        return True


def without_values(written: bytes, private: frozenset[str]) -> bytes:
    """Returns a request without the values of the headers that are `private`."""
    if not private:
        return written
    head, end, body = written.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    shown = [
        name + b": (not shown)" if name.decode("latin-1").lower() in private else line
        for line in lines
        for name in [line.partition(b":")[0]]
    ]
    return b"\r\n".join(shown) + end + body
