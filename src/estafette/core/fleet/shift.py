"""Shifts: the time in which a driver works."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

LONGEST_DEVICE = 200
"""How long the name of a device may be, in characters."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One working time of a driver; `ended_at` None: it goes on. A driver has one at a time.

    `device` names from where it was begun: a phone, as its browser calls itself, or the command.
    """

    company_id: UUID
    id: UUID
    driver_id: UUID
    began_at: datetime
    device: str
    ended_at: datetime | None = None
