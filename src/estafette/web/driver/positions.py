"""Where the driver is: as the page tells it, and as an app on the phone does."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.fleet.position import MOST_AT_ONCE, Place
from estafette.core.fleet.tap import clock_error
from estafette.http.request import read_body
from estafette.http.trace import trace_of
from estafette.usecases.fleet import positions
from estafette.usecases.fleet.positions import Heard, Intake
from estafette.usecases.platform import clock
from estafette.web.driver import tracker
from estafette.web.driver.body import batch_of, must_be_of, number_of, told_moment
from estafette.web.driver.refusals import refusal
from estafette.web.driver.visit import Code, DriverVisit, render

_METRES_A_SECOND: Final = 3.6  # kilometres an hour


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


async def take(request: Request, visit: DriverVisit) -> Response:
    """Takes the positions of a page: `{"driver", "now", "positions": [{"at", "latitude", …}]}`."""
    trace_of(request.scope).is_routine = True
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
        url=f"{visit.platform.public_url}{tracker.PATH}",
    )
