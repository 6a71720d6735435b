"""Messages: what a dispatcher writes to one driver, or Estafette when others change a stop."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from estafette.core.audit import By
from estafette.core.fleet.taken import Taken

LONGEST_MESSAGE = 500
"""How long a message may be, in characters."""

MOST_MESSAGES = 200
"""How many messages of a driver are kept at most: the oldest one goes with a further one."""


MOST_TAKEN = 300
"""Of how many deliveries one message tells at most that they were taken: as many as a board takes
back at once."""


@dataclass(frozen=True, slots=True)
class DriverMessage:
    """A message to a driver; `read_at` is when the driver had it on the screen, None: not yet.

    With a `cause` it tells that assignments were `taken` from the driver, oldest first.
    """

    company_id: UUID
    driver_id: UUID
    id: UUID
    text: str
    by: By
    created_at: datetime
    read_at: datetime | None = None
    cause: Taken | None = None
    taken: tuple[UUID, ...] = ()
