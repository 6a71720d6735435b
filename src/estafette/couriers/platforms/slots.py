"""How many errands a worker may run at a time, and for which companies.

Placing and looking each have slots that the other cannot take. No I/O: the worker asks for the
rooms before it claims, and says which errands it has begun and how they ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from estafette.core.couriers.dispatch import Room, Rooms

AT_ONCE: Final = 64
"""How many errands one worker has under way at most."""

_RESERVED: Final = AT_ONCE // 4
"""How many of them are for placing only, and as many for looking only, so that both go on."""

_UNPROVEN: Final = AT_ONCE // 2
"""How many are for companies that are not known yet, or did not answer when last asked."""

PLACING: Final = 4
"""How many deliveries are placed at one company at a time."""

LOOKING: Final = 4
"""How many deliveries are looked at there at a time, if it answers well.

At a company that wants to be asked less, or does not answer, one is looked at a time.
"""

_FIRST_LOOKING: Final = 2
_GROWTH: Final = 0.25


@dataclass(frozen=True, slots=True)
class Manners:
    """How a company's platform has behaved lately.

    `rests_for` is for how many seconds nothing may be asked of it, since it failed again and again
    or asks for a pause. `answers` is whether it answered when last asked, None: not asked yet.
    """

    rests_for: float = 0.0
    answers: bool | None = None


@dataclass(slots=True)
class _Company:
    placing: int = 0
    looking: int = 0
    width: float = _FIRST_LOOKING


class ErrandSlots:
    """The slots of one worker."""

    def __init__(self, manners: Callable[[UUID], Manners]) -> None:
        """`manners` returns how a company's platform behaves."""
        self._manners = manners
        self._companies: dict[UUID, _Company] = {}

    @property
    def under_way(self) -> int:
        """How many errands are under way."""
        return sum(one.placing + one.looking for one in self._companies.values())

    def begun(self, company_id: UUID, *, is_look: bool) -> None:
        """Notes that an errand has begun."""
        one = self._companies.setdefault(company_id, _Company())
        if is_look:
            one.looking += 1
        else:
            one.placing += 1

    def ended(self, company_id: UUID, *, is_look: bool) -> None:
        """Notes that an errand is over."""
        one = self._companies[company_id]
        if is_look:
            one.looking -= 1
        else:
            one.placing -= 1
        manners = self._manners(company_id)
        if manners.answers and not manners.rests_for:
            one.width = min(one.width + _GROWTH, LOOKING)
        else:
            one.width = max(one.width / 2, 1.0)

    def rooms(self) -> tuple[Rooms, float | None]:
        """Returns what may be claimed now, and after how many seconds the next rest is over.

        A rest is that of a company that may not be asked now. The seconds are None when none rests.
        """
        placing = sum(one.placing for one in self._companies.values())
        looking = sum(one.looking for one in self._companies.values())
        unproven = 0
        of: dict[UUID, Room] = {}
        proven: list[UUID] = []
        rests: list[float] = []
        for id, one in self._companies.items():
            manners = self._manners(id)
            if manners.answers:
                proven.append(id)
                of[id] = Room(PLACING - one.placing, int(one.width) - one.looking)
            else:
                unproven += one.placing + one.looking
                most = 1 if manners.answers is False else PLACING
                of[id] = Room(most - one.placing, 1 - one.looking)
            if manners.rests_for > 0:
                rests.append(manners.rests_for)
                of[id] = Room(0, 0)
        free = AT_ONCE - placing - looking
        most = AT_ONCE - _RESERVED
        rooms = Rooms(
            of={id: Room(max(room.placing, 0), max(room.looking, 0)) for id, room in of.items()},
            unnamed=Room(PLACING, 1),
            most=Room(max(most - placing, 0), max(most - looking, 0)),
            in_all=free,
            proven=proven,
            unproven=max(_UNPROVEN - unproven, 0),
        )
        return rooms, min(rests, default=None)
