"""Logs of refused requests: a caller's first ones get a line each, the others are counted."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from estafette.http.logger import Logger

SECONDS = 10.0
"""How long the requests of a caller are counted together."""

LINES = 20
"""How many of them get a line of their own."""

_CALLERS = 1_000
"""How many callers are counted separately."""


class Refused(NamedTuple):
    """The caller and kind of refused requests: the client's address, the status, the key's id."""

    client: str | None
    status: int
    key_id: str | None


@dataclass(slots=True)
class _Count:
    since: float
    written: int = 1
    folded: int = 0


class Folding:
    """Decides for each refused request whether a line is written for it."""

    def __init__(self, logger: Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Logs how many lines were not written. `clock` gives seconds and never goes back."""
        self._logger = logger
        self._clock = clock
        self._counts: OrderedDict[Refused, _Count] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def takes(self, refused: Refused) -> bool:
        """Returns whether the request is only counted here, so that no line is written for it."""
        count = self._counts.get(refused)
        now = self._clock()
        if count is None or now - count.since >= SECONDS:
            self._begin(refused, count, now)
            return False
        if count.written < LINES:
            count.written += 1
            return False
        count.folded += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._look)
        return True

    def _begin(self, refused: Refused, before: _Count | None, now: float) -> None:
        if before is not None:
            self._tell(refused, before)
        self._counts[refused] = _Count(now)
        self._counts.move_to_end(refused)
        if len(self._counts) > _CALLERS:
            self._tell(*self._counts.popitem(last=False))

    def _look(self) -> None:
        """Logs the counts whose time is over, and looks again while any are left."""
        self._timer = None
        now = self._clock()
        for refused, count in list(self._counts.items()):
            if now - count.since >= SECONDS:
                del self._counts[refused]
                self._tell(refused, count)
        if any(count.folded for count in self._counts.values()):
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._look)

    def _tell(self, refused: Refused, count: _Count) -> None:
        if count.folded:
            self._logger.info("requests refused", count=count.folded, **refused._asdict())
