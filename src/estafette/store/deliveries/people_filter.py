"""Which deliveries people look for in a list, and how much one page of it may cost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import FINAL, Status
from estafette.core.deliveries.finding import Term
from estafette.store.deliveries.lists import Position


class Effort(NamedTuple):
    """How much one page may cost, in deliveries that are looked at.

    Without words: `listed` of each list that is looked through, one for each status and milestone,
    and of all of them `listed_in_all`. With words: `young` of those that have none yet,
    then `sample` in the order of the list; what fewer than a hundredth of these have is asked of
    the index, as long as no more than `apart` have it, and `in_order` are looked at for the rest.
    """

    listed: int = 5_000
    listed_in_all: int = 24_000
    young: int = 2_000
    sample: int = 2_000
    apart: int = 6_000
    in_order: int = 30_000


EFFORT: Final = Effort()

NEWEST: Final = Position(datetime.max.replace(tzinfo=UTC), UUID(int=(1 << 128) - 1))
"""The place before every delivery of a list, which begins with the newest."""

NEVER: Final = Position(datetime.min.replace(tzinfo=UTC), UUID(int=0))
"""The place after every delivery of a list."""


class PeopleFilter(NamedTuple):
    """Which deliveries are looked for; None, or False, leaves a criterion out.

    The times are inclusive. `late` are those under way past their promised time. `terms` are the
    words that each must have.
    """

    statuses: Sequence[Status] | None = None
    company_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    late: bool = False
    terms: Sequence[Term] = ()

    @property
    def chosen(self) -> list[Status] | None:
        """The statuses that may be found; None when it is any."""
        chosen = set(Status) if self.statuses is None else set(self.statuses)
        if self.late:
            chosen -= FINAL
        return None if len(chosen) == len(Status) else sorted(chosen)

    @property
    def begin(self) -> Position:
        """The place after the newest that may be found."""
        return NEWEST if self.until is None else Position(self.until, NEWEST.id)

    @property
    def end(self) -> Position:
        """The place of the oldest that may be found."""
        return NEVER if self.since is None else Position(self.since, NEVER.id)

    @property
    def is_exact(self) -> bool:
        """Whether an index has just what is looked for."""
        return self.chosen is None and self.company_id is None
