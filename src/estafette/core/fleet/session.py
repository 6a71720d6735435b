"""A driver signed in on a phone, and the codes by which they sign in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

IDLE = timedelta(days=30)
"""A driver's session ends when it was not used for so long,"""

LONGEST = timedelta(days=180)
"""and at the latest so long after the driver signed in."""

MOST_SESSIONS = 5
"""On how many phones a driver is signed in at most: the one unused for longest ends for another."""

CODE_LENGTH = timedelta(minutes=10)
"""For how long a code is good."""

CODE_DIGITS = 6

MOST_TRIES = 5
"""How often one code may be tried."""

MOST_TRIES_OF_PHONE = 10
"""How often all codes of one phone may be tried within a quarter of an hour."""

MOST_CODES_OF_PHONE = 3
"""How many codes are sent to one phone within a quarter of an hour,"""

MOST_CODES_OF_ADDRESS = 30
"""and for one client address, behind which a mobile network may have many drivers."""

MOST_CODES_A_DAY = 12
"""How many codes are sent to one phone within a day: each costs the operator something."""


@dataclass(frozen=True, slots=True)
class DriverSession:
    """A driver signed in on one phone. `agent` is what its browser calls itself."""

    company_id: UUID
    driver_id: UUID
    id: UUID
    language: str
    agent: str
    address: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
