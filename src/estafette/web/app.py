"""The pages of people who sign in, as one application, and what is shown where there is no page."""

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from estafette.core.errors import Busy, Unavailable
from estafette.core.people.organisation import OrganisationKind
from estafette.http.events import MOST_STREAMS
from estafette.http.language import language_of
from estafette.http.limiter import PersonLimits
from estafette.http.refusals import BadBody, BodyTooLarge, EncodedBody, RateLimited
from estafette.http.texts import LANGUAGES, N_, gettext, read_by
from estafette.usecases.platform import Platform
from estafette.web import board, console, office, people
from estafette.web.admission import Admission, Refused
from estafette.web.live.pages import Following
from estafette.web.live.stream import with_streams
from estafette.web.people.provider import Provider
from estafette.web.session import SAFE, Cookies
from estafette.web.visit import Page, Visit, render

PREFIXES: Final = ("/sign-in", "/sign-out", "/invitation", "/me", "/console", "/board", "/office")
"""The first parts of all paths of these pages."""

ROUTES: Final[Sequence[Page]] = (*people.ROUTES, *console.ROUTES, *board.ROUTES, *office.ROUTES)
"""Every page of people who sign in."""


class PeoplePages:
    """The application. It is mounted at each of PREFIXES, and its paths are whole."""

    def __init__(
        self,
        platform: Platform,
        limits: PersonLimits | None = None,
        provider: Provider | None = None,
        *,
        sends_letters: bool = False,
        streams: int = MOST_STREAMS,
    ) -> None:
        """Serves the pages over `platform`, within the `limits` of each person, if there are any.

        `provider` is where people may sign in besides. `sends_letters`: e-mails reach people. At
        most `streams` open pages are kept up to date.
        """
        self.following = Following(platform, streams)
        """The streams of open pages."""
        self.starlette = Starlette(
            routes=ROUTES,
            exception_handlers={
                HTTPException: _refuse,
                RateLimited: _put_off,
                Busy: _put_off,
                Unavailable: _put_off,
                BadBody: _misread,
                EncodedBody: _misread,
                BodyTooLarge: _misread,
                500: _stumble,
            },
        )
        self.starlette.router.redirect_slashes = False
        admission = Admission(
            platform,
            Cookies(platform.public_url),
            {
                OrganisationKind.ACCOUNT: console.AREA,
                OrganisationKind.COMPANY: board.AREA,
                OrganisationKind.PLATFORM: office.AREA,
            },
            limits or PersonLimits(),
        )
        self._admission = admission
        self.starlette.state.admission = admission
        self.starlette.state.provider = provider
        self.starlette.state.sends_letters = sends_letters
        self.starlette.state.following = self.following
        self.starlette.state.admit = admission.admit

    async def known(self, request: Request) -> Visit | None:
        """Returns the visit of somebody who is signed in, to a page that is for everybody.

        None also where it cannot be found out now: such a page is there all the same.
        """
        try:
            return await self._admission.known(request)
        except (Busy, Unavailable):
            return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request under its whole path, wherever this is mounted."""
        scope["root_path"] = scope.get("app_root_path", scope.get("root_path", ""))
        await with_streams(self.starlette, scope, receive, send)


_TITLES: Final = {
    400: (
        N_("This form could not be read"),
        N_("It may be out of date, or too long. Open its page again and send it from there."),
    ),
    403: (
        N_("This is not for your role"),
        N_("Somebody who may do it can give you another role, or do it for you."),
    ),
    404: (
        N_("There is nothing here"),
        N_("The address may be mistyped, or what it meant is gone or belongs to somebody else."),
    ),
    405: (
        N_("This page cannot be opened so"),
        N_("It belongs to a form of another page: go back and use that."),
    ),
    413: (
        N_("This is too large"),
        N_("The form or a file in it is longer than this page takes."),
    ),
    429: (
        N_("One moment, please"),
        N_("Too much was asked for at once. It goes on in a few seconds."),
    ),
    500: (
        N_("Something went wrong on our side"),
        N_("It is written down. Look whether what you asked for was done, then try again."),
    ),
    503: (
        N_("We cannot do this right now"),
        N_("Look in a moment whether what you asked for was done, then try again."),
    ),
}
_FOREIGN: Final = (
    N_("This form came from another website"),
    N_("Nothing was done. If you sent it yourself, open the page here and send it again."),
)


def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


def _notice(request: Request, status: int, error: Exception) -> Response:
    """Returns the page that says why there is no other."""
    admission = _admission(request)
    if isinstance(error, Refused):
        visit, words = error.visit, _TITLES[403]
    else:
        language = language_of(request.scope, LANGUAGES)
        visit = Visit(admission.platform, request, admission.cookies, language)
        words = _FOREIGN if status == 403 else _TITLES.get(status, _TITLES[404])
    with read_by(visit.reader):
        return render(
            visit,
            "web/people/templates/notice.html",
            status=status,
            title=gettext(words[0]),
            detail=gettext(words[1]),
        )


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    is_page = status in (404, 405) and request.method in SAFE
    if is_page and (visit := await _admission(request).stranded(request)):
        with read_by(visit.reader):
            return render(visit, "web/people/templates/go_on.html")
    page = _notice(request, status, error)
    if isinstance(error, HTTPException):
        page.headers.update(error.headers or {})  # what is allowed, with a 405
    return page


async def _put_off(request: Request, error: Exception) -> Response:
    page = _notice(request, 429 if isinstance(error, RateLimited) else 503, error)
    if isinstance(error, RateLimited | Busy | Unavailable):
        page.headers["retry-after"] = str(error.retry_after)
    return page


async def _misread(request: Request, error: Exception) -> Response:
    return _notice(request, 413 if isinstance(error, BodyTooLarge) else 400, error)


async def _stumble(request: Request, error: Exception) -> Response:
    return _notice(request, 500, error)
