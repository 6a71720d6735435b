"""The driver's page as one application, and what is shown where there is no page."""

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from estafette.core.errors import Busy, Unavailable
from estafette.core.people.permission import PersonAct
from estafette.http.language import language_of
from estafette.http.limiter import PersonLimits
from estafette.http.refusals import BadBody, BodyTooLarge, EncodedBody, RateLimited
from estafette.http.texts import LANGUAGES, N_, Reader, gettext, read_by
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import FORM_LIMIT
from estafette.web.driver import day, positions, proofs, sign_in, taps
from estafette.web.driver.day import ShownIds
from estafette.web.driver.files import serve_file, serve_manifest, serve_worker
from estafette.web.driver.page import show as show_page
from estafette.web.driver.visit import DriverAdmission, DriverPage, render
from estafette.web.session import Cookies
from estafette.web.visit import Access

PREFIX: Final = "/driver"

_BOTH: Final = ("GET", "POST")

ROUTES: Final[Sequence[DriverPage]] = (
    DriverPage("/driver", PersonAct.STOPS_WORK, show_page),
    DriverPage("/driver/sign-in", Access.ANYBODY, sign_in.show, _BOTH),
    DriverPage("/driver/sign-in/code", Access.ANYBODY, sign_in.show_code, _BOTH),
    DriverPage("/driver/sign-out", Access.ANYBODY, sign_in.sign_out, ("POST",)),
    DriverPage("/driver/language", PersonAct.STOPS_WORK, sign_in.choose_language, ("POST",)),
    DriverPage("/driver/day", PersonAct.STOPS_WORK, day.show),
    DriverPage("/driver/messages", PersonAct.STOPS_WORK, day.have_read_messages, ("POST",)),
    DriverPage("/driver/taps", PersonAct.STOPS_WORK, taps.take, ("POST",), reads_itself=True),
    DriverPage("/driver/proofs", PersonAct.STOPS_WORK, proofs.take, ("POST",), limit=FORM_LIMIT),
    DriverPage(
        "/driver/positions", PersonAct.STOPS_WORK, positions.take, ("POST",), reads_itself=True
    ),
    DriverPage("/driver/app", PersonAct.STOPS_WORK, positions.show_app, _BOTH),
)
"""Every page of drivers."""


class DriverPages:
    """The application. It is mounted at PREFIX, and its paths are whole."""

    def __init__(
        self,
        platform: Platform,
        shown_ids: ShownIds,
        limits: PersonLimits | None = None,
        *,
        processes: int = 1,
    ) -> None:
        """Serves the pages over `platform`, within the `limits` of each driver, if there are any.

        `shown_ids` write the ids of deliveries. `processes` share the limits of devices.
        """
        tracker = positions.Tracker(platform, processes)
        self.starlette = Starlette(
            routes=[
                *ROUTES,
                Route("/driver/traccar", tracker.serve, methods=["GET", "POST"]),
                Route("/driver/static/{edition}/{name}", serve_file),
                Route("/driver/worker.js", serve_worker),
                Route("/driver/page.webmanifest", serve_manifest),
            ],
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
        cookies = Cookies(platform.public_url)
        admission = DriverAdmission(platform, cookies, limits or PersonLimits())
        self.starlette.state.admit = admission.admit
        self.starlette.state.intake = tracker.intake
        self.starlette.state.shown_ids = shown_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request under its whole path."""
        scope["root_path"] = scope.get("app_root_path", scope.get("root_path", ""))
        await self.starlette(scope, receive, send)


_TITLES: Final = {
    400: (N_("This could not be read"), N_("Open the page again and try once more.")),
    403: (N_("This is not for you"), N_("Sign in as a driver, and do it on the driver's page.")),
    404: (N_("There is nothing here"), N_("The address may be mistyped. Go to your stops.")),
    405: (N_("This page cannot be opened so"), N_("Go to your stops and use it from there.")),
    413: (N_("This is too large"), N_("Take a smaller picture, and try once more.")),
    429: (N_("One moment, please"), N_("Too much was asked for at once. Try again in a minute.")),
    500: (N_("Something went wrong on our side"), N_("It is written down. Try once more.")),
    503: (N_("We cannot do this right now"), N_("Try again in a moment. Nothing is lost.")),
}


def _notice(request: Request, status: int) -> Response:
    language = language_of(request.scope, LANGUAGES)
    title, detail = _TITLES.get(status, _TITLES[404])
    with read_by(Reader(language)):
        title, detail = gettext(title), gettext(detail)
    return render(language, "notice.html", status=status, title=title, detail=detail)


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    page = _notice(request, status)
    if isinstance(error, HTTPException):
        page.headers.update(error.headers or {})  # what is allowed, with a 405
    return page


async def _put_off(request: Request, error: Exception) -> Response:
    page = _notice(request, 429 if isinstance(error, RateLimited) else 503)
    if isinstance(error, RateLimited | Busy | Unavailable):
        page.headers["retry-after"] = str(error.retry_after)
    return page


async def _misread(request: Request, error: Exception) -> Response:
    return _notice(request, 413 if isinstance(error, BodyTooLarge) else 400)


async def _stumble(request: Request, _: Exception) -> Response:
    return _notice(request, 500)
