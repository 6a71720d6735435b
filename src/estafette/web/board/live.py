"""The board itself: what the company has under way and its drivers, side by side, kept true."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.skills import unique
from estafette.core.fleet.frame import far_off, frame
from estafette.core.people.permission import PersonAct
from estafette.core.point import Point
from estafette.http.shell import Link
from estafette.http.texts import N_, gettext
from estafette.terminal import plain
from estafette.usecases.fleet.board import Board, DriverOnBoard, OnBoard, look_at_board
from estafette.usecases.platform import clock
from estafette.web.asked import known_id
from estafette.web.board.news import version
from estafette.web.board.words import names_of, seconds_left, with_lacking
from estafette.web.parts import Column
from estafette.web.tiles import path_of
from estafette.web.visit import Visit, render

FILTERS: Final = {
    "": N_("All"),
    "nobody": N_("Without a driver"),
    "late": N_("Late"),
    "stalled": N_("Stalled"),
}
"""Which deliveries a board can be narrowed to."""


async def show(request: Request, visit: Visit) -> Response:
    """Shows the board, or that part of it which the query asks for."""
    seen = await version(visit)
    board = await look_at_board(visit.platform, visit.company.id, Mode(visit.mode))
    now = clock()
    asked = request.query_params.get("show", "")
    driver_id = known_id(request.query_params.get("driver"))
    shown = [
        one for one in board.deliveries if _is_asked(one, asked, now) and _is_with(one, driver_id)
    ]
    lacking = _lacking(board, shown)
    return render(
        visit,
        "web/board/templates/board.html",
        board=board,
        seen=seen,
        rows=shown,
        drivers=board.drivers,
        names=board.names,
        silent=board.silent,
        tabs=_tabs(visit, board, asked, now),
        chosen_driver=next((one for one in board.drivers if one.driver.id == driver_id), None),
        now=now,
        columns=_columns(),
        driver_columns=_driver_columns(),
        may_steer=visit.may(PersonAct.ASSIGNMENTS_MANAGE),
        driver_options=_driver_options(board, lacking),
        lacking=lacking,
        names_of=names_of,
        offered_names=partial(_offered_names, board),
        seconds_left=partial(seconds_left, now=now),
        stop_of={(one.delivery.scope.account_id, one.delivery.id): one for one in board.deliveries},
        points=points(board),
        far_off=deliveries_far_off(board),
        map_words=map_words(),
        tiles=path_of(visit.platform),
        name_of=name_of,
    )


def _is_asked(one: OnBoard, asked: str, now: datetime) -> bool:
    if asked == "nobody":
        return one.needs_driver
    if asked == "late":
        return one.is_late(now)
    return asked != "stalled" or one.delivery.status is Status.STALLED


def _is_with(one: OnBoard, driver_id: UUID | None) -> bool:
    if driver_id is None:
        return True
    given = [one.accepted, *one.offered] if one.accepted else one.offered
    return any(assignment.driver_id == driver_id for assignment in given)


def _tabs(visit: Visit, board: Board, asked: str, now: datetime) -> list[Link]:
    return [
        Link(
            f"{visit.home}?show={code}" if code else visit.home,
            gettext(name),
            is_current=code == asked,
            count=_count(board, code, now),
        )
        for code, name in FILTERS.items()
    ]


def _lacking(board: Board, shown: Sequence[OnBoard]) -> dict[UUID, tuple[str, ...]]:
    """Returns what each driver lacks of the skills that deliveries which wait for one demand."""
    waiting = [one.delivery for one in shown if one.needs_driver]
    demanded = unique(name for delivery in waiting for name in delivery.skills)
    return {one.driver.id: one.driver.lacks(demanded) for one in board.drivers}


def _driver_options(board: Board, lacking: Mapping[UUID, Sequence[str]]) -> list[tuple[str, str]]:
    """Returns whom something can be given to: those on shift first, with what they have."""
    options = [("", gettext("Choose a driver"))]
    for one in board.drivers:
        if one.driver.paused_at is None:
            load = f"{one.load.parcels}/{one.driver.capacity.parcels}"
            off = "" if one.shift else f", {gettext('off shift')}"
            named = f"{plain(one.driver.name)} ({load}{off})"
            options.append((one.driver.id.hex, with_lacking(named, lacking[one.driver.id])))
    return options


def _offered_names(board: Board, one: OnBoard) -> str:
    names = (board.names.get(offer.driver_id, "–") for offer in one.offered)
    return ", ".join(map(plain, names))


def _count(board: Board, asked: str, now: datetime) -> int:
    return sum(_is_asked(one, asked, now) for one in board.deliveries)


def _columns() -> Sequence[Column]:
    return (
        Column("name", gettext("Delivery")),
        Column("way", gettext("From and to"), "quiet"),
        Column("driver", gettext("Driver")),
        Column("due", gettext("Promised"), "time"),
    )


def _driver_columns() -> Sequence[Column]:
    return (
        Column("driver", gettext("Driver")),
        Column("load", gettext("Has")),
        Column("next", gettext("Next stop"), "quiet"),
        Column("seen", gettext("Seen"), "time"),
    )


def name_of(delivery: Delivery) -> str:
    """Returns by what people call a delivery: its number, the merchant's, else a part of its id."""
    return delivery.reference or delivery.external_ref or delivery.id.hex[-8:]


def points(board: Board) -> Mapping[str, object]:
    """Returns what the map draws: drivers and stops that have a place. Names are shown as text."""
    return {
        "track": [],
        "frame": frame([where for _, where in _places(board)]),
        "drivers": [_driver_point(one) for one in board.drivers if one.position is not None],
        "stops": [
            {
                "id": one.delivery.id.hex,
                "kind": kind,
                "name": name_of(one.delivery),
                "lat": stop.latitude,
                "lon": stop.longitude,
                "state": "stalled" if one.delivery.status is Status.STALLED else _state(one),
            }
            for one in board.deliveries
            for kind, stop in (("pickup", one.delivery.pickup), ("dropoff", one.delivery.dropoff))
            if stop.latitude is not None and stop.longitude is not None
        ],
    }


def deliveries_far_off(board: Board) -> frozenset[UUID]:
    """Returns the ids of the deliveries of which a place is far from all else on the board."""
    places = _places(board)
    far = far_off([where for _, where in places])
    return frozenset(id for (id, _), is_far in zip(places, far, strict=True) if is_far and id)


def _places(board: Board) -> list[tuple[UUID | None, Point]]:
    """Returns where drivers are, and the stops of deliveries, with whose they are."""
    seen = [one.position for one in board.drivers if one.position is not None]
    drivers = [(None, Point(one.latitude, one.longitude)) for one in seen]
    stops = [
        (one.delivery.id, Point(stop.latitude, stop.longitude))
        for one in board.deliveries
        for stop in (one.delivery.pickup, one.delivery.dropoff)
        if stop.latitude is not None and stop.longitude is not None
    ]
    return [*drivers, *stops]


def map_words() -> Mapping[str, str]:
    """Returns what the map says, in the reader's language."""
    return {
        "nothing": gettext("Nothing of it has a place on the map yet."),
        "none": gettext("This browser draws no map; the lists beside it say the same."),
        "Map.Title": gettext("Map"),
        "NavigationControl.ZoomIn": gettext("Zoom in"),
        "NavigationControl.ZoomOut": gettext("Zoom out"),
        "Popup.Close": gettext("Close"),
    }


def _driver_point(one: DriverOnBoard) -> Mapping[str, object]:
    assert one.position is not None  # noqa: S101 - the caller has asked
    return {
        "id": one.driver.id.hex,
        "name": one.driver.name,
        "lat": one.position.latitude,
        "lon": one.position.longitude,
        "on": one.shift is not None,
    }


def _state(one: OnBoard) -> str:
    return "nobody" if one.accepted is None else "given"
