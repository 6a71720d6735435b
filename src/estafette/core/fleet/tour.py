"""Tours: the stops of a driver in the order of work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

GAP = 1_000
"""Between the places of two stops, so that one can be put between."""

WANTED_AHEAD = timedelta(hours=1)
"""How long before its window a parcel on board is wanted. Until then its stop is put off: it is
behind all others, whatever its place, unless the driver says to be on the way there."""


class StopKind(StrEnum):
    """What is done at a stop."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"


@dataclass(frozen=True, slots=True)
class TourStop:
    """One stop that a driver still has to make.

    `place` orders them, and those that are put off come last. `planned_at` is when the driver is
    planned to arrive; None: not planned. `put_off_until` is when the window of one begins that is
    put off, as it was read.
    """

    company_id: UUID
    driver_id: UUID
    account_id: UUID
    delivery_id: UUID
    kind: StopKind
    place: int
    planned_at: datetime | None = None
    put_off_until: datetime | None = None
