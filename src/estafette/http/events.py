"""Server-sent events: their format, and the number of streams that may be open at a time."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

HEARTBEAT_SECONDS: Final = 15.0
"""How often an open stream sends something: less than the time-outs of proxies (nginx: 60 s)."""

MOST_STREAMS: Final = 2_000
"""How many open pages of one kind a process keeps up to date at most, unless told otherwise."""

MOST_STREAMS_EACH: Final = 20
"""How many of them may belong to one person, or be about one delivery: enough for windows."""


def event(name: str, data: str, *, id: str | None = None) -> bytes:
    """Returns a server-sent event (WHATWG HTML, 9.2), with all line breaks in `data` kept."""
    lines = [f"event: {name}"]
    if id is not None:
        lines.append(f"id: {id}")
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(lines) + "\n\n").encode()


def pulse(seconds: float) -> bytes:
    """Returns the event that says that a stream works, and in how many seconds the next one comes.

    A page that receives none for longer knows that the stream was interrupted on the way.
    """
    return event("pulse", f"{seconds:g}")


class CrowdedError(Exception):
    """No more streams are accepted: who or what it is for, or this process, has too many."""


class Crowd:
    """Counts the open streams of a process, by who reads them or what they are about."""

    def __init__(self, most: int = MOST_STREAMS, most_each: int = MOST_STREAMS_EACH) -> None:
        """Allows at most `most` open streams in the process, and `most_each` of one id."""
        self._most = most
        self._most_each = most_each
        self._open: Counter[UUID] = Counter()
        self._all = 0
        self._closed = False

    @property
    def open_streams(self) -> int:
        """How many streams are open now."""
        return self._all

    def close(self) -> None:
        """Accepts no more streams."""
        self._closed = True

    @contextmanager
    def enter(self, id: UUID) -> Generator[None]:
        """Counts a stream of an id until the block ends. Raises CrowdedError at a limit."""
        if self._closed or self._all >= self._most or self._open[id] >= self._most_each:
            raise CrowdedError
        self._all += 1
        self._open[id] += 1
        try:
            yield
        finally:
            self._all -= 1
            self._open[id] -= 1
            if not self._open[id]:
                del self._open[id]
