"""What is kept of an attempt besides its result: the request as it was sent, and the answer.

Whoever writes a receiver looks at those that failed, at tests, and at one or the other that went
well. To keep all would cost more than to send them: of an endpoint that is sent many webhooks a
second only some are kept (docs/decisions/0061).
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
"""So many exchanges with an endpoint are kept by one worker in each second, and every test."""

_ENDPOINTS: Final = 10_000


class Kept(NamedTuple):
    """The beginnings of a request and of its answer; None: not kept."""

    request: bytes | None = None
    answer: bytes | None = None


NOTHING_KEPT: Final = Kept()


class Exchanges:
    """Decides what one worker keeps."""

    def __init__(self, delivered: int = DELIVERED_A_SECOND, failed: int = FAILED_A_SECOND) -> None:
        """Keeps so many exchanges with an endpoint in each second."""
        self._most = {True: delivered, False: failed}
        # the second in which one was last kept, and how many were in it
        self._counts: OrderedDict[tuple[UUID, bool], tuple[int, int]] = OrderedDict()

    def kept(self, claimed: ClaimedMessage, result: Result | str, now: float) -> Kept:
        """Returns what is kept of an attempt that began at `now` of the monotonic clock."""
        if isinstance(result, str) or not result.written:
            return NOTHING_KEPT
        is_delivered = result.outcome is ExchangeOutcome.DELIVERED
        if not claimed.is_test and not self._is_room((claimed.endpoint_id, is_delivered), int(now)):
            return NOTHING_KEPT
        request = without_values(result.written, result.private)
        return Kept(request[:MOST_REQUEST_BYTES], result.received[:MOST_ANSWER_BYTES])

    def _is_room(self, kind: tuple[UUID, bool], second: int) -> bool:
        before, count = self._counts.get(kind, (0, 0))
        if before != second:
            count = 0
        if count >= self._most[kind[1]]:
            return False
        self._counts[kind] = second, count + 1
        if not count:
            self._counts.move_to_end(kind)
            if len(self._counts) > _ENDPOINTS:
                self._counts.popitem(last=False)
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
