"""People of all organisations: find, invite, disable, have a password set anew."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import HEAD, ROLES, PersonAct, Role
from estafette.core.people.person import FieldError, Person
from estafette.core.people.refusals import NotFound, PeopleRefusal, PersonNotFound
from estafette.http.shell import Tone
from estafette.http.texts import LANGUAGES, gettext
from estafette.usecases.accounts.administration import AccountNotFoundError
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.companies import CompanyNotFoundError, company_of
from estafette.usecases.people import administration, organisations
from estafette.usecases.people import invite as invitations
from estafette.web.asked import id_in, neighbours
from estafette.web.office.reading import asked, in_query
from estafette.web.parts import Column
from estafette.web.people.faults import said
from estafette.web.people.words import role_about, role_name
from estafette.web.session import SAFE
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/office/templates"
_PAGE: Final = 50


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of people below the path of the office."""
    see, manage = PersonAct.PEOPLE_SEE, PersonAct.PEOPLE_MANAGE
    post, both = ("POST",), ("GET", "POST")
    one = f"{home}/people/{{person}}"
    return (
        page(f"{home}/people", see, show),
        page(f"{home}/people/invite", manage, invite, both),
        page(f"{home}/people/withdraw", manage, withdraw, post),
        page(one, see, show_one),
        page(f"{one}/disable", manage, disable, post),
        page(f"{one}/enable", manage, enable, post),
        page(f"{one}/reset", manage, reset, post),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows people by their e-mail addresses."""
    wanted = asked(request, "email")
    after = in_query(request, "after") or None
    found = await administration.list_people(visit.platform, wanted["email"] or None, after, _PAGE)
    return render(
        visit,
        f"{_FOLDER}/people.html",
        columns=(
            Column("name", gettext("Name")),
            Column("factor", gettext("Second factor")),
            Column("seen", gettext("Last signed in"), "time"),
            Column("state", gettext("State")),
        ),
        found=found.people,
        wanted=wanted,
        is_filtered=any(wanted.values()),
        paging=neighbours(request, wanted, found.next),
    )


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows a person, and to what they belong."""
    person = await _person(request, visit)
    return render(
        visit,
        f"{_FOLDER}/person.html",
        person=person,
        belongings=[
            (each, _path_of(visit, each.membership.organisation))
            for each in await organisations.belongings(visit.platform, person)
        ],
        here=_path(visit, person.id),
        role_name=role_name,
        may_manage=visit.may(PersonAct.PEOPLE_MANAGE),
    )


async def invite(request: Request, visit: Visit) -> Response:
    """Shows the form to invite somebody to any organisation, or makes the link, shown this once.

    `account` or `company` in the address names the organisation; neither: the platform.
    """
    of, name = await _organisation(request, visit)
    roles = ROLES[of.kind]
    form = visit.form
    typed = {
        "email": form.value("email"),
        "name": form.value("name"),
        "language": form.value("language", visit.language),
        "role": form.value("role", HEAD[of.kind]),
    }
    back = _path_of(visit, of) or f"{visit.home}/people"

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        return render(
            visit,
            f"{_FOLDER}/invite.html",
            status=status,
            faults=faults,
            roles=[(role, role_name(role), role_about(role)) for role in roles],
            languages=LANGUAGES.items(),
            organisation_name=name,
            back=back,
            **typed,
        )

    if request.method in SAFE:
        return shown({})

    async def make() -> Response:
        if typed["role"] not in roles:
            return shown({"role": gettext("There is no such role here.")}, 422)
        try:
            link = await invitations.invite(
                visit.platform,
                of,
                Role(typed["role"]),
                typed["email"],
                name=typed["name"],
                language=typed["language"],
            )
        except FieldError as fault:
            return shown({fault.field: said(fault)}, 422)
        except PeopleRefusal as refusal:
            return shown({"email": said(refusal)}, 422)
        return _link_shown(visit, link, back)

    return await visit.once(make, otherwise=back)


async def withdraw(request: Request, visit: Visit) -> Response:
    """Withdraws an invitation to the organisation that the address names."""
    of, _ = await _organisation(request, visit)

    async def do() -> Response:
        try:
            id = id_in(visit.form.value("invitation"))
            await invitations.withdraw_invitation(visit.platform, of, id)
        except NotFound:
            raise HTTPException(404) from None
        back = _path_of(visit, of) or f"{visit.home}/team"
        return visit.go(back, gettext("The invitation opens nothing any more."))

    return await visit.once(do)


async def disable(request: Request, visit: Visit) -> Response:
    """Disables a person, whose sessions end at once."""
    return await _set_disabled(request, visit, disabled=True)


async def enable(request: Request, visit: Visit) -> Response:
    """Lets a disabled person sign in again."""
    return await _set_disabled(request, visit, disabled=False)


async def _set_disabled(request: Request, visit: Visit, *, disabled: bool) -> Response:
    person = await _person(request, visit)

    async def do() -> Response:
        path = _path(visit, person.id)
        try:
            await administration.disable_person(visit.platform, person.id, disabled=disabled)
        except PeopleRefusal as refusal:
            return visit.go(path, said(refusal), Tone.BAD)
        return visit.go(
            path,
            gettext("%(name)s cannot sign in any more.", name=person.name)
            if disabled
            else gettext("%(name)s can sign in again.", name=person.name),
        )

    return await visit.once(do)


async def reset(request: Request, visit: Visit) -> Response:
    """Takes a person's password and second factor, and makes the link to set them anew."""
    person = await _person(request, visit)
    back = _path(visit, person.id)

    async def do() -> Response:
        try:
            link = await administration.reset_person(visit.platform, person.id)
        except PeopleRefusal as refusal:
            return visit.go(back, said(refusal), Tone.BAD)
        return _link_shown(visit, link, back)

    return await visit.once(do, otherwise=back)


def _link_shown(visit: Visit, link: invitations.IssuedLink, back: str) -> Response:
    return render(
        visit,
        f"{_FOLDER}/link.html",
        url=f"{visit.platform.public_url}{link.path}",
        invitation=link.invitation,
        back=back,
    )


async def _person(request: Request, visit: Visit) -> Person:
    """Returns the person in the path. Raises HTTPException 404."""
    try:
        return await administration.find_person(
            visit.platform, id_in(request.path_params["person"])
        )
    except PersonNotFound:
        raise HTTPException(404) from None


async def _organisation(request: Request, visit: Visit) -> tuple[Organisation, str]:
    """Returns the organisation in the query, and its name. Raises HTTPException 404."""
    for kind in (OrganisationKind.ACCOUNT, OrganisationKind.COMPANY):
        text = request.query_params.get(kind)
        if text is None:
            continue
        try:
            id = id_in(text)
            if kind is OrganisationKind.ACCOUNT:
                name = (await account_with_settings(visit.platform, id)).account.name
            else:
                name = (await company_of(visit.platform, id)).name
        except (AccountNotFoundError, CompanyNotFoundError):
            raise HTTPException(404) from None
        return Organisation(kind, id), name
    return PLATFORM, "Estafette"


def _path_of(visit: Visit, of: Organisation) -> str:
    """Returns the office's page of an organisation, "" for the platform."""
    if of.kind is OrganisationKind.PLATFORM:
        return ""
    folder = "accounts" if of.kind is OrganisationKind.ACCOUNT else "companies"
    return f"{visit.home}/{folder}/{of.id.hex}"


def _path(visit: Visit, person_id: UUID) -> str:
    return f"{visit.home}/people/{person_id.hex}"
