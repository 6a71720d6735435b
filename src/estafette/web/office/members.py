"""Who belongs to an organisation, and who is invited, as its page of the office shows it."""

from typing import Any, Final

from estafette.core.people.organisation import Organisation
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.people import invite as invitations
from estafette.usecases.people import members
from estafette.web.parts import Column
from estafette.web.people.words import role_name
from estafette.web.visit import Visit

_MOST: Final = 50


async def members_of(visit: Visit, of: Organisation) -> dict[str, Any]:
    """Returns what `members.html` shows of an organisation. Raises Busy."""
    team = await members.list_members(visit.platform, of, limit=_MOST)
    return {
        "of": of,
        "columns": (
            Column("name", gettext("Name")),
            Column("role", gettext("Role")),
            Column("seen", gettext("Last signed in"), "time"),
        ),
        "members": team.members,
        "has_more": team.next is not None,
        "invited": await invitations.list_invitations(visit.platform, of),
        "role_name": role_name,
        "may_manage": visit.may(PersonAct.PEOPLE_MANAGE),
    }
