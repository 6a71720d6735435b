"""A person's visit to a page: the person, the page's organisation, and what they may do there.

Every page is made by `page`, which names the act of the page. The checks before a handler (session,
membership, act, form) are in `web/admission.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.couriers.company import Company
from estafette.core.errors import Refusal, Unavailable
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct, Role, guest_may, may
from estafette.core.people.person import Person
from estafette.core.people.refusals import PeopleRefusal
from estafette.http import shell
from estafette.http.pages import as_texts
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import Header
from estafette.http.shell import Notice, Tone
from estafette.http.texts import Reader, gettext
from estafette.usecases.people import forms
from estafette.usecases.people.forms import Earlier, Shown
from estafette.usecases.people.sessions import Client, Session, SignedIn, Stage
from estafette.usecases.platform import Platform
from estafette.web import notices
from estafette.web.areas import Area, shell_of
from estafette.web.forms import FORM_LIMIT, NO_FORM, Form
from estafette.web.session import Cookies


class Access(StrEnum):
    """Who may see a page that needs no act in an organisation."""

    ANYBODY = "anybody"
    """Everybody who has the address, signed in or not."""
    WHO_SIGNS_IN = "who signs in"
    """Whoever has shown the password, and may have to show more."""


class Door(NamedTuple):
    """An organisation that the person may go to: its name, its address, their role in it."""

    organisation: Organisation
    name: str
    path: str
    role: Role


@dataclass(frozen=True, slots=True)
class Room:
    """The organisation of a page, and the person's role in it.

    `platform_role` is that of a guest: one of the platform's people who does not belong to it.
    """

    organisation: Organisation
    role: Role
    platform_role: Role | None = None
    account: Account | None = None
    mode: Mode | None = None
    company: Company | None = None

    @property
    def is_guest(self) -> bool:
        """Whether the person does not belong to the organisation."""
        return self.platform_role is not None


class NotSignedIn(LookupError):  # noqa: N818 - a fault of a page that asks for what it has not
    """The handler of a page for everybody asked for a person who is not signed in."""


@dataclass(frozen=True)
class Visit:
    """One request of a person to a page.

    `platform` acts as the person, at the address that they call from. `form` is what was sent, or
    what had been typed before the session ended.
    """

    platform: Platform
    request: Request
    cookies: Cookies
    language: str
    found: SignedIn | None = None
    room: Room | None = None
    doors: Sequence[Door] = ()
    area: Area | None = None
    form: Form = NO_FORM

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody has signed in, the second factor included."""
        return self.found is not None and self.found.session.stage is Stage.OPEN

    @property
    def signed_in(self) -> SignedIn:
        """The session and its person. Raises NotSignedIn."""
        if self.found is None:
            raise NotSignedIn
        return self.found

    @property
    def session(self) -> Session:
        """The session, which may wait for the second factor. Raises NotSignedIn."""
        return self.signed_in.session

    @property
    def person(self) -> Person:
        """The person. Raises NotSignedIn."""
        return self.signed_in.person

    @property
    def client(self) -> Client:
        """The client: its address, and the name that the browser gives of itself."""
        return Client(self.address, self.request.headers.get("user-agent", ""))

    @property
    def organisation(self) -> Organisation:
        """The organisation of the page. Raises NotSignedIn."""
        return self._room.organisation

    @property
    def role(self) -> Role:
        """The person's role there. Raises NotSignedIn."""
        return self._room.role

    @property
    def is_guest(self) -> bool:
        """Whether they are one of the platform's people in somebody else's organisation."""
        return self.room is not None and self.room.is_guest

    @property
    def account(self) -> Account:
        """The account of a page of the console. Raises NotSignedIn."""
        if self._room.account is None:
            raise NotSignedIn
        return self._room.account

    @property
    def company(self) -> Company:
        """The company of a page of the board. Raises NotSignedIn."""
        if self._room.company is None:
            raise NotSignedIn
        return self._room.company

    @property
    def mode(self) -> Mode:
        """The mode of a page of the console or the board. Raises NotSignedIn."""
        if self._room.mode is None:
            raise NotSignedIn
        return self._room.mode

    @property
    def scope(self) -> Scope:
        """The account and mode of a page of the console. Raises NotSignedIn."""
        return Scope(self.account.id, self.mode)

    @property
    def _room(self) -> Room:
        if self.room is None:
            raise NotSignedIn
        return self.room

    def may(self, act: PersonAct) -> bool:
        """Returns whether the person may do an act here."""
        if act is PersonAct.PROFILE_MANAGE:
            return self.is_signed_in
        room = self.room
        if room is None:
            return False
        if room.platform_role is not None:
            return guest_may(room.platform_role, room.organisation.kind, act)
        return may(room.role, room.organisation.kind, act)

    @property
    def home(self) -> str:
        """The path before the pages of this place, such as `/console/{account}/{mode}`."""
        if self.room is None or self.room.organisation.kind is OrganisationKind.PLATFORM:
            return "/office"
        root = "/console" if self.room.account else "/board"
        return f"{root}/{self.organisation.id.hex}/{self.mode}"

    @property
    def path(self) -> str:
        """The page's own path."""
        return self.request.url.path

    @property
    def address(self) -> str | None:
        """The caller's address."""
        return self.request.client.host if self.request.client else None

    @property
    def reader(self) -> Reader:
        """For whom texts and times are written, by the clock of the page's organisation."""
        if self.room is None:
            return Reader(self.language)
        if self.room.account is not None:
            return Reader(self.language, ZoneInfo(self.room.account.market.time_zone))
        if self.room.company is not None:
            return Reader(self.language, ZoneInfo(self.room.company.time_zone))
        return Reader(self.language)

    @property
    def sends_letters(self) -> bool:
        """Whether e-mails are sent to people."""
        return self.request.app.state.sends_letters

    def once_token(self) -> str:
        """Returns the token of a form of this page: that of what was typed, or a new one."""
        return (self.form.token or uuid4()).hex

    async def once(
        self, act: Callable[[], Awaitable[Response]], *, otherwise: str | None = None
    ) -> Response:
        """Does what a form asks for, unless it was done: then leads to where that ended.

        `act` gives the response; one that refuses (from 400 on, or a Refusal) leaves the form to be
        sent again. Where the first answer was a page and no redirect, such as one with a secret
        that is shown once, it is given again for a minute; later a further one leads to `otherwise`
        (this page unless given).
        """
        person, form, back = self.person.id, self.form, otherwise or self.path
        if form.token is None:
            raise HTTPException(400)
        before = await forms.begin(self.platform, person, form.token, form.digest)
        if isinstance(before, Earlier):
            return self.go(back, _said_of(before), Tone.WARNING)
        if isinstance(before, Shown):
            return Response(before.page, headers=dict(before.headers))
        if before is not None:
            return self.go(before)
        try:
            response = await act()
        except Unavailable:
            raise  # nobody knows whether it was done
        except REFUSALS:
            await forms.release(self.platform, person, form.token)
            raise
        if response.status_code >= 400:
            await forms.release(self.platform, person, form.token)
        else:
            place = response.headers.get("location")
            shown = _shown_by(response) if place is None else None
            await forms.finish(self.platform, person, form.token, place or back, shown)
        return response

    def go(self, path: str, notice: str | None = None, tone: Tone = Tone.GOOD) -> Response:
        """Returns what leads on to another page after a form, with a short notice for it."""
        response = RedirectResponse(path, 303)
        if notice:
            note = notices.written(Notice(notice, tone))
            self.cookies.set(response, notices.COOKIE, note, notices.SECONDS)
        return response


REFUSALS = (HTTPException, Refusal, PeopleRefusal, HttpRefusal, ValueError, LookupError)
"""What is raised where nothing was done; after anything else, nobody knows."""


def _shown_by(response: Response) -> Shown:
    """Returns the page of a response; none of its cookies."""
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("set-cookie", "content-length")
    }
    return Shown(bytes(response.body).decode(), headers)


def _said_of(earlier: Earlier) -> str:
    if earlier is Earlier.SHOWN:
        return gettext(
            "This form was sent before, and was done. What it showed is not shown again: if you"
            " have not kept it, have a new one made."
        )
    if earlier is Earlier.OTHER:
        return gettext("This form was sent before, with something else in it. That was done.")
    return gettext("This form was sent before. Look whether it was done, before you send another.")


Handler = Callable[[Request, Visit], Awaitable[Response]]


class Page(Route):
    """A route that says which act it is, and how long a form may be that is sent to it."""

    def __init__(
        self,
        path: str,
        act: PersonAct | Access,
        handler: Handler,
        methods: Sequence[str],
        limit: int,
    ) -> None:
        """Serves `path` by `handler`, for whoever may do `act`."""
        self.act = act
        self.handler = handler
        self.limit = limit
        super().__init__(path, self._serve, methods=list(methods))

    async def _serve(self, request: Request) -> Response:
        admit: Callable[[Request, Page], Awaitable[Response]] = request.app.state.admit
        return await admit(request, self)


def page(
    path: str,
    act: PersonAct | Access,
    handler: Handler,
    methods: Sequence[str] = ("GET",),
    *,
    limit: int = FORM_LIMIT,
) -> Page:
    """Returns the route of a page, which is the act `act`.

    A path below `/console/{account}/{mode}` is of that account, one below `/board/{company}/{mode}`
    of that company, all others are of the platform.
    `handler` is called once the person is known to belong there and to may do it; before, nothing
    of the request is trusted. A form may be `limit` bytes long.
    """
    return Page(path, act, handler, methods, limit)


def render(visit: Visit, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Returns the page that a template makes for a visit.

    `template` is its path in the package, such as `web/console/templates/overview.html`; it is
    given `visit` besides the `context`.
    """
    notice = notices.read(visit.cookies.read(visit.request.scope, notices.COOKIE))
    reply = shell.render(
        template,
        visit.reader,
        shell_of(visit, visit.area, [notice] if notice else []),
        status=status,
        visit=visit,
        **context,
    )
    response = Response(reply.body, reply.status, headers=as_texts(_headers(reply.headers)))
    if notice:
        visit.cookies.drop(response, notices.COOKIE)
    return response


def _headers(headers: Sequence[Header]) -> list[Header]:
    """Tells our own pages where a form came from: without TLS `Origin` needs it (`session.py`)."""
    kept = [header for header in headers if header[0] != b"referrer-policy"]
    return [*kept, (b"referrer-policy", b"same-origin")]
