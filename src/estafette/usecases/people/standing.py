"""Ask whether sessions go on, with the same role in the same place: for many at once."""

from collections.abc import Collection
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from estafette.core.people.organisation import Organisation
from estafette.core.people.permission import Role, guest_role
from estafette.store.people import sessions
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class Standing(NamedTuple):
    """A session, and as what its person has opened a page of an organisation.

    Without an organisation the page needs the session alone. `is_guest`: they are one of the
    platform's people, and do not belong to it.
    """

    session_id: UUID
    organisation: Organisation | None = None
    role: Role | None = None
    is_guest: bool = False


class Ended(Enum):
    """Why a page is not theirs any more."""

    SESSION = auto()
    """The session is over."""
    PLACE = auto()
    """The session goes on; the role there has changed, or is gone."""


async def ended(platform: Platform, asked: Collection[Standing]) -> dict[Standing, Ended]:
    """Returns which of these go on no more, in one statement. Raises Busy or Unavailable."""
    standings = list(asked)
    async with reading(platform) as connection:
        known = await sessions.standings(
            connection, [(one.session_id, one.organisation) for one in standings]
        )
    over: dict[Standing, Ended] = {}
    for number, one in enumerate(standings):
        found = known.get(number)
        if found is None:
            over[one] = Ended.SESSION
        elif one.organisation is not None and _role(one.organisation, one, *found) is not one.role:
            over[one] = Ended.PLACE
    return over


def _role(
    of: Organisation, standing: Standing, own: Role | None, of_platform: Role | None
) -> Role | None:
    """Returns as what the person comes there now, in the way in which they came."""
    if not standing.is_guest:
        return own
    return None if of_platform is None else guest_role(of_platform, of.kind)
