"""Where the driver is: as the page tells it, and as an app on the phone does."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.fleet.position import MOST_AT_ONCE, Place
from estafette.core.fleet.tap import clock_error
from estafette.http.limiter import PersonLimits, limits_of
from estafette.http.request import read_body
from estafette.http.trace import trace_of
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.fleet import positions
from estafette.usecases.fleet.positions import Heard, Intake
from estafette.usecases.platform import Platform, clock
from estafette.web.driver import traccar
from estafette.web.driver.body import batch_of, must_be_of, number_of, told_moment
from estafette.web.driver.refusals import refusal
from estafette.web.driver.visit import Code, DriverVisit, render

_OF_DEVICE_PER_SECOND: Final = 2.0
"""How many positions a second one device may send in the long run; at once twenty times as many."""

_METRES_A_SECOND: Final = 3.6  # kilometres an hour


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


async def take(request: Request, visit: DriverVisit) -> Response:
    """Takes the positions of a page: `{"driver", "now", "positions": [{"at", "latitude", …}]}`."""
    body = batch_of(await read_body(request.scope, request.receive), "positions", MOST_AT_ONCE)
    must_be_of(visit, body)
    now = clock()
    error = clock_error(body.now, now)
    places = [place for each in body.items if (place := _place(each)) is not None]
    heard = await _intake(request).by_page(visit.driver, places, error)
    if heard is not Heard.KEPT:
        return refusal(request, Code.OFF_SHIFT)
    return Response(status_code=204)


def _place(given: dict[str, object]) -> Place | None:
    at = told_moment(given.get("at"))
    north, east = (number_of(given.get(name)) for name in ("latitude", "longitude"))
    if at is None or north is None or east is None:
        return None
    speed = number_of(given.get("speed"))
    return Place(
        at,
        north,
        east,
        number_of(given.get("accuracy")),
        None if speed is None else speed * _METRES_A_SECOND,
        number_of(given.get("course")),
    )


async def show_app(request: Request, visit: DriverVisit) -> Response:
    """Shows how an app tells where the driver is, and makes its secret anew."""
    token = None
    if request.method == "POST":
        if visit.form.value("act") == "remove":
            await positions.drop_token(visit.platform, visit.driver)
        else:
            token = await positions.renew_token(visit.platform, visit.driver)
    return render(
        visit.language,
        "app.html",
        token=token,
        has_token=await positions.has_token(visit.platform, visit.driver),
        url=f"{visit.platform.public_url}/driver/traccar",
    )


class Tracker:
    """Takes the positions of apps, each within its limit."""

    def __init__(self, platform: Platform, processes: int = 1) -> None:
        """Begins with nothing. `processes` share the limit of each device."""
        self.intake = Intake(platform)
        self._limits = PersonLimits(_OF_DEVICE_PER_SECOND, processes)

    async def serve(self, request: Request) -> Response:
        """Answers an app: 200 where it need not send it again, 4xx where that would be no use.

        Who is not on shift is answered 200, and nothing is kept: an app would send it again.
        Raises RateLimited.
        """
        scope = request.scope
        trace_of(scope).route = "/driver/traccar"
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = b""
        if request.method == "POST":
            body = await read_body(scope, request.receive, traccar.BODY_LIMIT)
        report = traccar.read(scope["query_string"], body, media_type, clock())
        if report is None:
            limits_of(scope).ask(scope)
            raise HTTPException(400)
        self._limits.take(scope, UUID(bytes=key_hash(report.token)[:16]))
        heard = await self.intake.by_token(report.token, report.places)
        if heard is Heard.UNKNOWN:
            limits_of(scope).fail(scope)
            raise HTTPException(403)
        return Response(status_code=200)
