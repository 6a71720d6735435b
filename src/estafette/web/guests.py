"""The platform's people in places of others: each visit is in the audit, once."""

from collections import OrderedDict
from uuid import UUID

from estafette.core.people.organisation import Organisation
from estafette.usecases.people.visits import note_entered
from estafette.usecases.platform import Platform

_MOST = 10_000
"""How many visits a process remembers to have recorded: one that it forgets is recorded again."""


class Guests:
    """Records the first page that a session opens of a place that its person is a guest of.

    Each process does so for itself, so that a visit over several of them may be there a few times.
    """

    def __init__(self) -> None:
        """Begins without visits."""
        self._known: OrderedDict[tuple[UUID, UUID], None] = OrderedDict()

    async def note(self, platform: Platform, session_id: UUID, of: Organisation) -> None:
        """Records a visit, unless it is. `platform` acts as the person. Raises Busy."""
        visit = (session_id, of.id)
        if visit in self._known:
            self._known.move_to_end(visit)
            return
        await note_entered(platform, of)
        self._known[visit] = None
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
