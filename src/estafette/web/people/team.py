"""An organisation's team: who belongs, who is invited, and where its people are signed in.

The console and the office have the same pages, each under its own path.
"""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.permission import ROLES, PersonAct, Role
from estafette.core.people.person import FieldError
from estafette.core.people.refusals import NotFound, PeopleRefusal, PersonNotFound
from estafette.http.shell import Tone
from estafette.http.texts import LANGUAGES, gettext
from estafette.usecases.people import invite as invitations
from estafette.usecases.people import members, sessions, team
from estafette.usecases.people.members import Member
from estafette.web.asked import id_in, neighbours
from estafette.web.parts import Column
from estafette.web.people import audit
from estafette.web.people.devices import device_name
from estafette.web.people.faults import said
from estafette.web.people.words import role_about, role_name
from estafette.web.session import SAFE
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/people/templates"
_PAGE: Final = 50


def pages(home: str, *, has_audit: bool = True) -> tuple[Page, ...]:
    """Returns the pages of a team, and of its audit if it has one, below the path of a place."""
    see, manage = PersonAct.TEAM_SEE, PersonAct.TEAM_MANAGE
    post, both = ("POST",), ("GET", "POST")
    return (
        page(f"{home}/team", see, show),
        page(f"{home}/team/invite", manage, invite, both),
        page(f"{home}/team/withdraw", manage, withdraw, post),
        page(f"{home}/team/{{person}}", manage, show_member, both),
        page(f"{home}/team/{{person}}/remove", manage, remove, post),
        page(f"{home}/team/{{person}}/end-sessions", manage, end_sessions, post),
        *(audit.pages(home) if has_audit else ()),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows who belongs to the organisation, and who is invited."""
    after = id_in(request.query_params.get("after")) if "after" in request.query_params else None
    found = await members.list_members(visit.platform, visit.organisation, after, _PAGE)
    invited = await invitations.list_invitations(visit.platform, visit.organisation)
    columns = (
        Column("name", gettext("Name")),
        Column("role", gettext("Role")),
        Column("factor", gettext("Second factor")),
        Column("seen", gettext("Last signed in"), "time"),
    )
    return render(
        visit,
        f"{_FOLDER}/team.html",
        columns=columns,
        members=found.members,
        paging=neighbours(request, {}, found.next and found.next.hex),
        invited=invited,
        may_manage=visit.may(PersonAct.TEAM_MANAGE),
        role_name=role_name,
    )


async def invite(request: Request, visit: Visit) -> Response:
    """Shows the form to invite somebody, or makes the link, which is shown this once."""
    roles = ROLES[visit.organisation.kind]
    form = visit.form
    typed = {
        "email": form.value("email"),
        "name": form.value("name"),
        "language": form.value("language", visit.language),
        "role": form.value("role", roles[-1]),
    }

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{_FOLDER}/invite.html",
            status=status,
            faults=faults,
            roles=[(role, role_name(role), role_about(role)) for role in roles],
            languages=LANGUAGES.items(),
            **typed,
        )

    if request.method in SAFE:
        return shown({})

    async def make() -> Response:
        try:
            link = await invitations.invite(
                visit.platform,
                visit.organisation,
                _role(typed["role"], roles),
                typed["email"],
                name=typed["name"],
                language=typed["language"],
            )
        except FieldError as fault:
            return shown({fault.field: said(fault)}, 422)
        except PeopleRefusal as refusal:
            return shown({"email": said(refusal)}, 422)
        url = f"{visit.platform.public_url}{link.path}"
        return render(visit, f"{_FOLDER}/invited.html", url=url, invitation=link.invitation)

    return await visit.once(make, otherwise=f"{visit.home}/team")


async def withdraw(request: Request, visit: Visit) -> Response:
    """Has an invitation open nothing."""

    async def do() -> Response:
        id = id_in(visit.form.value("invitation"))
        try:
            await invitations.withdraw_invitation(visit.platform, visit.organisation, id)
        except NotFound:
            raise HTTPException(404) from None
        return visit.go(f"{visit.home}/team", gettext("The invitation opens nothing any more."))

    return await visit.once(do)


async def show_member(request: Request, visit: Visit) -> Response:
    """Shows one of the team, with their sessions; or makes them something else."""
    member = await _member(visit)
    roles = ROLES[visit.organisation.kind]

    async def shown(error: str = "") -> Response:
        return render(
            visit,
            f"{_FOLDER}/member.html",
            status=422 if error else 200,
            member=member,
            error=error,
            roles=[(role, role_name(role), role_about(role)) for role in roles],
            sessions=await sessions.list_sessions(visit.platform, member.person),
            device_name=device_name,
            role_name=role_name,
        )

    if request.method in SAFE:
        return await shown()

    async def change() -> Response:
        role = _role(visit.form.value("role"), roles)
        try:
            await members.change_role(visit.platform, visit.organisation, member.person.id, role)
        except PeopleRefusal as refusal:
            return await shown(said(refusal))
        name = member.person.name
        return visit.go(
            f"{visit.home}/team",
            gettext("%(name)s is %(role)s now.", name=name, role=role_name(role)),
        )

    return await visit.once(change)


async def remove(request: Request, visit: Visit) -> Response:
    """Ends a membership."""
    member = await _member(visit)

    async def do() -> Response:
        try:
            await members.remove_member(visit.platform, visit.organisation, member.person.id)
        except PersonNotFound:
            raise HTTPException(404) from None
        except PeopleRefusal as refusal:
            back = f"{visit.home}/team/{member.person.id.hex}"
            return visit.go(back, said(refusal), Tone.BAD)
        said_of = gettext("%(name)s does not belong here any more.", name=member.person.name)
        return visit.go(f"{visit.home}/team", said_of)

    return await visit.once(do)


async def end_sessions(request: Request, visit: Visit) -> Response:
    """Ends all sessions of one of the team: they have to sign in again."""
    member = await _member(visit)

    async def do() -> Response:
        await team.end_all_sessions(visit.platform, member.person, visit.organisation)
        said_of = gettext("All sessions of %(name)s have ended.", name=member.person.name)
        return visit.go(f"{visit.home}/team/{member.person.id.hex}", said_of)

    return await visit.once(do)


async def _member(visit: Visit) -> Member:
    """Returns the member in the path. Raises HTTPException 404."""
    id = id_in(visit.request.path_params["person"])
    found = await team.find_member(visit.platform, visit.organisation, id)
    if found is None:
        raise HTTPException(404)
    return found


def _role(text: str, roles: tuple[Role, ...]) -> Role:
    if text not in roles:
        raise HTTPException(400)
    return Role(text)
