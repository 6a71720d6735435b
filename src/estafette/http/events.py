"""Server-sent events: how one is written, and how many streams are open at a time."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

HEARTBEAT_SECONDS: Final = 15.0
"""Below the idle time-outs of common proxies (nginx: 60 s)."""

MOST_STREAMS: Final = 2_000
"""How many pages of people are kept up to date by a process at a time."""

MOST_STREAMS_EACH: Final = 20
"""How many of them may be one person's: their windows, and not a program of theirs."""


def event(name: str, data: str, *, id: str | None = None) -> bytes:
    """One server-sent event (WHATWG HTML, 9.2). Line breaks in `data`, of any kind, are kept."""
    lines = [f"event: {name}"]
    if id is not None:
        lines.append(f"id: {id}")
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return ("\n".join(lines) + "\n\n").encode()


def pulse(seconds: float) -> bytes:
    """The event that says that a stream lives, and after how many seconds it says so again.

    A page that hears none for longer knows that something between has dropped the stream.
    """
    return event("pulse", f"{seconds:g}")


class CrowdedError(Exception):
    """No more streams are accepted: this person, or this process, has too many."""


class Crowd:
    """Counts the open streams of people, by person."""

    def __init__(self, most: int = MOST_STREAMS, most_each: int = MOST_STREAMS_EACH) -> None:
        """At most `most` are open in the process, and at most `most_each` of one person."""
        self._most = most
        self._most_each = most_each
        self._open: Counter[UUID] = Counter()

    @property
    def open_streams(self) -> int:
        """How many are open now."""
        return self._open.total()

    @contextmanager
    def enter(self, person_id: UUID) -> Generator[None]:
        """Counts a stream of a person until the block ends. Raises CrowdedError at a bound."""
        if self._open.total() >= self._most or self._open[person_id] >= self._most_each:
            raise CrowdedError
        self._open[person_id] += 1
        try:
            yield
        finally:
            self._open[person_id] -= 1
            if not self._open[person_id]:
                del self._open[person_id]
