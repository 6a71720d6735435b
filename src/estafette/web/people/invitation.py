"""The page that a one-time link opens: join an organisation, or set a password anew."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.person import SHORTEST_PASSWORD, FieldError
from estafette.core.people.refusals import (
    EmailTaken,
    InvitationRefused,
    PeopleRefusal,
)
from estafette.http.texts import LANGUAGES, gettext
from estafette.usecases.people import accept
from estafette.usecases.people.invite import Invitation
from estafette.usecases.people.visits import name_of
from estafette.web.people.faults import said
from estafette.web.people.signing_in import entered, signed_in, wanted
from estafette.web.people.words import role_name
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_JOIN: Final = "web/people/templates/join.html"
_NEW: Final = "web/people/templates/join_as_new.html"
_RESET: Final = "web/people/templates/reset.html"
_GONE: Final = "web/people/templates/link_gone.html"


async def show(request: Request, visit: Visit) -> Response:
    """Shows what the link is for, or does it."""
    token = request.path_params["token"]
    try:
        invitation = await accept.look_at_invitation(visit.platform, token)
        if invitation.organisation is None:
            return await _reset(visit, token, invitation)
        name = await name_of(visit.platform, invitation.organisation)
        if name is None:
            raise InvitationRefused
        if visit.is_signed_in:
            return await _join(visit, token, invitation, name)
        return await _join_as_new(visit, token, invitation, name)
    except InvitationRefused:
        return render(visit, _GONE, status=404)


async def _join(visit: Visit, token: str, invitation: Invitation, name: str) -> Response:
    """Has who is signed in join by one button."""
    error = ""
    if visit.request.method not in SAFE:
        try:
            of = await accept.join(visit.platform, visit.signed_in, token, visit.client)
        except InvitationRefused:
            raise
        except PeopleRefusal as refusal:
            error = said(refusal)
        else:
            return visit.go(
                wanted(visit) or _path_of(of), gettext("You belong to %(name)s now.", name=name)
            )
    return render(visit, _JOIN, status=422 if error else 200, **_facts(invitation, name, error))


async def _join_as_new(visit: Visit, token: str, invitation: Invitation, name: str) -> Response:
    """Has somebody new say who they are."""
    form = visit.form
    typed = {
        "email": invitation.email or form.value("email"),
        "is_named": invitation.email is not None,
        "person_name": form.value("name") or invitation.name,
        "language": form.value("language") or invitation.language or visit.language,
        "languages": LANGUAGES.items(),
        "shortest": SHORTEST_PASSWORD,
    }
    faults: dict[str, str] = {}
    if visit.request.method not in SAFE:
        try:
            new = await accept.join_as_new(
                visit.platform,
                token,
                visit.client,
                name=form.value("name"),
                password=form.secret("password"),
                language=form.value("language"),
                email=form.value("email"),
            )
        except FieldError as fault:
            faults = {fault.field: said(fault)}
        except EmailTaken as refusal:
            faults = {"email": said(refusal)}
        else:
            of = invitation.organisation or PLATFORM
            return await signed_in(visit, new, wanted(visit) or _path_of(of))
    context = {**_facts(invitation, name, ""), **typed, "faults": faults}
    return render(visit, _NEW, status=422 if faults else 200, **context)


async def _reset(visit: Visit, token: str, invitation: Invitation) -> Response:
    """Has a person set their password anew."""
    faults: dict[str, str] = {}
    if visit.request.method not in SAFE:
        try:
            new = await accept.set_password_by_link(
                visit.platform, token, visit.form.secret("password"), visit.client
            )
        except FieldError as fault:
            faults = {fault.field: said(fault)}
        else:
            return await entered(visit, new, "")
    return render(
        visit,
        _RESET,
        status=422 if faults else 200,
        email=invitation.email,
        faults=faults,
        shortest=SHORTEST_PASSWORD,
    )


def _facts(invitation: Invitation, name: str, error: str) -> dict[str, Any]:
    return {
        "organisation": name,
        "is_platform": invitation.organisation == PLATFORM,
        "role": role_name(invitation.role) if invitation.role else "",
        "email": invitation.email,
        "error": error,
    }


def _path_of(of: Organisation) -> str:
    """Returns where somebody begins who has just joined."""
    if of == PLATFORM:
        return "/office"
    root = {OrganisationKind.ACCOUNT: "/console", OrganisationKind.COMPANY: "/board"}.get(of.kind)
    return "/me" if root is None else f"{root}/{of.id.hex}"
