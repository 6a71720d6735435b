"""Drivers who may not be given a delivery now, by rules that no plan knows: cash, room, a pause.

The verb that makes an offer decides about these. What it has refused is planned for others for a
minute, instead of for the same driver again and again.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from estafette.core.fleet.refusals import FleetRefusal

SECONDS: Final = 60.0
_MOST: Final = 10_000


class Denials:
    """What offers were refused lately, in one process: forgetting them costs one more try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._until: dict[tuple[UUID, UUID], tuple[float, str]] = {}

    def note(self, delivery_id: UUID, driver_id: UUID, refusal: FleetRefusal) -> None:
        """Notes that a driver may not be given a delivery."""
        if len(self._until) >= _MOST:
            self._until = {pair: one for pair, one in self._until.items() if self._holds(one)}
        if len(self._until) < _MOST:
            self._until[delivery_id, driver_id] = (self._clock() + SECONDS, refusal.code)

    def of(self, delivery_id: UUID, driver_id: UUID) -> str | None:
        """Returns the code of the refusal, while it holds."""
        found = self._until.get((delivery_id, driver_id))
        return found[1] if found and self._holds(found) else None

    def _holds(self, one: tuple[float, str]) -> bool:
        return one[0] > self._clock()
