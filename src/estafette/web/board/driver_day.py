"""One driver as a dispatcher sees them: the day that was or is, and what was written to them."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.fleet.frame import frame
from estafette.core.fleet.message import LONGEST_MESSAGE
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.people.permission import PersonAct
from estafette.core.people.person import FieldError
from estafette.core.point import Point
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.fleet.messages import messages_of, write
from estafette.usecases.fleet.replay import DriverDayReplay, replay
from estafette.usecases.platform import clock
from estafette.web.asked import day_in
from estafette.web.board.drivers import driver_in, vehicle_name
from estafette.web.board.live import map_words, name_of
from estafette.web.board.words import said_of, state_name
from estafette.web.history import message_text
from estafette.web.parts import Column
from estafette.web.tiles import path_of
from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows a driver's day, today's unless `?day=` names another."""
    driver = await driver_in(request, visit)
    zone = ZoneInfo(visit.company.time_zone)
    today = clock().astimezone(zone).date()
    day = _day(request.query_params.get("day"), today)
    since = datetime.combine(day, time(), zone)
    until = datetime.combine(day + timedelta(days=1), time(), zone)
    found = await replay(visit.platform, visit.company.id, driver.id, since, until)
    return render(
        visit,
        "web/board/templates/driver_day.html",
        driver=driver,
        vehicle=vehicle_name(driver.vehicle),
        day=day.isoformat(),
        today=today.isoformat(),
        carried=found.carried,
        track=found.track,
        points=_points(found),
        map_words=map_words(),
        tiles=path_of(visit.platform),
        messages=await messages_of(visit.platform, visit.company.id, driver.id),
        message_text=message_text,
        columns=(
            Column("name", gettext("Delivery")),
            Column("state", gettext("What became of it")),
            Column("picked_up", gettext("Picked up"), "time"),
            Column("ended", gettext("Ended"), "time"),
        ),
        name_of=name_of,
        state_name=state_name,
        longest=LONGEST_MESSAGE,
        may_write=visit.may(PersonAct.ASSIGNMENTS_MANAGE),
        may_manage=visit.may(PersonAct.DRIVERS_MANAGE),
    )


async def write_to(request: Request, visit: Visit) -> Response:
    """Writes a message to the driver."""
    driver = await driver_in(request, visit)
    back = f"{visit.home}/drivers/{driver.id.hex}/day"

    async def do() -> Response:
        try:
            await write(visit.platform, visit.company.id, driver.id, visit.form.value("text"))
        except FieldError:
            said = gettext("A message has 1 to %(most)s characters.", most=LONGEST_MESSAGE)
            return visit.go(back, said, Tone.BAD)
        except FleetRefusal as refusal:
            return visit.go(back, said_of(refusal), Tone.BAD)
        return visit.go(back, gettext("%(name)s reads it on the phone.", name=driver.name))

    return await visit.once(do, otherwise=back)


def _day(text: str | None, today: date) -> date:
    """Returns the day that was asked for, unless that is still to come; else today."""
    day = day_in(text or "")
    return today if day is None else min(day, today)


def _points(found: DriverDayReplay) -> Mapping[str, Any]:
    """Returns what the map draws: the way, and the stops of what was carried."""
    stops = [
        {
            "id": one.delivery.id.hex,
            "kind": kind,
            "name": name_of(one.delivery),
            "lat": stop.latitude,
            "lon": stop.longitude,
            "state": "given",
        }
        for one in found.carried
        if one.delivery is not None
        for kind, stop in (("pickup", one.delivery.pickup), ("dropoff", one.delivery.dropoff))
        if stop.latitude is not None and stop.longitude is not None
    ]
    track = [[one.longitude, one.latitude] for one in found.track]
    places = [Point(one.latitude, one.longitude) for one in found.track]
    places += [Point(float(one["lat"]), float(one["lon"])) for one in stops]
    return {"drivers": [], "stops": stops, "track": track, "frame": frame(places)}
