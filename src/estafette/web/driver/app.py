"""The driver's page as one application, and what is shown where there is no page."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from estafette.core.errors import Busy, Unavailable
from estafette.core.people.permission import PersonAct
from estafette.http.limiter import PersonLimits
from estafette.http.refusals import BadBody, BodyTooLarge, EncodedBody, RateLimited
from estafette.usecases.fleet.positions import Intake
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import FORM_LIMIT
from estafette.web.driver import day, positions, proofs, sign_in, taps, tracker
from estafette.web.driver.day import ShownIds
from estafette.web.driver.files import serve_file, serve_manifest, serve_worker
from estafette.web.driver.page import show as show_page
from estafette.web.driver.refusals import misread, put_off, refuse, stumble
from estafette.web.driver.visit import DriverAdmission, DriverHandler, DriverPage
from estafette.web.session import Cookies
from estafette.web.visit import Access

PREFIX: Final = "/driver"

_BOTH: Final = ("GET", "POST")


def _of_scripts(
    path: str, handler: DriverHandler, methods: Sequence[str] = ("POST",), **options: Any
) -> DriverPage:
    return DriverPage(path, PersonAct.STOPS_WORK, handler, methods, of_scripts=True, **options)


ROUTES: Final[Sequence[DriverPage]] = (
    DriverPage("/driver", PersonAct.STOPS_WORK, show_page),
    DriverPage("/driver/sign-in", Access.ANYBODY, sign_in.show, _BOTH),
    DriverPage("/driver/sign-in/code", Access.ANYBODY, sign_in.show_code, _BOTH),
    DriverPage("/driver/sign-out", Access.ANYBODY, sign_in.sign_out, ("POST",)),
    DriverPage("/driver/language", PersonAct.STOPS_WORK, sign_in.choose_language, ("POST",)),
    _of_scripts("/driver/day", day.show, ("GET",)),
    _of_scripts("/driver/messages", day.have_read_messages),
    _of_scripts("/driver/taps", taps.take, reads_itself=True),
    _of_scripts("/driver/proofs", proofs.take, limit=FORM_LIMIT, seconds=proofs.SECONDS),
    _of_scripts("/driver/positions", positions.take, reads_itself=True),
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
        intake = Intake(platform)
        self._tracker = tracker.build(intake, processes)
        self.starlette = Starlette(
            routes=[
                *ROUTES,
                Route("/driver/static/{edition}/{name}", serve_file),
                Route("/driver/worker.js", serve_worker),
                Route("/driver/page.webmanifest", serve_manifest),
            ],
            exception_handlers={
                HTTPException: refuse,
                RateLimited: put_off,
                Busy: put_off,
                Unavailable: put_off,
                BadBody: misread,
                EncodedBody: misread,
                BodyTooLarge: misread,
                500: stumble,
            },
        )
        self.starlette.router.redirect_slashes = False
        cookies = Cookies(platform.public_url)
        admission = DriverAdmission(platform, cookies, limits or PersonLimits())
        self.starlette.state.admit = admission.admit
        self.starlette.state.intake = intake
        self.starlette.state.shown_ids = shown_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request under its whole path."""
        root: str = scope.get("app_root_path", scope.get("root_path", ""))
        scope["root_path"] = root
        is_position = scope["path"].removeprefix(root) == tracker.PATH
        await (self._tracker if is_position else self.starlette)(scope, receive, send)
