"""How long ways take: as the crow flies, or as a routing engine says where there is one."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from estafette.routing.ways import Crow, Point, Ways


class Measured(NamedTuple):
    """Ways, and why they are not the engine's where they should be."""

    ways: Ways
    trouble: str | None = None


class TravelTimes(Protocol):
    """What tells ways between points."""

    @property
    def along_streets(self) -> bool:
        """Whether ways are those of an engine that knows the streets, and how fast they are."""
        ...

    async def between(
        self, points: Sequence[Point], metres_per_second: float, traffic: float
    ) -> Measured:
        """Returns the ways from each point to each; never raises, and takes seconds at most.

        `metres_per_second` is the speed as the crow flies, traffic included; `traffic` is what is
        left of the speed in the traffic of the hour, 1 where nothing is in the way.
        """
        ...


class CrowTimes:
    """Ways as the crow flies: no table is made before a solver needs one."""

    @property
    def along_streets(self) -> bool:
        """No street is known."""
        return False

    async def __aenter__(self) -> Self:
        """Begins; there is nothing to open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends; there is nothing to close."""

    async def between(
        self, points: Sequence[Point], metres_per_second: float, traffic: float
    ) -> Measured:
        """Returns the ways at that speed."""
        return Measured(Crow(tuple(points), metres_per_second))
