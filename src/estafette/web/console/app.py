"""The console's pages and its navigation.

Paths are `/console/{account}/{mode}/…`: the account's id in hex, and `live` or `sandbox`. A page
that is added here is of an act (`core/people/permission.py`); one for the navigation has a line in
AREA besides.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.usecases.people.visits import first_mode
from estafette.web import developers
from estafette.web.areas import Area, Entry, Section
from estafette.web.console import branding, deliveries_routes, failing, money, overview
from estafette.web.people import team
from estafette.web.people.doors import choose_door
from estafette.web.visit import Page, Visit, page

CONSOLE: Final = "/console/{account}/{mode}"


async def _choose(request: Request, visit: Visit) -> Response:
    """Leads to the console of the person's account; lets them choose where there are several."""
    return choose_door(visit, "/console/", "web/console/templates/choose.html")


async def _enter(request: Request, visit: Visit) -> Response:
    """Leads to the account in the mode that it is used in; whose it is, that page asks."""
    path = f"/console/{request.path_params['account']}"
    door = next((door for door in visit.doors if door.path == path), None)
    mode = Mode.LIVE if door is None else await first_mode(visit.platform, door.organisation.id)
    return RedirectResponse(f"{path}/{mode}", 303)


ROUTES: Final[tuple[Page, ...]] = (
    page("/console", PersonAct.PROFILE_MANAGE, _choose),
    page("/console/{account}", PersonAct.PROFILE_MANAGE, _enter),
    page(CONSOLE, PersonAct.OVERVIEW_SEE, overview.show),
    *deliveries_routes.pages(CONSOLE),
    *developers.pages(CONSOLE),
    page(f"{CONSOLE}/money", PersonAct.PAYMENTS_SEE, money.show),
    page(f"{CONSOLE}/money/statement.csv", PersonAct.STATEMENTS_SEE, money.download),
    *branding.pages(CONSOLE),
    *failing.pages(CONSOLE),
    *team.pages(CONSOLE),
)

AREA: Final = Area(
    N_("Console"),
    (
        Section(
            "",
            (
                Entry("", N_("Overview"), "layout-dashboard", PersonAct.OVERVIEW_SEE),
                Entry("/deliveries", N_("Deliveries"), "package", PersonAct.DELIVERIES_SEE),
                Entry("/money", N_("Money"), "wallet", PersonAct.PAYMENTS_SEE),
            ),
        ),
        developers.SECTION,
        Section(
            N_("Organisation"),
            (
                Entry("/branding", N_("Branding"), "palette", PersonAct.BRANDING_SEE),
                Entry("/failing", N_("Failed attempts"), "undo-2", PersonAct.FAILING_SEE),
                Entry("/team", N_("Team"), "users", PersonAct.TEAM_SEE),
                Entry("/audit", N_("Audit"), "history", PersonAct.AUDIT_SEE),
            ),
        ),
    ),
)
"""Its navigation. Sections and entries stand in the order in which they are shown."""
