"""Dispatching: what a company has decided about automatic offers, and how each is explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

MOST_DECISIONS: Final = 100
"""How many decisions are kept of one delivery; what comes after is not explained."""

MOST_OTHERS: Final = 5
"""How many drivers, besides the one who was asked, a decision tells of."""

PICKUP_AHEAD: Final = timedelta(minutes=40)
"""A delivery is offered no earlier than so long before its driver is planned to fetch it."""


PLANNED_AHEAD: Final = timedelta(hours=6)
"""Of how many hours scheduled deliveries are planned together."""

PLANNED_EVERY: Final = timedelta(minutes=5)
"""How often they are planned anew."""

LEAST_PLANNED: Final = 3
MOST_PLANNED: Final = 200
"""From how many on they are planned together, and how many at most, the soonest."""

HELD_UNTIL: Final = timedelta(minutes=20)
"""Until so long before its scheduled pickup a delivery is offered to the driver alone it is planned
for."""

PLANNED_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DispatchingRules:
    """How a company gives deliveries to its drivers. Raises ValueError for what is out of bounds.

    Attributes:
        automatic: whether deliveries are offered without a dispatcher.
        offer_seconds: for how long a driver may accept an offer.
        rounds: how many drivers are asked before a delivery stalls.
        most_each: with how many deliveries, offered and accepted, a driver is offered no more.
        vanish_minutes: after how long without a sign of life a driver counts as vanished.
    """

    automatic: bool = False
    offer_seconds: int = 45
    rounds: int = 8
    most_each: int = 4
    vanish_minutes: int = 15

    def __post_init__(self) -> None:
        """Checks the values."""
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}, and has to be from {least} to {most}")

    @property
    def offer_length(self) -> timedelta:
        """For how long an offer is open."""
        return timedelta(seconds=self.offer_seconds)

    @property
    def vanished_after(self) -> timedelta:
        """How long a driver may be silent."""
        return timedelta(minutes=self.vanish_minutes)


BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "offer_seconds": (15, 600),
    "rounds": (1, 50),
    "most_each": (1, 50),
    "vanish_minutes": (3, 240),
}
"""From where to where the numbers of `DispatchingRules` go."""


class Outcome(StrEnum):
    """What was decided about a delivery."""

    OFFERED = "offered"
    """It was offered to a driver."""
    NOBODY = "nobody"
    """No driver can take it now; it waits."""
    GIVEN_UP = "given_up"
    """So many drivers were asked that it stalls."""
    TAKEN_BACK = "taken_back"
    """Its driver vanished before the pickup: it is offered anew."""
    LOST_SIGHT = "lost_sight"
    """Its driver vanished with the parcel: somebody has to look."""


class Reason(StrEnum):
    """Why a driver was not asked, or why nobody was."""

    REFUSED = "refused"
    """The driver was asked before."""
    SKILLS = "skills"
    """The driver lacks a skill that it demands; of nobody: no driver on shift has them all."""
    CAPACITY = "capacity"
    ZONE = "zone"
    CASH = "cash"
    """Its cash would be over the driver's limit."""
    BUSY = "busy"
    """With as many deliveries as one driver may have."""
    TOO_LATE = "too_late"
    """The driver cannot be there in time."""
    SHIFT_ENDS = "shift_ends"
    TAKES_NOTHING_NEW = "takes_nothing_new"
    PLANNED = "planned"
    """It is planned for another driver, together with others of the coming hours."""
    BETTER_PLACED = "better_placed"
    """The driver could; for all deliveries together another one is better."""
    NO_DRIVER = "no_driver"
    """No driver is on shift."""
    NO_PLACE = "no_place"
    """It is not known where the address is: somebody has to give the delivery by hand."""
    LATER = "later"
    """Its driver is planned to fetch it so late that it is not offered yet."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a delivery was offered to a driver, or what else was decided, in plain data.

    `facts` are bounded and hold no personal data: ids of drivers, metres, seconds, numbers, and
    words of `Reason`; `others` tells of drivers who were not asked.
    """

    company_id: UUID
    account_id: UUID
    delivery_id: UUID
    outcome: Outcome
    at: datetime
    driver_id: UUID | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A delivery in a driver's plan that the driver does not have yet, and when it is fetched."""

    job: int
    pickup_at: datetime


def to_offer(
    planned: Sequence[OpenJob], has: int, rules: DispatchingRules, now: datetime
) -> list[int]:
    """Returns the jobs that a driver is offered now, in the order of the plan.

    `has` is how many the driver has, offers included.
    """
    room = max(rules.most_each - has, 0)
    near = [one.job for one in planned if one.pickup_at <= now + PICKUP_AHEAD]
    return near[:room]
