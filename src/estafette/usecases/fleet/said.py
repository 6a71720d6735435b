"""What was said of deliveries that wait, so that a process says the same again but seldom."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from estafette.core.fleet.dispatching import Decision, Outcome
from estafette.store.fleet import decisions
from estafette.usecases.platform import Platform

SECONDS: Final = 60.0
"""How long it is remembered: another process may have said something else meanwhile."""

_MOST: Final = 10_000
_REPEATED: Final = frozenset({Outcome.NOBODY, Outcome.LOST_SIGHT})

_What = tuple[Outcome, object, object]


class Said:
    """What one process has said lately: forgetting it costs a look into a table."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._said: dict[object, tuple[_What, float]] = {}

    def news(self, made: Sequence[Decision]) -> list[Decision]:
        """Returns those of the decisions that say something else than was said, and notes them."""
        now = self._clock()
        if len(self._said) > _MOST:
            self._said = {key: one for key, one in self._said.items() if one[1] > now}
        return [one for one in made if self._is_news(one, now)]

    async def write(self, platform: Platform, made: Sequence[Decision]) -> None:
        """Writes those of the decisions down that are `news`."""
        if news := self.news(made):
            async with platform.pool.acquire() as connection:
                await decisions.add(connection, news)

    def _is_news(self, one: Decision, now: float) -> bool:
        key = (one.account_id, one.delivery_id)
        if one.outcome not in _REPEATED:
            self._said.pop(key, None)
            return True
        what = (one.outcome, one.driver_id, one.facts.get("why"))
        before, until = self._said.get(key, (None, now))
        if before == what and until > now:
            return False
        if len(self._said) <= _MOST:
            self._said[key] = (what, now + SECONDS)
        return True
