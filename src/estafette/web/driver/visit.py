"""A driver's request to a page of theirs, and the checks before it.

In this order, as for the pages of all other people (`web/admission.py`): where it comes from, the
session, the limits, the act, the form. A driver's session opens these pages alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.audit import By
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.session import DriverSession
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import PersonAct, Role, may
from estafette.http.language import language_of
from estafette.http.limiter import PersonLimits, limits_of
from estafette.http.pages import as_texts, template
from estafette.http.reply import NO_STORE
from estafette.http.request import BODY_SECONDS
from estafette.http.texts import LANGUAGES, Reader, read_by
from estafette.http.trace import trace_of
from estafette.usecases.fleet.sign_in import SignedInDriver, find_session
from estafette.usecases.people.sessions import Client
from estafette.usecases.platform import Platform
from estafette.web.driver.files import GUARDS, path_of
from estafette.web.forms import FORM_LIMIT, NO_FORM, Form, read_form
from estafette.web.session import SAFE, Cookies, is_from_our_page
from estafette.web.visit import Access, Page, Visit

DRIVER: Final = "driver"
"""The cookie that holds the token of a driver's session."""

SIGN_IN: Final = "/driver/sign-in"


class Code(StrEnum):
    """Why a request of the page's scripts is refused: see `web/driver/refusals.py`."""

    UNREADABLE = "unreadable"
    SIGNED_OUT = "signed_out"
    FOREIGN_PAGE = "foreign_page"
    UNKNOWN = "unknown"
    NOT_SO = "not_so"
    OTHER_DRIVER = "other_driver"
    OFF_SHIFT = "off_shift"
    TOO_LARGE = "too_large"
    NOT_KEPT = "not_kept"
    TOO_MUCH = "too_much"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class DriverVisit:
    """One request to a driver's page. `platform` acts as the driver, from where they call."""

    platform: Platform
    request: Request
    cookies: Cookies
    language: str
    found: SignedInDriver | None = None
    form: Form = NO_FORM

    @property
    def driver(self) -> Driver:
        """The driver. Raises HTTPException 403 where nobody is signed in."""
        return self._found.driver

    @property
    def session(self) -> DriverSession:
        """The session. Raises HTTPException 403 where nobody is signed in."""
        return self._found.session

    @property
    def _found(self) -> SignedInDriver:
        if self.found is None:
            raise HTTPException(403)
        return self.found

    @property
    def client(self) -> Client:
        """The client: its address, and the name that the browser gives of itself."""
        return Client(self.address, self.request.headers.get("user-agent", ""))

    @property
    def address(self) -> str | None:
        """The caller's address."""
        return self.request.client.host if self.request.client else None


DriverHandler = Callable[[Request, DriverVisit], Awaitable[Response]]


class DriverPage(Page):
    """A route of the driver's page: which act it is, and how long a form may be.

    It may take `seconds` to arrive. One that `reads_itself` takes what is no form, and bounds it in
    its handler. One `of_scripts` is called by the page's scripts, and refuses as
    `web/driver/refusals.py` says.
    """

    def __init__(
        self,
        path: str,
        act: PersonAct | Access,
        handler: DriverHandler,
        methods: Sequence[str] = ("GET",),
        *,
        limit: int = FORM_LIMIT,
        seconds: float = BODY_SECONDS,
        reads_itself: bool = False,
        of_scripts: bool = False,
    ) -> None:
        """Serves `path` by `handler`, for whoever may do `act`."""
        super().__init__(path, act, _of_drivers_alone, methods, limit)
        self.of_driver = handler
        self.seconds = seconds
        self.reads_itself = reads_itself
        self.of_scripts = of_scripts


def of_scripts(request: Request) -> bool:
    """Returns whether a request is one of the page's scripts, whatever became of it."""
    path = request.url.path
    routes = request.app.routes
    return any(
        isinstance(route, DriverPage) and route.of_scripts and route.path == path
        for route in routes
    )


async def _of_drivers_alone(_request: Request, _visit: Visit) -> Response:
    raise HTTPException(404)


@dataclass(frozen=True, slots=True)
class DriverAdmission:
    """Lets requests come to the driver's pages, or says why not."""

    platform: Platform
    cookies: Cookies
    limits: PersonLimits

    async def admit(self, request: Request, page: DriverPage) -> Response:
        """Serves a request to a page.

        Raises HTTPException 403 for a form of a foreign page, and for what a driver may not do, 401
        where the page's scripts ask and nobody is signed in; RateLimited.
        """
        scope = request.scope
        trace_of(scope).route = page.path
        is_unsafe = request.method not in SAFE
        if is_unsafe and not is_from_our_page(scope, self.platform.public_url):
            limits_of(scope).ask(scope)
            raise HTTPException(403)
        visit = await self._visit(request)
        if visit.found is None:
            limits_of(scope).ask(scope)
        else:
            self.limits.take(scope, visit.driver.id)
        if isinstance(page.act, PersonAct):
            if visit.found is None and page.of_scripts:
                raise HTTPException(401, Code.SIGNED_OUT)
            if visit.found is None:
                return RedirectResponse(SIGN_IN, 303)
            if not may(Role.DRIVER, OrganisationKind.COMPANY, page.act):
                raise HTTPException(403)
        if is_unsafe and not page.reads_itself:
            form = await read_form(scope, request.receive, page.limit, page.seconds)
            visit = replace(visit, form=form)
        with read_by(Reader(visit.language)):
            return await page.of_driver(request, visit)

    async def _visit(self, request: Request) -> DriverVisit:
        token = self.cookies.read(request.scope, DRIVER)
        address = request.client.host if request.client else None
        found = None if token is None else await find_session(self.platform, token, address)
        own = None if found is None else found.session.language
        language = language_of(request.scope, LANGUAGES, of_person=own)
        if found is None:
            return DriverVisit(self.platform, request, self.cookies, language)
        acting = self.platform.acting(By.person(found.driver.id, address))
        return DriverVisit(acting, request, self.cookies, language, found)


def render(language: str, name: str, /, status: int = 200, **context: Any) -> Response:
    """Returns the page that a template of this folder makes, in a language."""
    with read_by(Reader(language)):
        html = template(f"web/driver/templates/{name}").render(file=path_of, **context)
    kept = [header for header in GUARDS if header[0] != b"referrer-policy"]
    # Without TLS `Origin` says where a form came from only under this policy (web/session.py).
    headers = [*kept, NO_STORE, (b"referrer-policy", b"same-origin")]
    named = as_texts(headers) | {"Content-Language": language}
    return Response(html, status, media_type="text/html", headers=named)
