"""One delivery as a dispatcher sees it: where it goes, who was asked, who has it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.errors import Refusal
from estafette.core.fleet.refusals import FleetRefusal, NotOfCompany
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.terminal import plain
from estafette.usecases.deliveries.advance import unlock_pin
from estafette.usecases.deliveries.failing import policy_of as held_policy
from estafette.usecases.deliveries.find import find_with_history
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.board import MOST_DRIVERS, Found, find_of_company
from estafette.usecases.fleet.drivers import list_drivers
from estafette.usecases.fleet.explanations import explain
from estafette.usecases.platform import clock
from estafette.web.asked import id_in, known_id
from estafette.web.board.live import name_of
from estafette.web.board.news import version
from estafette.web.board.why import whys
from estafette.web.board.words import said_of, seconds_left, state_name, with_lacking
from estafette.web.failing import attempts_of, policy_of
from estafette.web.history import happened
from estafette.web.noted import noted
from estafette.web.parts import Column
from estafette.web.visit import Visit, render


async def show(request: Request, visit: Visit) -> Response:
    """Shows a delivery of the company, with every driver who was asked or had it."""
    seen = await version(visit)
    found = await _found(request, visit)
    scope, id = found.delivery.scope, found.delivery.id
    delivery, history = await find_with_history(visit.platform, scope, id)
    try:
        explained = await explain(visit.platform, visit.company.id, id)
    except NotOfCompany:  # another company carries it by now
        raise HTTPException(404) from None
    carried = next((one for one in found.assignments if one.is_open and one.is_on_board), None)
    now = clock()
    return render(
        visit,
        "web/board/templates/delivery.html",
        seen=seen,
        delivery=delivery,
        name=name_of(delivery),
        happened=happened(delivery, history),
        policy=policy_of(await held_policy(visit.platform, delivery)),
        tried=attempts_of(delivery),
        related=[
            (what, f"{visit.home}/deliveries/{id.hex}")
            for what, id in (
                (gettext("It brings back this delivery"), delivery.return_of),
                (gettext("It is brought back by this delivery"), delivery.return_id),
            )
            if id is not None
        ],
        given=list(reversed(found.assignments)),
        drivers=found.drivers,
        columns=(
            Column("driver", gettext("Driver")),
            Column("state", gettext("What became of it")),
            Column("reason", gettext("Why"), "quiet"),
            Column("at", gettext("When"), "time"),
        ),
        whys=whys(explained),
        now=now,
        seconds_left=partial(seconds_left, now=now),
        here=f"{visit.home}/deliveries/{id.hex}",
        carried=carried,
        others=[] if carried is None else await _others(visit, carried.driver_id, delivery.skills),
        may_unlock=visit.may(PersonAct.PINS_UNLOCK) and delivery.pin_is_locked,
        state_name=state_name,
        noted=noted,
    )


async def unlock(request: Request, visit: Visit) -> Response:
    """Lets the PIN of a delivery be tried again."""
    found = await _found(request, visit)
    here = f"{visit.home}/deliveries/{found.delivery.id.hex}"

    async def do() -> Response:
        try:
            await unlock_pin(visit.platform, found.delivery.scope, found.delivery.id)
        except Refusal:
            said = gettext("There is nothing to unlock.")
            return visit.go(here, said, Tone.WARNING)
        return visit.go(here, gettext("The PIN can be tried again."))

    return await visit.once(do, otherwise=here)


async def took_over(request: Request, visit: Visit) -> Response:
    """Notes that a parcel which a driver had on board is with another one of the company now."""
    found = await _found(request, visit)
    here = f"{visit.home}/deliveries/{found.delivery.id.hex}"
    given_by, taken_by = (known_id(visit.form.value(name)) for name in ("from", "driver"))
    if given_by is None or taken_by is None:
        return visit.go(here, gettext("Choose a driver first."), Tone.WARNING)

    async def do() -> Response:
        of = (visit.company.id, found.delivery.id, taken_by)
        try:
            await assign(visit.platform, *of, instead_of=given_by, took_over=True)
        except FleetRefusal as refusal:
            return visit.go(here, said_of(refusal), Tone.WARNING)
        except Refusal:
            said = gettext("This cannot be done in its present status.")
            return visit.go(here, said, Tone.WARNING)
        return visit.go(here, gettext("It is written down who has the parcel."))

    return await visit.once(do, otherwise=here)


async def _others(visit: Visit, driver_id: UUID, demanded: Sequence[str]) -> list[tuple[str, str]]:
    """Returns whom a parcel may be handed to on the way, where the reader may say so.

    Whoever lacks a skill that is `demanded` of its driver is among them, and it is told.
    """
    if not visit.may(PersonAct.ASSIGNMENTS_MANAGE):
        return []
    roster = await list_drivers(visit.platform, visit.company.id, visit.mode, limit=MOST_DRIVERS)
    return [
        (one.id.hex, with_lacking(plain(one.name), one.lacks(demanded)))
        for one in sorted(roster.drivers, key=lambda one: (one.id not in roster.shifts, one.name))
        if one.id != driver_id and one.paused_at is None
    ]


async def _found(request: Request, visit: Visit) -> Found:
    id = id_in(request.path_params["delivery"])
    found = await find_of_company(visit.platform, visit.company.id, visit.mode, id)
    if found is None:
        raise HTTPException(404)
    return found
