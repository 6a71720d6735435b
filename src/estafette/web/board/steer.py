"""What dispatchers do by hand: give deliveries to drivers, and take them back, one or many."""

from typing import Final, NamedTuple
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.errors import Refusal
from estafette.core.fleet.refusals import FleetRefusal
from estafette.http.shell import Tone
from estafette.http.texts import gettext, ngettext
from estafette.usecases.fleet.board import MOST_DELIVERIES, find_of_company
from estafette.usecases.fleet.bulk import Taken, Wanted, assign_all, take_all_back
from estafette.web.asked import known_id
from estafette.web.board.live import name_of
from estafette.web.board.words import said_of
from estafette.web.visit import Visit, render

_BACK: Final = "take_back"
_GIVE: Final = "assign"


class Chosen(NamedTuple):
    """A delivery that was ticked, and the driver who had it when the page was read, if any."""

    delivery_id: UUID
    driver_id: UUID | None


class Outcome(NamedTuple):
    """What happened to one of them; `error` says why it was left as it is."""

    name: str
    delivery_id: UUID
    error: str = ""


async def steer(request: Request, visit: Visit) -> Response:
    """Gives the ticked deliveries to a driver, or takes them back; says what happened to each."""
    act, form = visit.form.value("do"), visit.form
    if act not in (_GIVE, _BACK):
        raise HTTPException(400)
    ticked = form.values("delivery")
    if len(ticked) > MOST_DELIVERIES:  # more than the page shows: it was not sent by it
        raise HTTPException(400)
    chosen = [_chosen(text) for text in ticked]
    if not chosen:
        return visit.go(visit.home, gettext("Tick the deliveries first."), Tone.WARNING)
    driver_id = _id(form.value("driver")) if act == _GIVE and form.value("driver") else None
    if act == _GIVE and driver_id is None:
        return visit.go(visit.home, gettext("Choose a driver first."), Tone.WARNING)

    async def do() -> Response:
        outcomes = await _each(visit, chosen, driver_id)
        done = sum(not one.error for one in outcomes)
        if act == _GIVE:
            said = ngettext("%(count)s delivery given.", "%(count)s deliveries given.", done)
        else:
            said = ngettext(
                "%(count)s delivery taken back.", "%(count)s deliveries taken back.", done
            )
        if done == len(outcomes):
            return visit.go(visit.home, said)
        return render(
            visit, "web/board/templates/steered.html", outcomes=outcomes, said=said, done=done
        )

    return await visit.once(do, otherwise=visit.home)


async def _each(visit: Visit, chosen: list[Chosen], driver_id: UUID | None) -> list[Outcome]:
    """Gives them to a driver, or takes them back for None; says of each what happened to it."""
    of = (visit.platform, visit.company.id)
    names: dict[UUID, str] = {}
    for one in chosen:
        found = await find_of_company(*of, visit.mode, one.delivery_id)
        if found is not None:
            names[one.delivery_id] = name_of(found.delivery)
    known = [one for one in chosen if one.delivery_id in names]
    if driver_id is None:
        done = await take_all_back(*of, [Taken(*one) for one in known])
    else:
        done = await assign_all(*of, [Wanted(one[0], driver_id, one[1]) for one in known])
    unknown = gettext("The company carries no such delivery.")
    return [
        *(Outcome(names[one.delivery_id], one.delivery_id, _why(one.refusal)) for one in done),
        *(Outcome(id.hex[-8:], id, unknown) for id, _ in chosen if id not in names),
    ]


def _why(refusal: FleetRefusal | Refusal | None) -> str:
    """Returns why it was left as it is, or nothing."""
    if refusal is None:
        return ""
    if isinstance(refusal, FleetRefusal):
        return said_of(refusal)
    return gettext("This cannot be done in its present status.")


def _chosen(text: str) -> Chosen:
    delivery, _, driver = text.partition(".")
    return Chosen(_id(delivery), _id(driver) if driver else None)


def _id(text: str) -> UUID:
    id = known_id(text)
    if id is None:
        raise HTTPException(400)
    return id
