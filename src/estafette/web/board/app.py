"""The board's pages and its navigation.

Paths are `/board/{company}/{mode}/…`: the company's id in hex, and `live` or `sandbox`. A page
that is added here is of an act (`core/people/permission.py`); one for the navigation has a line in
AREA besides.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.web.areas import Area, Entry, Section
from estafette.web.board import company
from estafette.web.people import team
from estafette.web.people.words import role_name
from estafette.web.visit import Page, Visit, page, render

BOARD: Final = "/board/{company}/{mode}"


async def _choose(request: Request, visit: Visit) -> Response:
    """Leads to the board of the person's company; lets them choose where there are several."""
    doors = [door for door in visit.doors if door.path.startswith("/board/")]
    if len(doors) == 1:
        return RedirectResponse(doors[0].path, 303)
    return render(visit, "web/board/templates/choose.html", chosen=doors, role_name=role_name)


async def _enter(request: Request, visit: Visit) -> Response:
    """Leads to the company's real work; whose company it is, that page asks."""
    return RedirectResponse(f"/board/{request.path_params['company']}/live", 303)


ROUTES: Final[tuple[Page, ...]] = (
    page("/board", PersonAct.PROFILE_MANAGE, _choose),
    page("/board/{company}", PersonAct.PROFILE_MANAGE, _enter),
    page(BOARD, PersonAct.OVERVIEW_SEE, company.show),
    *team.pages(BOARD, has_audit=False),
)

AREA: Final = Area(
    N_("Board"),
    (
        Section(
            N_("Company"),
            (
                Entry("", N_("Overview"), "truck", PersonAct.OVERVIEW_SEE),
                Entry("/team", N_("Team"), "users", PersonAct.TEAM_SEE),
            ),
        ),
    ),
)
"""Its navigation. Sections and entries stand in the order in which they are shown."""
