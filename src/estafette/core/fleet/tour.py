"""Tours: the stops of a driver in the order of work."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

GAP = 1_000
"""Between the places of two stops, so that one can be put between."""


class StopKind(StrEnum):
    """What is done at a stop."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"


@dataclass(frozen=True, slots=True)
class TourStop:
    """One stop that a driver still has to make.

    `place` orders them. `planned_at` is when the driver is planned to arrive; None: not planned.
    """

    company_id: UUID
    driver_id: UUID
    account_id: UUID
    delivery_id: UUID
    kind: StopKind
    place: int
    planned_at: datetime | None = None
