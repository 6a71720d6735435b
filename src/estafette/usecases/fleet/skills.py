"""Skills in a problem of routing: of those that drivers have, what some delivery demands.

What nobody demands would only part drivers who can do the same, whom a solver plans together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from estafette.core.deliveries.skills import keys_of
from estafette.core.fleet.driver import Driver
from estafette.routing.problem import MOST_SKILLS, Vehicle
from estafette.usecases.fleet.sight import Working

_Keys = frozenset[str]
_NONE: Final[_Keys] = frozenset()
_NOBODY: Final[frozenset[UUID]] = frozenset()


@dataclass
class Skills:
    """The skills that are demanded in one problem, as far as there is room for them in it."""

    _had: dict[UUID, _Keys | None] = field(default_factory=dict[UUID, _Keys | None])
    _without: dict[_Keys, frozenset[UUID]] = field(default_factory=dict[_Keys, frozenset[UUID]])
    _planned: set[str] = field(default_factory=set[str])

    def without(self, names: Sequence[str], drivers: Sequence[Working]) -> frozenset[UUID]:
        """Returns the drivers of the problem who have not all of these skills.

        All drivers are in the problem by then. Many deliveries demand the same.
        """
        if not names:
            return _NOBODY
        if not self._had:
            self._had = {one.driver.id: one.driver.skill_keys for one in drivers}
        keys = keys_of(names)
        if keys not in self._without:
            self._without[keys] = frozenset(
                id for id, had in self._had.items() if had is not None and not keys <= had
            )
        return self._without[keys]

    def demanded(self, names: Sequence[str]) -> _Keys | None:
        """Returns what a job demands, which is planned with from now on; None: there is no room.

        Merchants can think of more names than a solver takes: then the drivers are barred from the
        job, which comes to the same plan, though to fewer ways to make it better.
        """
        if not names:
            return _NONE
        keys = keys_of(names)
        if len(self._planned | keys) > MOST_SKILLS:
            return None
        self._planned |= keys
        return keys

    def given(self, vehicle: Vehicle, driver: Driver) -> Vehicle:
        """Returns the vehicle with those skills of its driver that some job demands."""
        if not self._planned:
            return vehicle
        had, planned = self._had[driver.id], frozenset(self._planned)
        return replace(vehicle, skills=planned if had is None else had & planned)
