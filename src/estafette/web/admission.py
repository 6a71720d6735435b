"""The checks before every page, in this order: the session, the membership, the act, the form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct, Role
from estafette.http.language import language_of
from estafette.http.limiter import PersonLimits, limits_of
from estafette.http.refusals import BodyTooLarge
from estafette.http.texts import LANGUAGES, read_by
from estafette.http.trace import trace_of
from estafette.usecases.people import forms
from estafette.usecases.people.sessions import Stage, must_enrol
from estafette.usecases.people.visits import Visitor, note_refused, visitor
from estafette.usecases.platform import Platform
from estafette.web import last_person
from estafette.web.areas import Area
from estafette.web.forms import Form, read_form
from estafette.web.guests import Guests
from estafette.web.session import SAFE, SESSION, Cookies, is_from_our_page
from estafette.web.visit import Access, Door, Page, Room, Visit

_PLACES: Final = (
    ("/console/{account}/{mode}", "account", OrganisationKind.ACCOUNT),
    ("/board/{company}/{mode}", "company", OrganisationKind.COMPANY),
)
"""The beginnings of all paths that belong to an account or a company, and the part with its id."""


class Wanted(NamedTuple):
    """The account or company that a page is of, and the mode in which it is looked at."""

    organisation: Organisation
    mode: Mode


ENROL: Final = "/me/security"
"""Where a person sets their second factor."""

DRAFT: Final = "draft"
_DRAFT_SECONDS: Final = 3_600
_NEVER_KEPT: Final = frozenset({"code", "uri", "answer"})
"""Fields of forms by which people prove who they are; all with these words in their names too."""
_SECRET_WORDS: Final = ("password", "secret")


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets requests come to the pages of people, or says why not.

    `areas` are the places that pages are in, by the kind of organisation that they are of.
    """

    platform: Platform
    cookies: Cookies
    areas: Mapping[OrganisationKind, Area]
    limits: PersonLimits
    guests: Guests = field(default_factory=Guests)

    async def admit(self, request: Request, page: Page) -> Response:
        """Serves a request to a page.

        Raises HTTPException: 403 for a form of a foreign page and for what the role may not do, 404
        for what is of an organisation that the person does not belong to; RateLimited.
        """
        scope = request.scope
        trace_of(scope).route = page.path
        is_unsafe = request.method not in SAFE
        if is_unsafe and not is_from_our_page(scope, self.platform.public_url):
            limits_of(scope).ask(scope)
            raise HTTPException(403)
        wanted = _wanted(request, page)
        token = self.cookies.read(scope, SESSION)
        known = None if token is None else await self._visitor(request, token, wanted)
        if known is None:
            limits_of(scope).ask(scope)
        else:
            self.limits.take(scope, known.found.person.id)
        visit = self._visit(request, known)
        if not _may_begin(page, known):
            return await self._to_sign_in(visit, is_unsafe=is_unsafe)
        if known is not None and isinstance(page.act, PersonAct):
            try:
                visit = await self._entered(
                    visit, known, page, page.act, wanted, is_unsafe=is_unsafe
                )
            except Enrol:
                return RedirectResponse(ENROL, 303)
        if is_unsafe:
            visit = replace(visit, form=await read_form(scope, request.receive, page.limit))
        else:
            visit = await self._with_draft(visit)
        with read_by(visit.reader):
            response = await page.handler(request, visit)
        if is_unsafe and response.status_code < 400:
            await self._forget_draft(visit, response)
        return response

    async def _visitor(self, request: Request, token: str, wanted: Wanted | None) -> Visitor | None:
        address = request.client.host if request.client else None
        of = wanted.organisation if wanted else None
        return await visitor(self.platform, token, address, of)

    def _visit(self, request: Request, known: Visitor | None) -> Visit:
        is_open = known is not None and known.found.session.stage is Stage.OPEN
        own = known.found.person.language if known is not None and is_open else None
        language = language_of(request.scope, LANGUAGES, of_person=own)
        if known is None:
            return Visit(self.platform, request, self.cookies, language)
        by = By.person(known.found.person.id, request.client.host if request.client else None)
        return Visit(
            self.platform.acting(by),
            request,
            self.cookies,
            language,
            found=known.found,
            doors=_doors(known),
        )

    async def _entered(
        self,
        visit: Visit,
        known: Visitor,
        page: Page,
        act: PersonAct,
        wanted: Wanted | None,
        *,
        is_unsafe: bool,
    ) -> Visit:
        """Returns the visit in the organisation of the page. Raises HTTPException 404 or 403."""
        if act is PersonAct.PROFILE_MANAGE:
            return visit
        if _place_of(page) is not None:
            room = None if wanted is None else _room(known, wanted)
        else:
            role = known.role_in(PLATFORM)
            room = None if role is None else Room(PLATFORM, role)
        if room is None:
            raise HTTPException(404)
        if room.organisation == PLATFORM or room.is_guest:
            of = (one.membership for one in known.belongings)
            if must_enrol(self.platform, visit.person, of):
                raise Enrol
        visit = replace(visit, room=room, area=self.areas.get(room.organisation.kind))
        if room.is_guest:
            await self.guests.note(visit.platform, visit.session.id, room.organisation)
        if room.account is not None:
            trace_of(visit.request.scope).account_id = str(room.account.id)
        if not visit.may(act):
            if is_unsafe:
                await note_refused(visit.platform, room.organisation, act, visit.path[:200])
            raise Refused(visit)
        return visit

    async def _to_sign_in(self, visit: Visit, *, is_unsafe: bool) -> Response:
        """Sends the visitor to sign in and then back; what they had typed is kept for them."""
        request = visit.request
        secret = None
        if is_unsafe:
            secret = await self._kept(request, visit.path)
        query = "" if is_unsafe or not request.url.query else f"?{request.url.query}"
        stage = "/sign-in" if visit.found is None else "/sign-in/code"
        place = f"{stage}?{urlencode({'next': visit.path + query})}"
        response = RedirectResponse(place, 303)
        if secret is not None:
            self.cookies.set(response, DRAFT, secret, _DRAFT_SECONDS)
        return response

    async def _kept(self, request: Request, path: str) -> str | None:
        """Keeps what somebody had typed who was signed in before; returns what opens it again.

        Files are not kept, so a form that is long by them is not even read: who has not signed in
        sends no more than a form without files.
        """
        person_id = last_person.read(self.platform, self.cookies, request.scope)
        if person_id is None:
            return None
        try:
            form = await read_form(request.scope, request.receive)
        except BodyTooLarge:
            return None
        return await forms.keep_draft(self.platform, person_id, path, _kept_fields(form))

    async def _with_draft(self, visit: Visit) -> Visit:
        """Returns the visit with what the person had typed into this page's form."""
        secret = self.cookies.read(visit.request.scope, DRAFT)
        if secret is None or not visit.is_signed_in:
            return visit
        typed = await forms.find_draft(self.platform, visit.person.id, secret)
        if typed is None or typed.path != visit.path:
            return visit
        return replace(visit, form=Form(typed.fields))

    async def known(self, request: Request) -> Visit | None:
        """Returns the visit of somebody who is signed in, to a page that is for everybody."""
        token = self.cookies.read(request.scope, SESSION)
        known = None if token is None else await self._visitor(request, token, None)
        visit = self._visit(request, known)
        return visit if visit.is_signed_in else None

    async def stranded(self, request: Request) -> Visit | None:
        """Returns the visit with what was typed into a form whose path is no page by itself.

        That is a button's: after signing in again there is nothing to show at its path.
        """
        if self.cookies.read(request.scope, DRAFT) is None:
            return None
        visit = await self.known(request)
        if visit is None:
            return None
        with_draft = await self._with_draft(visit)
        return with_draft if with_draft.form.fields else None

    async def _forget_draft(self, visit: Visit, response: Response) -> None:
        secret = self.cookies.read(visit.request.scope, DRAFT)
        if secret is None or not visit.is_signed_in:
            return
        typed = await forms.find_draft(self.platform, visit.person.id, secret)
        if typed is None or typed.path == visit.path:
            await forms.drop_draft(self.platform, secret)
            self.cookies.drop(response, DRAFT)


class Enrol(Exception):  # noqa: N818 - it is answered
    """The person has to set a second factor before anything of the platform opens."""


class Refused(HTTPException):
    """The person is known, and their role does not allow the page's act."""

    def __init__(self, visit: Visit) -> None:
        """`visit` is to the page that is not shown."""
        super().__init__(403)
        self.visit = visit


def _may_begin(page: Page, known: Visitor | None) -> bool:
    """Returns whether a session has come as far as a page needs."""
    if page.act is Access.ANYBODY:
        return True
    if known is None:
        return False
    return page.act is Access.WHO_SIGNS_IN or known.found.session.stage is Stage.OPEN


def _place_of(page: Page) -> tuple[str, OrganisationKind] | None:
    """Returns which part of a page's path names what organisation; None: it is the platform's."""
    found = (place for place in _PLACES if page.path.startswith(place[0]))
    return next(((part, kind) for _, part, kind in found), None)


def _wanted(request: Request, page: Page) -> Wanted | None:
    """Returns the organisation and mode that a path names; None where there is none such."""
    place = _place_of(page)
    if place is None:
        return None
    part, kind = place
    written = request.path_params[part]
    try:
        id, mode = UUID(hex=written), Mode(request.path_params["mode"])
    except ValueError:
        return None
    return Wanted(Organisation(kind, id), mode) if id.hex == written else None


def _room(known: Visitor, wanted: Wanted) -> Room | None:
    """Returns what was asked for as the person's own, or as what they may look at as a guest."""
    if known.account is None and known.company is None:
        return None
    role, platform_role = known.role_in(wanted.organisation), None
    if role is None:
        platform_role = known.role_in(PLATFORM)
        role = known.role_as_guest(wanted.organisation.kind)
    if role is None:
        return None
    return Room(wanted.organisation, role, platform_role, known.account, wanted.mode, known.company)


def _doors(known: Visitor) -> list[Door]:
    """Returns where the person may go: the office, the consoles and boards of theirs."""
    doors: list[Door] = []
    for one in known.belongings:
        organisation, role, _ = one.membership
        if organisation == PLATFORM:
            doors.append(Door(organisation, one.name, "/office", role))
        elif one.account is not None:
            doors.append(Door(organisation, one.name, f"/console/{one.account.id.hex}", role))
        elif organisation.kind is OrganisationKind.COMPANY and role is not Role.DRIVER:
            doors.append(Door(organisation, one.name, f"/board/{organisation.id.hex}", role))
    return doors


def _kept_fields(form: Form) -> Mapping[str, tuple[str, ...]]:
    """Returns the fields of a form that may be kept, which are those without secrets."""
    return {
        name: values
        for name, values in form.fields.items()
        if name not in _NEVER_KEPT and not any(word in name for word in _SECRET_WORDS)
    }
